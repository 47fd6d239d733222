import { namedDraws } from '../data/random.js';

/** The numbers 0 … n − 1, shuffled by a seed and a name for what is drawn: the same order for the same three. */
export function shuffledOrder(numSamples: number, seed: number, what: string): Uint32Array {
  const uniform = namedDraws(what, seed);
  const order = Uint32Array.from({ length: numSamples }, (_, i) => i);
  for (let i = numSamples - 1; i > 0; i--) {
    const other = Math.floor(uniform() * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

export interface OrderOptions {
  readonly numSamples: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
}

/** The samples of each batch of an epoch, counted from 0. */
export function batchesOfEpoch(
  { numSamples, batchSize, seed, shuffle, dropLast }: OrderOptions,
  epoch: number,
): Uint32Array[] {
  const order = shuffle
    ? shuffledOrder(numSamples, seed, `epoch ${epoch}`)
    : Uint32Array.from({ length: numSamples }, (_, i) => i);
  const count = dropLast ? Math.floor(numSamples / batchSize) : Math.ceil(numSamples / batchSize);
  return Array.from({ length: count }, (_, i) => order.subarray(i * batchSize, (i + 1) * batchSize));
}

export interface EndlessOptions extends Omit<OrderOptions, 'dropLast'> {
  /** What they are for: different ones have orders of their own. */
  readonly what: string;
}

/** Batches of one size from round after round over the samples, each in an order of its own: by their number from 0. */
export class EndlessBatches {
  readonly #options: EndlessOptions;
  #round = -1;
  #order: Uint32Array = new Uint32Array(0);

  constructor(options: EndlessOptions) {
    this.#options = options;
  }

  batch(index: number): Uint32Array {
    const { batchSize, numSamples } = this.#options;
    return Uint32Array.from({ length: batchSize }, (_, i) => {
      const place = index * batchSize + i;
      return this.#orderOf(Math.floor(place / numSamples))[place % numSamples]!;
    });
  }

  #orderOf(round: number): Uint32Array {
    if (round === this.#round) return this.#order;
    const { numSamples, seed, shuffle, what } = this.#options;
    this.#round = round;
    this.#order = shuffle
      ? shuffledOrder(numSamples, seed, `round ${round} of ${what}`)
      : Uint32Array.from({ length: numSamples }, (_, i) => i);
    return this.#order;
  }
}
