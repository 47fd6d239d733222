import { setImmediate } from 'node:timers/promises';
import { LossAtlasError } from '../errors.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, invalidOption, isBoolean } from '../validate.js';
import { ArrayCollector, type RecordArray } from './array-collector.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { dataset, isStoredArray, type ShapedArray } from './from-arrays.js';
import { readUntilAborted } from './read-until-aborted.js';

/** One sample, or with `batched` some of them. */
export interface DataRecord {
  /** One array; several, or several by name, for a model with several inputs. */
  readonly inputs: RecordArray | readonly ShapedArray[] | Readonly<Record<string, RecordArray>>;
  /** A label or an array; absent in all records for criterion `model`. */
  readonly targets?: RecordArray | null;
}

export interface CollectOptions extends DatasetOptions, AnalysisOptions {
  /** Each record holds samples [B, …] and not one; default false. */
  readonly batched?: boolean;
}

/**
 * A data set of what any iterable gives, asynchronous or not: a stream, a database cursor, a generator. `limit` ends
 * the reading. Progress counts samples; its total is infinite where there is no limit.
 *
 *     const data = await collect(cursor, { limit: 5000, signal, scale: 1 / 255 });
 *     async function* cursor() { for await (const row of rows) yield { inputs: row.pixels, targets: row.label }; }
 *
 * Throws ERR_INVALID_DATA (which names the record), ERR_EMPTY_DATA, ERR_ABORTED, ERR_INVALID_OPTION.
 */
export async function collect(
  records: AsyncIterable<DataRecord> | Iterable<DataRecord>,
  options: CollectOptions = {},
): Promise<Dataset> {
  checkOptions('collect', options, { ...datasetChecks, ...analysisChecks, batched: isBoolean });
  const isIterable =
    typeof records === 'object' &&
    (records as unknown) !== null &&
    (Symbol.asyncIterator in records || Symbol.iterator in records);
  if (!isIterable) throw invalidOption('collect: records', 'an iterable of { inputs, targets }', records);
  const { batched = false, signal, onProgress, ...rest } = options;
  const { name = 'data', limit = Infinity } = rest;
  const steps = new Steps('collect', limit, { signal, onProgress });
  const table = new RecordTable(batched);
  let number = 0;
  const fail = (problem: string, cause?: unknown): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${name}, record ${number}${problem}.`, { cause });
  };
  try {
    for await (const record of readUntilAborted(records, signal)) {
      const before = table.numSamples;
      const problem = table.add(record);
      if (problem !== null) fail(`: ${problem}`);
      number++;
      steps.advance(Math.min(table.numSamples, limit) - before);
      if (table.numSamples >= limit) break;
      // Records that are there at once would let no timer and no signal through.
      if (number % 1024 === 0) await setImmediate();
    }
  } catch (cause) {
    if (cause instanceof LossAtlasError) throw cause;
    fail(` cannot be had: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  steps.finish();
  if (table.numSamples === 0) throw new LossAtlasError('ERR_EMPTY_DATA', `${name}: there are no samples.`);
  return dataset(table.finish(Math.min(table.numSamples, limit)), rest);
}

/** The arrays of the records, each in a column. */
class RecordTable {
  readonly #batched: boolean;
  #inputs: ReadonlyMap<string, ArrayCollector> | undefined;
  #names: readonly string[] | null = null;
  #targets: ArrayCollector | null = null;

  constructor(batched: boolean) {
    this.#batched = batched;
  }

  get numSamples(): number {
    return this.#inputs?.values().next().value?.numSamples ?? 0;
  }

  /** What is wrong with the record, or null. */
  add(record: unknown): string | null {
    if (typeof record !== 'object' || record === null) return 'it is no { inputs, targets }';
    const { inputs, targets = null } = record as Partial<DataRecord>;
    if (inputs === undefined) return "it has no 'inputs'";
    const { values, names } = listArrays(inputs);
    if (this.#inputs === undefined) {
      this.#inputs = new Map([...values.keys()].map((key) => [key, new ArrayCollector(this.#batched)]));
      this.#names = names;
      this.#targets = targets === null ? null : new ArrayCollector(this.#batched);
    }
    const known = [...this.#inputs.keys()];
    if (known.join() !== [...values.keys()].join())
      return `its inputs are not those of the first record (${known.join(', ')})`;
    if ((targets === null) !== (this.#targets === null)) return 'targets are in some records only';
    for (const [key, collector] of this.#inputs) {
      const problem = collector.add(values.get(key));
      if (problem !== null) return `${key} ${problem}`;
    }
    const problem = this.#targets?.add(targets) ?? null;
    if (problem !== null) return `targets ${problem}`;
    const counts = [...this.#inputs.values(), ...(this.#targets === null ? [] : [this.#targets])];
    return counts.some(({ numSamples }) => numSamples !== this.numSamples)
      ? 'inputs and targets differ in their number of samples'
      : null;
  }

  finish(numSamples: number): Parameters<typeof dataset>[0] {
    const arrays = [...this.#inputs!.values()].map((collector) => collector.finish(numSamples));
    const inputs =
      this.#names === null ? arrays : Object.fromEntries(this.#names.map((name, i) => [name, arrays[i]!]));
    return { inputs, targets: this.#targets?.finish(numSamples) ?? null };
  }
}

function listArrays(inputs: unknown): {
  values: ReadonlyMap<string, unknown>;
  names: readonly string[] | null;
} {
  const isObject = typeof inputs === 'object' && inputs !== null && !isStoredArray(inputs);
  if (isObject && Array.isArray(inputs) && typeof inputs[0] === 'object') {
    return { values: new Map(inputs.map((input, i) => [`inputs[${i}]`, input as unknown])), names: null };
  }
  if (isObject && !Array.isArray(inputs) && !('data' in inputs && 'shape' in inputs)) {
    const entries = Object.entries(inputs);
    return {
      values: new Map(entries.map(([name, input]) => [`inputs['${name}']`, input as unknown])),
      names: entries.map(([name]) => name),
    };
  }
  return { values: new Map([['inputs', inputs]]), names: null };
}
