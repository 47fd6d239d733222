import { LossAtlasError } from '../errors.js';

/** The values that are written; whatever else there is, `object` writes. */
export interface PickleWriterOptions<T> {
  /** Names the data in messages. */
  readonly source: string;
  readonly isObject: (value: unknown) => value is T;
  readonly object: (value: T, path: string, writer: PickleWriter<T>) => void;
}

/** As deep as our reader goes. */
const maxDepth = 250;

/**
 * Writes one pickle of protocol 2, as torch.save does: null, booleans, numbers (whole ones as integers, but −0), bigints,
 * strings, bytes, arrays as lists, Maps as dicts, Sets as sets. Throws ERR_INVALID_DATA.
 */
export class PickleWriter<T> {
  readonly #parts: Buffer[] = [];
  readonly #options: PickleWriterOptions<T>;

  constructor(options: PickleWriterOptions<T>) {
    this.#options = options;
  }

  write(value: unknown): Buffer {
    this.byte(0x80, 2);
    this.value(value, '', 0);
    this.byte(0x2e);
    return Buffer.concat(this.#parts);
  }

  value(value: unknown, path: string, depth: number): void {
    if (depth > maxDepth) this.#fail(path, `nests deeper than ${maxDepth}`);
    if (this.#options.isObject(value)) this.#options.object(value, path, this);
    else if (value === null) this.byte(0x4e);
    else if (typeof value === 'boolean') this.byte(value ? 0x88 : 0x89);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'bigint') this.#bigInteger(value);
    else if (typeof value === 'string') this.text(value);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (Array.isArray(value)) this.#list(value, path, depth);
    else if (value instanceof Map) this.#dict(value, path, depth);
    else if (value instanceof Set) this.#set(value, path, depth);
    else
      this.#fail(
        path,
        `is ${typeof value === 'object' ? 'an object' : `a ${typeof value}`}, which has no form there`,
      );
  }

  byte(...bytes: readonly number[]): void {
    this.#parts.push(Buffer.from(bytes));
  }

  global(module: string, name: string): void {
    this.#parts.push(Buffer.from(`c${module}\n${name}\n`, 'latin1'));
  }

  text(text: string): void {
    const bytes = Buffer.from(text);
    const head = Buffer.alloc(5, 0x58);
    head.writeUInt32LE(bytes.length, 1);
    this.#parts.push(head, bytes);
  }

  number(value: number): void {
    const bytes = Buffer.alloc(9);
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      bytes[0] = 0x47;
      bytes.writeDoubleBE(value, 1);
      this.#parts.push(bytes);
    } else if (value >= 0 && value < 256) this.byte(0x4b, value);
    else if (value >= -(2 ** 31) && value < 2 ** 31) {
      bytes[0] = 0x4a;
      bytes.writeInt32LE(value, 1);
      this.#parts.push(bytes.subarray(0, 5));
    } else this.#bigInteger(BigInt(value));
  }

  /** A tuple; `items` pushes what is in it. */
  tuple(items: () => void): void {
    this.byte(0x28);
    items();
    this.byte(0x74);
  }

  #bigInteger(value: bigint): void {
    let length = 1;
    while (BigInt.asIntN(8 * length, value) !== value) length++;
    if (length > 255) this.#fail('', `holds an integer of ${length} bytes`);
    const hex = BigInt.asUintN(8 * length, value)
      .toString(16)
      .padStart(2 * length, '0');
    this.byte(0x8a, length);
    this.#parts.push(Buffer.from(hex, 'hex').reverse());
  }

  /** As Python writes bytes in protocol 2. */
  #bytes(bytes: Uint8Array): void {
    this.global('_codecs', 'encode');
    this.tuple(() => {
      this.text(Buffer.from(bytes).toString('latin1'));
      this.text('latin1');
    });
    this.byte(0x52);
  }

  #list(list: readonly unknown[], path: string, depth: number): void {
    this.byte(0x5d, 0x28);
    list.forEach((item, i) => this.value(item, `${path}[${i}]`, depth + 1));
    this.byte(0x65);
  }

  #dict(dict: ReadonlyMap<unknown, unknown>, path: string, depth: number): void {
    this.byte(0x7d, 0x28);
    for (const [key, item] of dict) {
      const isKey = ['string', 'number', 'bigint', 'boolean'].includes(typeof key) || key === null;
      if (!isKey) this.#fail(path, 'has a key that is no string, number, boolean or null');
      this.value(key, path, depth + 1);
      this.value(item, path === '' ? String(key) : `${path}.${String(key)}`, depth + 1);
    }
    this.byte(0x75);
  }

  #set(set: ReadonlySet<unknown>, path: string, depth: number): void {
    this.global('__builtin__', 'set');
    this.tuple(() => this.#list([...set], path, depth));
    this.byte(0x52);
  }

  #fail(path: string, problem: string): never {
    const where = path === '' ? 'the value' : `'${path}'`;
    throw new LossAtlasError('ERR_INVALID_DATA', `${this.#options.source}: ${where} ${problem}.`);
  }
}
