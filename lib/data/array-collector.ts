import { numberArray } from './number-array.js';
import { FloatList } from './float-list.js';
import { isStoredArray, type ShapedArray } from './from-arrays.js';
import type { StoredArray } from './rows.js';

/** What a record may hold as one of its arrays: a typed array alone is one of one dimension. */
export type RecordArray = StoredArray | ShapedArray | readonly number[] | number | bigint;

/** Gathers one array of each record; `add` returns what is wrong with it, or null. */
export class ArrayCollector {
  readonly #batched: boolean;
  readonly #parts: StoredArray[] = [];
  readonly #numbers = new FloatList('collect');
  #first: { readonly kind: string; readonly sample: readonly number[] } | undefined;
  #numSamples = 0;

  /** `batched`: the first dimension of each array counts samples. */
  constructor(batched: boolean) {
    this.#batched = batched;
  }

  get numSamples(): number {
    return this.#numSamples;
  }

  add(value: unknown): string | null {
    const array = toArray(value, this.#batched);
    if (typeof array === 'string') return array;
    const { data, shape } = array;
    const sample = this.#batched ? shape.slice(1) : shape;
    const kind = isStoredArray(data) ? data.constructor.name : 'numbers';
    this.#first ??= { kind, sample };
    if (kind !== this.#first.kind) return `is ${kind}, that of the first record is ${this.#first.kind}`;
    if (sample.join() !== this.#first.sample.join()) {
      return `has samples of shape [${sample.join(', ')}], that of the first record of [${this.#first.sample.join(', ')}]`;
    }
    // A copy: who makes the records may use its memory again.
    if (isStoredArray(data)) this.#parts.push(data.slice());
    else for (const number of data) this.#numbers.push(number);
    this.#numSamples += this.#batched ? shape[0]! : 1;
    return null;
  }

  /** The first so many samples. */
  finish(numSamples: number): ShapedArray {
    const { sample } = this.#first!;
    const shape = [numSamples, ...sample];
    const length = shape.reduce((product, dim) => product * dim, 1);
    if (this.#first!.kind === 'numbers') {
      return { data: numberArray(this.#numbers.values.subarray(0, length)), shape };
    }
    const type = this.#parts[0]!.constructor as new (length: number) => StoredArray;
    const data = new type(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      // Of one type, bigints too.
      (data as Uint8Array).set(part as Uint8Array, at);
      at += part.length;
    }
    return { data: data.subarray(0, length), shape };
  }
}

interface Shaped {
  readonly data: StoredArray | readonly number[];
  readonly shape: readonly number[];
}

function toArray(value: unknown, batched: boolean): Shaped | string {
  if (typeof value === 'number' && !batched) return { data: [value], shape: [] };
  if (typeof value === 'bigint' && !batched) return { data: BigInt64Array.of(value), shape: [] };
  if (isStoredArray(value)) return { data: value, shape: [value.length] };
  if (Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'number')) {
    return { data: value, shape: [value.length] };
  }
  const { data, shape } = (typeof value === 'object' && value !== null ? value : {}) as Partial<ShapedArray>;
  if (!isStoredArray(data) || !Array.isArray(shape) || (batched && shape.length === 0)) {
    return `must be a typed array, { data, shape } or ${batched ? 'an array of numbers' : 'a number'}`;
  }
  const sizes = shape as readonly number[];
  const count = sizes.reduce((product, dim) => product * dim, 1);
  if (sizes.every((dim) => Number.isSafeInteger(dim) && dim >= 0) && count === data.length)
    return { data, shape };
  return `has the shape [${sizes.join(', ')}], which does not fit its ${data.length} values`;
}
