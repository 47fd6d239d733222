import { momentNames } from '../training/optimizer.js';
import type { TrainingOptimizer } from '../results.js';

/**
 * PyTorch's SGD and Adam on numbers in float64, for parameters whose gradient is not that of the model's own: libtorch's
 * optimizers take theirs from the graph. Weight decay is the caller's.
 */
export class CurveOptimizer {
  readonly #options: TrainingOptimizer;
  readonly theta: Float64Array;
  /** Named by `momentNames`. */
  readonly moments: readonly Float64Array[];
  #numSteps: number;

  /** Takes over the arrays. Without moments it has made no step. */
  constructor(
    options: TrainingOptimizer,
    theta: Float64Array,
    numSteps = 0,
    moments: readonly Float64Array[] = momentNames(options).map(() => new Float64Array(theta.length)),
  ) {
    this.#options = options;
    this.theta = theta;
    this.moments = moments;
    this.#numSteps = numSteps;
  }

  get numSteps(): number {
    return this.#numSteps;
  }

  step(gradient: Float64Array, learningRate: number): void {
    if (this.#options.name === 'sgd') this.#sgd(gradient, learningRate);
    else this.#adam(gradient, learningRate);
    this.#numSteps++;
  }

  #sgd(gradient: Float64Array, learningRate: number): void {
    const { theta } = this;
    const { momentum, dampening, nesterov } = this.#options;
    const [buffer] = this.moments;
    if (buffer === undefined) {
      for (let i = 0; i < theta.length; i++) theta[i]! -= learningRate * gradient[i]!;
      return;
    }
    // PyTorch's first buffer is the gradient, without dampening.
    const [kept, added] = this.#numSteps === 0 ? [0, 1] : [momentum!, 1 - dampening!];
    for (let i = 0; i < theta.length; i++) {
      const value = kept * buffer[i]! + added * gradient[i]!;
      buffer[i] = value;
      theta[i]! -= learningRate * (nesterov ? gradient[i]! + momentum! * value : value);
    }
  }

  #adam(gradient: Float64Array, learningRate: number): void {
    const { theta } = this;
    const { beta1, beta2, eps } = this.#options;
    const [first, second, largest] = this.moments;
    const numSteps = this.#numSteps + 1;
    const scale = learningRate / (1 - beta1! ** numSteps);
    const root = Math.sqrt(1 - beta2! ** numSteps);
    for (let i = 0; i < theta.length; i++) {
      const g = gradient[i]!;
      first![i] = beta1! * first![i]! + (1 - beta1!) * g;
      second![i] = beta2! * second![i]! + (1 - beta2!) * g * g;
      let square = second![i]!;
      if (largest !== undefined) square = largest[i] = Math.max(largest[i]!, square);
      theta[i]! -= (scale * first![i]!) / (Math.sqrt(square) / root + eps!);
    }
  }
}
