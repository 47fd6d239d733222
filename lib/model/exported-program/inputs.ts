import { LossAtlasError } from '../../errors.js';
import type { Json } from './json.js';
import { dtypeName } from './types.js';

/** A dimension that may vary; `high` is Infinity where nothing bounds it. */
export interface DimensionRange {
  readonly symbol: string;
  readonly low: number;
  readonly high: number;
}

/** An input of a program, as it was exported. */
export interface ProgramInput {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | DimensionRange)[];
}

/** `meta` is the graph's note on the value. */
export function readInput(name: string, meta: Json, ranges: Json): ProgramInput {
  const shape = meta
    .get('sizes')
    .list()
    .map((size): number | DimensionRange => {
      const [kind, value] = size.union();
      if (kind === 'as_int') return value.integer();
      const expression = value.get('expr_str').string();
      const symbol = /^Symbol\('(\w+)'/.exec(expression)?.[1] ?? expression;
      const range = ranges.get(symbol);
      const bound = (key: string, none: number) =>
        range.isNull || range.get(key).isNull ? none : range.get(key).number();
      // torch.export takes 0 and 1 for special while it looks at a graph, and says 2; its own check lets them pass too.
      const low = bound('min_val', 0);
      return { symbol, low: low <= 2 ? 0 : low, high: bound('max_val', Infinity) };
    });
  return { name, dtype: dtypeName(meta.get('dtype')), shape };
}

/** Throws ERR_FORWARD where data of these shapes, the number of samples first, do not fit what was exported. */
export function requireShapes(
  inputs: readonly ProgramInput[],
  shapes: readonly (readonly number[])[],
  names: readonly string[],
  title: string,
): void {
  inputs.forEach((input, i) => {
    const given = shapes[names.length === 0 ? i : names.indexOf(input.name)];
    // Its forward pass says what is missing.
    if (given === undefined) return;
    const fits =
      input.shape.length === given.length &&
      input.shape.every((wanted, d) =>
        typeof wanted === 'number'
          ? wanted === given[d]
          : wanted.low <= given[d]! && given[d]! <= wanted.high,
      );
    if (fits) return;
    const fixed = input.shape[0];
    const remedy =
      typeof fixed === 'number' && fixed !== given[0]
        ? ` Its batch has exactly ${fixed} samples: give batchSize: ${fixed} and a number of samples that it divides, or export with dynamic_shapes, as in torch.export.export(model, args, dynamic_shapes=({0: torch.export.Dim.AUTO},)).`
        : '';
    throw new LossAtlasError(
      'ERR_FORWARD',
      `${title} was exported for '${input.name}' of ${shapeText(input)}, and a batch has [${given.join(', ')}].${remedy}`,
    );
  });
}

function rangeText({ low, high }: DimensionRange): string {
  if (high === Infinity) return low === 0 ? 'any' : `${low} or more`;
  return low === 0 ? `up to ${high}` : `${low} to ${high}`;
}

export function shapeText({ shape }: ProgramInput): string {
  const dimension = (size: number | DimensionRange) =>
    typeof size === 'number' ? String(size) : rangeText(size);
  return `[${shape.map(dimension).join(', ')}]`;
}
