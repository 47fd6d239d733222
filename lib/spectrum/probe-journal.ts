import { Journal } from '../io/journal.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { operatorFingerprint } from './operator-fingerprint.js';
import { invalidOption } from '../validate.js';
import type { ProbeQuadrature } from './quadrature.js';

/** What decides the probes besides the operator. */
export interface ProbeSettings {
  readonly steps: number;
  readonly seed: number;
  readonly firstProbe: number;
}

/** Finished probes of stochastic Lanczos quadrature, on disk. */
export class ProbeJournal {
  readonly #journal: Journal;
  readonly restored: readonly ProbeQuadrature[];

  private constructor(journal: Journal, restored: readonly ProbeQuadrature[]) {
    this.#journal = journal;
    this.restored = restored;
  }

  /**
   * Goes on with the first `probes` of a file, or makes it. Throws ERR_RESUME where its probes are of another matrix or
   * other settings, ERR_INVALID_OPTION for operators of one's own, whose identity nobody knows, ERR_FILE_NOT_WRITABLE.
   */
  static async open(
    path: string,
    operator: LinearOperator,
    settings: ProbeSettings,
    probes: number,
  ): Promise<ProbeJournal> {
    const operatorPart = await operatorFingerprint(operator, { path, kind: 'spectrum' });
    if (operatorPart === null)
      throw invalidOption(
        "spectralDensity: option 'resume'",
        'absent for an operator of your own, whose identity a file cannot tell',
        path,
      );
    const restored: ProbeQuadrature[] = [];
    const journal = await Journal.open(path, 'spectrum', { ...operatorPart, ...settings }, (record) => {
      const isProbe = record.length > 0 && record.length % 24 === 0 && restored.length < probes;
      if (isProbe) restored.push(decode(record));
      return isProbe;
    });
    return new ProbeJournal(journal, restored);
  }

  async append(probes: readonly ProbeQuadrature[]): Promise<void> {
    await this.#journal.append(probes.map(encode));
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

/** Nodes, weights and residual bounds, little-endian. */
function encode({ nodes, weights, residualBounds }: ProbeQuadrature): Buffer {
  const record = Buffer.alloc(24 * nodes.length);
  [...nodes, ...weights, ...residualBounds].forEach((value, i) => record.writeDoubleLE(value, 8 * i));
  return record;
}

function decode(record: Buffer): ProbeQuadrature {
  const count = record.length / 24;
  const part = (index: number) =>
    Float64Array.from({ length: count }, (_, i) => record.readDoubleLE(8 * (index * count + i)));
  return { nodes: part(0), weights: part(1), residualBounds: part(2) };
}
