import { createHash } from 'node:crypto';
import { LossAtlasError } from '../errors.js';
import { Journal, maxRecordBytes } from '../io/journal.js';
import { disposeAll, ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import { checkOptions, isPositive, isString, invalidOption } from '../validate.js';
import { requireOperator, type LinearOperator } from '../operators/linear-operator.js';
import { operatorFingerprint } from './operator-fingerprint.js';
import { WrappedOperator } from '../operators/wrapped-operator.js';

export interface RecordProductsOptions {
  /** Bytes that the file may take; later products are not kept. Default 4 GB. */
  readonly maxBytes?: number;
}

const hashBytes = 32;
const defaultMaxBytes = 4e9;

/**
 * An operator whose products are kept in a file as they are made. An analysis that was stopped asks a new one on the same
 * file for the same products in the same order, gets them from there, and goes on after them: to the same bits.
 */
export class RecordedOperator extends WrappedOperator {
  readonly #journal: Journal;
  readonly #maxBytes: number;
  /** Products in the file. */
  #numKept: number;
  /** Products that were asked for. */
  #numAsked = 0;
  /** False from the first product on that has no room: the file holds the first ones without a gap. */
  #isRecording = true;
  readonly numRestored: number;

  /** For `recordProducts`, which checks what it is given. */
  constructor(inner: LinearOperator, journal: Journal, numRestored: number, maxBytes: number) {
    super(inner);
    this.#journal = journal;
    this.#maxBytes = maxBytes;
    this.#numKept = numRestored;
    this.numRestored = numRestored;
  }

  get label(): string {
    return this.inner.label;
  }
  /** Products in the file. */
  get numKept(): number {
    return this.#numKept;
  }

  async apply(vectors: readonly ParameterVector[], signal?: AbortSignal): Promise<ParameterVector[]> {
    const first = this.#numAsked;
    const hashes: Buffer[] = [];
    if (first < this.#numKept || this.#isRecording)
      for (const vector of vectors) hashes.push(hashOf(await this.#bytesOf(vector)));
    // A block that was kept in part is multiplied anew as a whole: its rounding may depend on its size.
    const isKept = first + vectors.length <= this.#numKept;
    const products = isKept ? await this.#read(first, hashes) : await this.inner.apply(vectors, signal);
    try {
      if (!isKept) await this.#write(first, hashes, products);
    } catch (error) {
      disposeAll(products);
      throw error;
    }
    this.#numAsked = first + vectors.length;
    return products;
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #read(first: number, hashes: readonly Buffer[]): Promise<ParameterVector[]> {
    const products: ParameterVector[] = [];
    try {
      for (const [i, hash] of hashes.entries()) {
        const record = await this.#journal.readRecord(first + i, recordBytes(this.inner));
        if (!record.subarray(0, hashBytes).equals(hash)) throw this.#isOther(first + i);
        products.push(await this.#vectorOf(record.subarray(hashBytes)));
      }
      return products;
    } catch (error) {
      disposeAll(products);
      throw error;
    }
  }

  async #write(
    first: number,
    hashes: readonly Buffer[],
    products: readonly ParameterVector[],
  ): Promise<void> {
    for (let i = first; i < this.#numKept; i++) {
      const record = await this.#journal.readRecord(i, recordBytes(this.inner));
      if (!record.subarray(0, hashBytes).equals(hashes[i - first]!)) throw this.#isOther(i);
    }
    for (let i = this.#numKept - first; i < products.length && this.#isRecording; i++) {
      this.#isRecording = (this.#numKept + 1) * recordBytes(this.inner) <= this.#maxBytes;
      if (!this.#isRecording) return;
      await this.#journal.append([Buffer.concat([hashes[i]!, await this.#bytesOf(products[i]!)])]);
      this.#numKept++;
    }
  }

  /** As on the model's device: converting to float64 and back loses nothing. */
  async #bytesOf(vector: ParameterVector): Promise<Uint8Array> {
    const values = await vector.toArray();
    const own = this.space.dtype === 'float64' ? values : Float32Array.from(values);
    return new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
  }

  async #vectorOf(bytes: Buffer): Promise<ParameterVector> {
    // Aligned.
    const { buffer } = Uint8Array.from(bytes);
    const values = this.space.dtype === 'float64' ? new Float64Array(buffer) : new Float32Array(buffer);
    const handle = await call((native) => native.vectorFromArray(this.space.handle, values));
    return new ParameterVector(handle, this.space);
  }

  #isOther(index: number): LossAtlasError {
    return new LossAtlasError(
      'ERR_RESUME',
      `Product ${index + 1} in '${this.#journal.path}' is of another vector than is asked for now: the file is of a run ` +
        'with another seed, start or method. Nothing was changed; give another file, or remove it to start anew.',
    );
  }
}

/**
 * The same operator, with its products kept in a file, so that whatever multiplies with it (`eigenpairs`, `trace`,
 * `diagonal`, …) can be stopped at any moment, killed too, and go on: the same calls with an operator on the same file
 * get what is there from it, and end with the same bits. A product takes n numbers in the file.
 *
 *     await using recorded = await recordProducts(hessian(loss), 'products.bin');
 *     using top = await eigenpairs(recorded, { k: 5, tolerance: 1e-6 });
 *
 * The operator that it is given stays the caller's. Throws ERR_RESUME where the file's products are of another matrix,
 * and, when it is asked for the products of other vectors; ERR_INVALID_OPTION for an operator of one's own, whose identity
 * nobody knows; ERR_FILE_NOT_WRITABLE.
 */
export async function recordProducts(
  operator: LinearOperator,
  path: string,
  options: RecordProductsOptions = {},
): Promise<RecordedOperator> {
  requireOperator('recordProducts', operator);
  const expected = isString(path);
  if (expected !== null) throw invalidOption('recordProducts: path', expected, path);
  checkOptions('recordProducts', options, { maxBytes: isPositive });
  const fingerprint = await operatorFingerprint(operator, { path, kind: 'products' });
  if (fingerprint === null)
    throw invalidOption(
      'recordProducts: operator',
      'one of hessian, gaussNewton, …: the identity of your own cannot be told from a file',
      operator,
    );
  const length = recordBytes(operator);
  if (length > maxRecordBytes)
    throw invalidOption(
      'recordProducts: operator',
      `one of at most ${maxRecordBytes} bytes a vector`,
      operator,
    );
  let count = 0;
  const journal = await Journal.open(path, 'products', fingerprint, (record) => {
    const isProduct = record.length === length;
    if (isProduct) count++;
    return isProduct;
  });
  return new RecordedOperator(operator, journal, count, options.maxBytes ?? defaultMaxBytes);
}

/** The hash of the vector, and its product. */
function recordBytes({ size, space }: LinearOperator): number {
  return hashBytes + size * (space.dtype === 'float64' ? 8 : 4);
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
