import { LossAtlasError } from '../errors.js';
import type { NdArray } from '../types.js';
import { isNumber, type Check } from '../validate.js';
import { rowNumbers, type Rows } from './rows.js';

/** New labels by old ones. */
export type LabelMap = ReadonlyMap<number, number> | Readonly<Record<number, number>>;

export const isLabelMap: Check = (v) => {
  const isEntry = ([from, to]: [unknown, unknown]) => isNumber()(from) === null && isNumber()(to) === null;
  const isRight = typeof v === 'object' && v !== null && !Array.isArray(v) && entriesOf(v).every(isEntry);
  return isRight ? null : 'a Map or an object from numbers to numbers';
};

/** A label that the map lacks is an error which names it and its sample. */
export function mapLabels(
  targets: NdArray,
  map: LabelMap,
  rows: Rows,
  where: (row: number) => string,
): { targets: NdArray; done: string } {
  const entries = entriesOf(map) as [number, number][];
  const newLabels = new Map(entries);
  const isWhole = entries.every(([, to]) => Number.isSafeInteger(to) && Math.abs(to) < 2 ** 31);
  const data = isWhole ? new Int32Array(targets.data.length) : new Float64Array(targets.data.length);
  const width = targets.data.length / rows.count;
  for (let i = 0; i < data.length; i++) {
    const label = newLabels.get(Number(targets.data[i]));
    if (label === undefined) {
      const row = [...rowNumbers(rows)][Math.floor(i / width)]!;
      throw new LossAtlasError(
        'ERR_INVALID_DATA',
        `${where(row)}: the label ${targets.data[i]!} is not among those of mapLabels: ${entries.map(([from]) => from).join(', ')}.`,
      );
    }
    data[i] = label;
  }
  return {
    targets: { data, shape: targets.shape },
    done: `labels ${entries.map(([from, to]) => `${from}→${to}`).join(', ')}`,
  };
}

function entriesOf(map: object): [unknown, unknown][] {
  if (map instanceof Map) return [...(map as ReadonlyMap<unknown, unknown>)];
  return Object.entries(map).map(([from, to]) => [from.trim() === '' ? NaN : Number(from), to]);
}
