import { ParameterVector } from '../../model/parameter-vector.js';
import type { LinearOperator } from '../../operators/linear-operator.js';
import type { AnalysisOptions, Law } from '../../types.js';
import { analysisChecks, invalidOption, isArrayOf, isSeed, type Check } from '../../validate.js';

export interface PresetSpectrumOptions extends AnalysisOptions {
  /**
   * What the program draws at random, as drawn, before it normalises: one vector for each eigenpair or probe. Default:
   * drawn from `seed` by the program's law.
   */
  readonly start?: readonly ParameterVector[];
  readonly seed?: number;
}

const areVectors = isArrayOf((v) => (v instanceof ParameterVector ? null : 'a ParameterVector'), '');
const isStart: Check = (v) =>
  areVectors(v) === null && (v as unknown[]).length > 0 ? null : 'a list of ParameterVectors';

export const presetSpectrumChecks = { ...analysisChecks, start: isStart, seed: isSeed } as const;

/** The start vectors of one run. */
export class Starts {
  readonly #operator: LinearOperator;
  readonly #law: Law;
  readonly #given: readonly ParameterVector[] | undefined;
  readonly #seed: number;

  /** Vectors may be given in excess of `count`, but not be missing. */
  constructor(
    caller: string,
    operator: LinearOperator,
    law: 'gaussian' | 'rademacher',
    count: number,
    { start, seed = 0 }: PresetSpectrumOptions,
  ) {
    if (start !== undefined && start.length < count) {
      throw invalidOption(
        `${caller}: option 'start'`,
        `at least ${count} vectors, one for each pair or probe`,
        start,
      );
    }
    this.#operator = operator;
    this.#law = law;
    this.#given = start;
    this.#seed = seed;
  }

  /** Of the result: null where nothing was drawn. */
  get seed(): number | null {
    return this.#given === undefined ? this.#seed : null;
  }

  /** Start vector `index`, for as long as `work` takes. */
  async use<T>(index: number, work: (vector: ParameterVector) => Promise<T>): Promise<T> {
    const given = this.#given?.[index];
    if (given !== undefined) return work(given);
    return this.#draw(this.#law, 2 * index, work);
  }

  /** What takes the place of a vector that vanished: Gaussian, and no start. */
  async replacement<T>(index: number, work: (vector: ParameterVector) => Promise<T>): Promise<T> {
    return this.#draw('gaussian', 2 * index + 1, work);
  }

  async #draw<T>(law: Law, stream: number, work: (vector: ParameterVector) => Promise<T>): Promise<T> {
    using drawn = await this.#operator.space.randomVector(law, this.#seed, stream);
    return await work(drawn);
  }
}
