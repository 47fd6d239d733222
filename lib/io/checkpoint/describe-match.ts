import { shapeText, type ParameterMatch, type WantedTensor } from './match.js';
import type { CheckpointTensor } from './tensor.js';

type Tensors = ReadonlyMap<string, Pick<CheckpointTensor, 'dtype' | 'shape'>>;

/**
 * A mapping as a table for people: each wanted name with its shape, what it gets and of which dtype, or why it gets
 * nothing; then the tensors that nothing wants.
 *
 *     const tensors = (await readCheckpoint('epoch10.pth')).stateDict();
 *     const match = matchParameters(tensors, model.parameters, { strict: false });
 *     console.log(describeMatch(match, model.parameters, tensors));
 */
export function describeMatch(
  match: ParameterMatch,
  wanted: readonly WantedTensor[],
  tensors: Tensors,
): string {
  const sources = new Map(match.mapping.map(({ name, source }) => [name, source]));
  const found = new Map(match.mismatched.map((item) => [item.name, item.found]));
  const rows = wanted.map(({ name, shape }) => {
    const source = sources.get(name);
    const other = found.get(name);
    if (source !== undefined) return [name, shapeText(shape), source, tensors.get(source)!.dtype];
    return [name, shapeText(shape), other === undefined ? 'MISSING' : `OTHER SHAPE ${shapeText(other)}`, ''];
  });
  const spare = match.unexpected.map((name) => {
    const { shape, dtype } = tensors.get(name)!;
    return ['not wanted', shapeText(shape), name, dtype];
  });
  const table = [['model', 'shape', 'checkpoint', 'dtype'], ...rows, ...spare];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const counts =
    `${sources.size} of ${wanted.length} found, ${match.missing.length} missing, ` +
    `${match.mismatched.length} of another shape, ${spare.length} not wanted`;
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, counts].join('\n');
}
