import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import type { NdArray } from '../types.js';
import { arrayInfo, sliceInfo, type ArrayInfo } from './array-info.js';
import { rowRange, rowsOf } from './rows.js';

/** Inputs whose samples are read when they are asked for. */
export interface LazyInputs {
  readonly info: readonly ArrayInfo[];
  /** Of the samples, hexadecimal; the reader says what it covers. */
  readonly hash: string;
  /** The samples with these numbers, in this order. */
  read(numbers: Uint32Array, signal?: AbortSignal): Promise<readonly NdArray[]>;
}

export interface DatasetDetails {
  /** What was done to samples and labels, in order. */
  readonly preprocessing?: string;
  readonly inputNames?: readonly string[] | null;
  readonly classNames?: readonly string[] | null;
}

/**
 * Samples on the host, in order. Their inputs lie in memory or, of some readers, are read batch by batch; targets
 * always lie in memory.
 */
export class Dataset {
  readonly name: string;
  readonly targets: NdArray | null;
  readonly numSamples: number;
  /** Shape, type and bytes of each input; of one that is not read yet, too. */
  readonly inputInfo: readonly ArrayInfo[];
  /** Where the inputs were given by name: the names, in the order of `inputs`. */
  readonly inputNames: readonly string[] | null;
  /** Where labels stand for names (folders of images, texts in a CSV file): the names by label. */
  readonly classNames: readonly string[] | null;
  /** What was done to samples and labels, in order; for provenance. */
  readonly preprocessing: string;
  readonly #inputs: readonly NdArray[] | LazyInputs;
  #hash: string | undefined;

  /** Use `dataset` or one of the readers. */
  constructor(
    name: string,
    inputs: readonly NdArray[] | LazyInputs,
    targets: NdArray | null,
    details: DatasetDetails = {},
  ) {
    this.name = name;
    this.preprocessing = details.preprocessing ?? '';
    this.inputNames = details.inputNames ?? null;
    this.classNames = details.classNames ?? null;
    this.#inputs = inputs;
    this.inputInfo = isLazy(inputs) ? inputs.info : inputs.map((input) => arrayInfo(input));
    this.targets = targets;
    this.numSamples = this.inputInfo[0]!.shape[0]!;
  }

  /** The samples are read when they are needed, and forgotten. */
  get isLazy(): boolean {
    return isLazy(this.#inputs);
  }

  /** Throws ERR_INVALID_DATA where the samples are read batch by batch. */
  get inputs(): readonly NdArray[] {
    if (!isLazy(this.#inputs)) return this.#inputs;
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${this.name}: its samples are read when they are needed. Await data.read(start, end) for some of them, or data.load() for all.`,
    );
  }

  /**
   * SHA-256, hexadecimal, of inputs and targets; where the samples are read batch by batch, of the file that holds
   * them, or of the names and sizes of the images, with what is done to them and the targets.
   */
  get hash(): string {
    if (this.#hash !== undefined) return this.#hash;
    const inputs = isLazy(this.#inputs) ? [this.#inputs.hash, this.preprocessing] : this.#inputs;
    this.#hash = hashOf(this.targets === null ? inputs : [...inputs, this.targets]);
    return this.#hash;
  }

  /** Samples start to end (exclusive), as views. */
  slice(start: number, end: number): Dataset {
    const stop = Math.max(start, Math.min(end, this.numSamples));
    const part = (array: NdArray) => sliceRows(array, start, stop);
    const inputs = isLazy(this.#inputs)
      ? picked(this.#inputs, rowRange(start, stop), `${start} to ${stop}`)
      : this.#inputs.map(part);
    return new Dataset(this.name, inputs, this.targets === null ? null : part(this.targets), this);
  }

  /** The samples with these numbers, in this order; `done` says in words what they are, for provenance. */
  pick(numbers: Uint32Array, done = ''): Dataset {
    const wrong = numbers.find((number) => number >= this.numSamples);
    if (wrong !== undefined) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `${this.name}: there is no sample ${wrong}; there are ${this.numSamples}, from 0.`,
      );
    }
    const part = ({ data, shape }: NdArray): NdArray => ({
      // Of a type that libtorch has it stays of that type.
      data: rowsOf(data, shape).read({ count: numbers.length, numbers }) as NdArray['data'],
      shape: [numbers.length, ...shape.slice(1)],
    });
    const inputs = isLazy(this.#inputs)
      ? picked(this.#inputs, numbers, hashOf([Float64Array.from(numbers)]))
      : this.#inputs.map(part);
    return new Dataset(this.name, inputs, this.targets === null ? null : part(this.targets), {
      preprocessing: [this.preprocessing, done].filter(Boolean).join('; '),
      inputNames: this.inputNames,
      classNames: this.classNames,
    });
  }

  /**
   * Samples start to end (exclusive) in memory.
   *
   *     const { inputs, targets } = await data.read(0, 16);
   *
   * Throws what reading the files throws: ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA; ERR_ABORTED.
   */
  async read(start: number, end: number, signal?: AbortSignal): Promise<Dataset> {
    const part = this.slice(start, end);
    if (!isLazy(part.#inputs)) return part;
    const inputs = await part.#inputs.read(rowRange(0, part.numSamples), signal);
    return new Dataset(this.name, inputs, part.targets, this);
  }

  /** All samples in memory. */
  async load(signal?: AbortSignal): Promise<Dataset> {
    return this.read(0, this.numSamples, signal);
  }
}

function isLazy(inputs: readonly NdArray[] | LazyInputs): inputs is LazyInputs {
  return !Array.isArray(inputs);
}

function picked(inputs: LazyInputs, numbers: Uint32Array, words: string): LazyInputs {
  return {
    info: inputs.info.map((info) => sliceInfo(info, numbers.length)),
    hash: hashOf([inputs.hash, words]),
    read: (wanted, signal) =>
      inputs.read(
        wanted.map((i) => numbers[i]!),
        signal,
      ),
  };
}

function sliceRows(array: NdArray, start: number, stop: number): NdArray {
  const rest = array.shape.slice(1);
  const width = rest.reduce((product, dim) => product * dim, 1);
  return { data: array.data.subarray(start * width, stop * width), shape: [stop - start, ...rest] };
}
