import { allocated } from '../io/allocate.js';

/** Numbers, of which it shows only at the end how many there are. */
export class FloatList {
  #values = new Float64Array(1024);
  #length = 0;
  readonly #source: string;

  /** `source` names the data in messages. */
  constructor(source: string) {
    this.#source = source;
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const length = 2 * this.#length;
      const larger = allocated(() => new Float64Array(length), this.#source, `${length} values`);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** A view. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }
}
