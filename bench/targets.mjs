// What is aimed at, in one place: of the cases, and of the rows of the protocol.

/**
 * What ours may take at most, in units of the rival's time.
 *
 * @typedef {{ rival: 'bare' | 'pyhessian', atMost: number }} CaseTarget
 *
 * @type {Readonly<Record<string, CaseTarget>>}
 */
export const caseTargets = {
  'lenet-256-point': { rival: 'bare', atMost: 1.1 },
  'lenet-256-hvp': { rival: 'bare', atMost: 1.1 },
  'resnet20-128-point': { rival: 'bare', atMost: 1.03 },
  'resnet20-128-hvp': { rival: 'bare', atMost: 1.03 },
  'lenet-256-slq': { rival: 'bare', atMost: 1.15 },
  'lenet-2048-slq': { rival: 'bare', atMost: 1.15 },
  'resnet20-128-slq': { rival: 'bare', atMost: 1.15 },
  'resnet20-128-eigenpairs': { rival: 'pyhessian', atMost: 0.25 },
};

/**
 * On a GPU: how many times ours a peer takes at least.
 *
 * @type {readonly { name: string, peer: 'lla' | 'pyhessian', atLeast: number }[]}
 */
export const gpuTargets = [
  { name: 'resnet20-128-slq', peer: 'lla', atLeast: 7 },
  { name: 'resnet20-128-slq', peer: 'pyhessian', atLeast: 20 },
  { name: 'lenet-2048-slq', peer: 'lla', atLeast: 15 },
];

/**
 * Of a row of the protocol: that a peer takes so many times what we take (`peer`; of time, memory or products, as the row
 * measures), that our time is so near to the floor (`floor`), or that beside a busy process it is not much longer than
 * without (`idle`).
 *
 * @typedef {{ kind: 'peer', peer: import('./tools.mjs').ToolName, atLeast: number }
 *   | { kind: 'floor', atLeast: number }
 *   | { kind: 'idle', atMost: number }} RowTarget
 */

/**
 * @param {import('./tools.mjs').ToolName} name
 * @param {number} atLeast
 * @returns {RowTarget}
 */
const peer = (name, atLeast) => ({ kind: 'peer', peer: name, atLeast });

/** @type {Readonly<Record<import('./protocol.mjs').RowName, readonly RowTarget[]>>} */
export const rowTargets = {
  G1: [peer('lla', 5)],
  G2: [peer('lla', 2.2)],
  G3: [peer('lla', 1.25)],
  'G3 bfloat16': [peer('lla', 2)],
  H1: [peer('pyhessian', 3.5), peer('lla', 3), peer('curvlinops', 4.5)],
  H2: [peer('pyhessian', 2), peer('lla', 1.8), peer('curvlinops', 2.5)],
  H3: [peer('pyhessian', 1.25), { kind: 'floor', atLeast: 0.8 }],
  A2: [peer('pyhessian', 5)],
  A3: [peer('pyhessian', 20)],
  A4: [peer('pyhessian', 2)],
  'A4 time': [{ kind: 'floor', atLeast: 0.8 }],
  busy: [{ kind: 'idle', atMost: 2 }],
};
