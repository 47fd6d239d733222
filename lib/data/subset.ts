import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import { isInteger, isSeed, type Check } from '../validate.js';
import { uniformNumbers } from './random.js';
import { allRows, rowNumbers, type Rows, type RowSource } from './rows.js';

export interface SubsetOptions {
  /** Use the first so many samples. */
  readonly limit?: number;
  /** Use these samples, in this order. */
  readonly indices?: readonly number[] | Int32Array | Uint32Array;
  /** Draw so many samples without replacement; they come in the order drawn. */
  readonly sample?: { readonly count: number; readonly seed: number };
  /** Permute the samples that `limit`, `indices` or `sample` leave, by this seed. */
  readonly shuffle?: number;
  /**
   * Keep the first so many samples of each label, in the order that the options above leave: with `shuffle` a
   * balanced draw. A label with fewer samples is an error.
   */
  readonly perClass?: number;
}

export const subsetChecks = {
  limit: isInteger(1),
  indices: (v) =>
    (Array.isArray(v) || v instanceof Int32Array || v instanceof Uint32Array) &&
    v.length > 0 &&
    (v as readonly unknown[]).every((i) => isInteger(0)(i) === null)
      ? null
      : 'an array of at least one sample number, from 0',
  sample: (v) => {
    const given = typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {};
    const { count, seed, ...others } = given;
    const isRight = isInteger(1)(count) === null && isSeed(seed) === null && Object.keys(others).length === 0;
    return isRight ? null : '{ count: a positive integer, seed: an integer from 0 to 2^53 − 1 }';
  },
  shuffle: isSeed,
  perClass: isInteger(1),
} as const satisfies Record<keyof SubsetOptions, Check>;

/** Which samples the options ask for, and in words how they were chosen. */
export function chooseRows(
  options: SubsetOptions,
  numSamples: number,
  targets: RowSource | null,
  source: string,
): { rows: Rows; done: readonly string[] } {
  const { limit, indices, sample, shuffle, perClass } = options;
  const given = Object.entries({ limit, indices, sample }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => `'${name}'`).join(' and ');
    throw new LossAtlasError('ERR_INVALID_OPTION', `${source}: options ${names} exclude each other.`);
  }
  const done: string[] = [];
  let rows = allRows(numSamples);
  if (limit !== undefined && limit < numSamples) {
    rows = allRows(limit);
    done.push(`the first ${limit} of ${numSamples} samples`);
  } else if (indices !== undefined) {
    rows = fromNumbers(givenRows(indices, numSamples, source));
    const hash = hashOf([Float64Array.from(indices)]).slice(0, 16);
    done.push(`${indices.length} given indices of ${numSamples} samples (SHA-256 ${hash})`);
  } else if (sample !== undefined) {
    rows = fromNumbers(drawRows(sample, numSamples, source));
    done.push(`${sample.count} of ${numSamples} samples drawn with seed ${sample.seed}`);
  }
  if (shuffle !== undefined) {
    const order = drawRows({ count: rows.count, seed: shuffle }, rows.count, source);
    const { numbers } = rows;
    rows = fromNumbers(numbers === null ? order : order.map((i) => numbers[i]!));
    done.push(`shuffled with seed ${shuffle}`);
  }
  if (perClass !== undefined) {
    rows = fromNumbers(balance(rows, perClass, targets, source));
    done.push(`the first ${perClass} of each label`);
  }
  return { rows, done };
}

function fromNumbers(numbers: Uint32Array): Rows {
  return { count: numbers.length, numbers };
}

function givenRows(indices: ArrayLike<number>, numSamples: number, source: string): Uint32Array {
  const numbers = Uint32Array.from(indices);
  for (let i = 0; i < indices.length; i++) {
    if (indices[i]! < numSamples) continue;
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `${source}: indices[${i}] is ${indices[i]!}, but there are ${numSamples} samples, from 0.`,
    );
  }
  return numbers;
}

function drawRows(
  { count, seed }: { readonly count: number; readonly seed: number },
  numSamples: number,
  source: string,
): Uint32Array {
  if (count > numSamples) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `${source}: sample.count is ${count}, but there are ${numSamples} samples.`,
    );
  }
  const uniform = uniformNumbers(seed);
  // Fisher and Yates on the numbers 0, 1, … of which only those that moved are kept.
  const moved = new Map<number, number>();
  return Uint32Array.from({ length: count }, (_, i) => {
    const other = i + Math.floor(uniform() * (numSamples - i));
    const drawn = moved.get(other) ?? other;
    moved.set(other, moved.get(i) ?? i);
    return drawn;
  });
}

function balance(rows: Rows, perClass: number, targets: RowSource | null, source: string): Uint32Array {
  if (targets === null) {
    throw new LossAtlasError('ERR_INVALID_OPTION', `${source}: perClass needs labels, and there are none.`);
  }
  if (targets.shape.slice(1).some((dim) => dim !== 1)) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `${source}: perClass needs one label a sample; the targets are [${targets.shape.join(', ')}].`,
    );
  }
  const labels = targets.read(rows);
  const counts = new Map<number | bigint, number>();
  const kept: number[] = [];
  let i = 0;
  for (const row of rowNumbers(rows)) {
    const label = labels[i++]!;
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    if (count <= perClass) kept.push(row);
  }
  for (const [label, count] of counts) {
    if (count >= perClass) continue;
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${source}: perClass is ${perClass}, but the label ${label} has only ${count} of the ${rows.count} samples.`,
    );
  }
  return Uint32Array.from(kept);
}
