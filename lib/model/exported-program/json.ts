import { LossAtlasError } from '../../errors.js';

/** Access to untrusted JSON by type; whatever is not as expected is ERR_MODEL_LOAD with its place. */
export class Json {
  constructor(
    readonly value: unknown,
    /** For messages: `'net.pt2': graph.nodes[3]`. */
    readonly place: string,
  ) {}

  static parse(text: string, place: string): Json {
    try {
      return new Json(JSON.parse(text), place);
    } catch (cause) {
      throw new LossAtlasError('ERR_MODEL_LOAD', `${place} is no JSON.`, { cause });
    }
  }

  fail(expected: string): never {
    throw new LossAtlasError(
      'ERR_MODEL_LOAD',
      `${this.place} is not ${expected}, so the file is not understood.`,
    );
  }

  get isNull(): boolean {
    return this.value === null || this.value === undefined;
  }

  /** A field, which may be absent (`isNull`). */
  get(key: string): Json {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      this.fail('an object');
    const fields = this.value as Record<string, unknown>;
    return new Json(Object.hasOwn(fields, key) ? fields[key] : undefined, `${this.place}.${key}`);
  }

  keys(): string[] {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      this.fail('an object');
    return Object.keys(this.value);
  }

  list(): Json[] {
    if (!Array.isArray(this.value)) this.fail('a list');
    return this.value.map((item, i) => new Json(item, `${this.place}[${i}]`));
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('a string');
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('true or false');
  }

  integer(): number {
    return Number.isInteger(this.value) ? (this.value as number) : this.fail('an integer');
  }

  /** Infinities and NaN are written as strings. */
  number(): number {
    if (typeof this.value === 'number') return this.value;
    const named: Record<string, number> = { Infinity: Infinity, '-Infinity': -Infinity, NaN: NaN };
    const value = typeof this.value === 'string' ? named[this.value] : undefined;
    return value ?? this.fail('a number');
  }

  /** A union is an object with one field that says which it is. */
  union(): readonly [kind: string, value: Json] {
    const kind = this.keys().find((key) => !this.get(key).isNull);
    return kind === undefined ? this.fail('a union with a value') : [kind, this.get(kind)];
  }
}
