import type { Model } from '../model/model.js';
import { checkOptions, isBoolean } from '../validate.js';
import {
  cosine,
  describe,
  orthogonalize,
  randomDirection,
  randomDirectionChecks,
  type Direction,
  type RandomDirectionOptions,
} from './direction.js';

/** Two axes; dispose of it when the surface is done. */
export class Plane {
  readonly axes: readonly [Direction, Direction];

  constructor(axes: readonly [Direction, Direction]) {
    this.axes = axes;
  }

  dispose(): void {
    for (const axis of this.axes) axis.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const maxRounds = 20;

export interface RandomPlaneOptions extends RandomDirectionOptions {
  /** Make the second direction orthogonal to the first, both normalised; default true. */
  readonly orthogonal?: boolean;
}

/**
 * Two random directions of one seed, filter-normalised unless told otherwise (Li et al. 2018, arXiv 1712.09913).
 *
 *     using plane = await randomPlane(model, { seed: 1 });
 */
export async function randomPlane(model: Model, options: RandomPlaneOptions = {}): Promise<Plane> {
  checkOptions('randomPlane', options, { ...randomDirectionChecks, orthogonal: isBoolean });
  const { orthogonal = true, ...rest } = options;
  const { law = 'gaussian', seed = 0 } = rest;
  const first = await randomDirection(model, rest, 0);
  try {
    if (!orthogonal) return new Plane([first, await randomDirection(model, rest, 1)]);
    using raw = await model.randomVector(law, seed, 1);
    const source = {
      kind: law,
      seed,
      eigenvalue: null,
      options: rest,
      defaultNormalization: 'filter',
    } as const;
    // Normalising by groups turns a direction a little, so the two steps alternate until neither changes anything.
    let second = await describe(raw, source);
    for (
      let round = 0;
      round < maxRounds && Math.abs(await cosine(second.vector, first.vector)) > 1e-7;
      round++
    ) {
      using before = second;
      using turned = await orthogonalize(before.vector, first.vector);
      second = await describe(turned, source);
    }
    return new Plane([first, second]);
  } catch (error) {
    first.dispose();
    throw error;
  }
}
