import type { RawArgument } from '../../native/exported-program.js';
import type { Json } from './json.js';
import type { ProgramNode } from './nodes.js';

const isDropout = (name: string) => /^aten::(native_|feature_|alpha_)*dropout_?$/.test(name);
const isTrue = (argument: RawArgument | undefined) => argument?.kind === 'bool' && argument.number === 1;
const argumentOf = (node: ProgramNode, ...names: readonly string[]) =>
  node.inputs.find(([name]) => names.includes(name))?.[1];

/**
 * An operator that in train mode may have had a dropout which the export in eval mode left no trace of; empty where
 * there is none. Attention takes its dropout as a number that is 0 in eval mode, and decompositions remove the layers.
 * `modes`: what the exporter knew.
 */
export function lostDropout(
  nodes: readonly ProgramNode[],
  verifiers: Json,
  modes: 'both' | 'eval' | null,
): string {
  if (modes === 'both') return '';
  const seen = seenLoss(nodes, verifiers);
  // Such as stochastic depth, which is no layer of PyTorch's.
  return modes === 'eval' && seen === '' ? 'a part that only train mode has' : seen;
}

/** What nodes say of the mode that they were exported in: norms without running statistics say nothing. */
function modesOf(nodes: readonly ProgramNode[]): { readonly isTrain: boolean; readonly isEval: boolean } {
  const telling = nodes.flatMap((node) => {
    const training = argumentOf(node, 'training', 'train');
    const statistics = argumentOf(node, 'running_mean');
    const isNorm = node.name.includes('_norm');
    const probability = argumentOf(node, 'p', 'dropout');
    const never = probability !== undefined && 'number' in probability && probability.number === 0;
    if (training?.kind !== 'bool' || never) return [];
    return isNorm && (statistics === undefined || statistics.kind === 'none') ? [] : [isTrue(training)];
  });
  return { isTrain: telling.includes(true), isEval: telling.includes(false) };
}

/** Whether parts of the program were exported in train mode and others in eval mode, on purpose it seems. */
export function isMixed(nodes: readonly ProgramNode[], modes: 'both' | 'eval' | null): boolean {
  const { isTrain, isEval } = modesOf(nodes);
  return modes !== 'both' && isTrain && isEval;
}

function seenLoss(nodes: readonly ProgramNode[], verifiers: Json): string {
  if (modesOf(nodes).isTrain) return '';
  const removed = nodes.some(
    ({ name, module }) => module.startsWith('torch.nn.modules.dropout.') && !isDropout(name),
  );
  if (removed) return 'aten::dropout';
  const attention = nodes.find(
    ({ name }) => name.startsWith('aten::') && name.includes('dot_product_attention'),
  );
  if (attention !== undefined) {
    const dropout = argumentOf(attention, 'dropout_p');
    if (dropout === undefined || !('number' in dropout) || dropout.number === 0) return attention.name;
  }
  // Without decompositions a dropout is in the graph in both modes.
  const isDecomposed = !verifiers.isNull && !verifiers.list().some((item) => item.value === 'TRAINING');
  return isDecomposed ? 'aten::dropout' : '';
}
