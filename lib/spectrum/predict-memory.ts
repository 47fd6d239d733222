import { partsOf, type BatchPart } from '../operators/batch-parts.js';
import type { CurvatureOperator } from '../operators/curvature-operator.js';
import type { ProductPlan } from '../operators/product-plan.js';
import { fitsBudget, othersMadeAnew } from '../operators/retained-graphs.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { curvatureIn } from '../operators/wrapped-operator.js';
import { checkOptions, invalidOption, isInteger } from '../validate.js';
import { basisBytes } from './basis-plan.js';

export interface PredictMemoryOptions {
  /** Lanczos steps of a probe, as of `spectralDensity`: each takes a vector of the basis. Default 100. */
  readonly steps?: number;
  /** Vectors of the basis, as of `eigenpairs`; instead of `steps`. */
  readonly basisSize?: number;
  /** Eigenpairs that are wanted: their vectors come besides the basis. Default 0. */
  readonly pairs?: number;
  /**
   * Vectors that are multiplied at once, default 1: the block size of `eigenpairs`; with `steps` the probes of
   * `spectralDensity` that share a pass, each of which has a basis of its own.
   */
  readonly vectors?: number;
}

/** Bytes by part. `peakBytes` is their sum. */
export interface MemoryPrediction {
  /** Parameters and buffers of the model, which are loaded already. */
  readonly modelBytes: number;
  /** The samples on the model's device: all where they are held, one batch and its copy where they are streamed. */
  readonly dataBytes: number;
  /** Graphs that are retained from product to product. */
  readonly graphBytes: number;
  /** What making a graph and multiplying takes on top of them, with what the allocator keeps for the next product. */
  readonly productBytes: number;
  /** The Krylov basis. */
  readonly basisBytes: number;
  /** θ, sums, products and eigenvectors. */
  readonly vectorBytes: number;
  readonly peakBytes: number;
  /** `peakBytes` without what lies there before: the model, and data that is held already. */
  readonly newBytes: number;
  readonly numBatches: number;
  /** Parts of the batches that have a graph each: the plan of the operator says how large they are. */
  readonly numParts: number;
  /** Parts whose graphs are retained; the others are recomputed for every product. */
  readonly numRetained: number;
  /** All of it in a sentence. */
  readonly summary: string;
}

/** What the allocator's cache keeps at most. */
const largestCache = 4 * 2 ** 30;

/** A batch that takes less is measured whole: it takes milliseconds. */
const cheapBytes = 3e7;

/**
 * What an analysis with this operator will take at its peak, before it starts: of the host's memory, or of the GPU's.
 * It makes graphs of a sixteenth and an eighth of the first batch (of a small batch, the whole) and multiplies with them,
 * which costs about a product, and goes on from there: a graph's bytes are affine in the number of samples.
 *
 *     const { peakBytes, summary } = await predictMemory(operator, { steps: 100 });
 *     console.log(summary);
 *
 * Throws what the first product would throw.
 */
export async function predictMemory(
  operator: LinearOperator,
  options: PredictMemoryOptions = {},
): Promise<MemoryPrediction> {
  const curvature = curvatureIn(operator)?.curvature;
  if (curvature === undefined)
    throw invalidOption('predictMemory: operator', 'an operator of hessian, gaussNewton, …', operator);
  checkOptions('predictMemory', options, {
    steps: isInteger(1),
    basisSize: isInteger(1),
    pairs: isInteger(0),
    vectors: isInteger(1),
  });
  if (options.steps !== undefined && options.basisSize !== undefined)
    throw invalidOption(
      "predictMemory: option 'basisSize'",
      "absent where there are 'steps'",
      options.basisSize,
    );
  const { vectors = 1, pairs = 0 } = options;
  const { objective, space } = curvature;
  const { model, numBatches, batchSize } = objective;
  const plan = await curvature.plan();
  const parts = partsOf(objective, plan.chunk);
  // The last batch may be smaller, and the last part of any batch.
  const [size, lastSize] = [parts[0]!.numSamples, parts.at(-1)!.numSamples];

  const kept = await fitMemory(curvature, size, vectors, true);
  const { numRetained, graphBytes, isLastRetained } = planRetention(curvature, kept.graphBytes, parts, plan);
  const dropped = numRetained === parts.length ? kept : await fitMemory(curvature, size, vectors, false);
  // What is not retained is made anew for as many parts as are multiplied at once.
  const atOnce = Math.min(plan.workers, parts.length);
  const transient = (numSamples: number, isRetained: boolean) =>
    atOnce *
    (isRetained ? kept.peakBytes(numSamples) - kept.graphBytes(numSamples) : dropped.peakBytes(numSamples));
  const first = Math.max(
    numRetained > 0 ? transient(size, true) : 0,
    numRetained < parts.length ? transient(size, false) : 0,
  );
  // Blocks of a last part of another size are other blocks.
  const productBytes =
    lastSize === size ? first : Math.min(first, largestCache) + transient(lastSize, isLastRetained) / atOnce;

  const itemBytes = space.dtype === 'float64' ? 8 : 4;
  const modelBytes =
    model.size * itemBytes +
    model.buffers.reduce(
      (sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, itemBytes),
      0,
    );
  const share = batchSize / objective.data.numSamples;
  const isHeld = objective.dataPlacement === 'held';
  const dataBytes = isHeld ? objective.dataBytes : 2 * share * objective.dataBytes;
  const basisSize = options.basisSize ?? vectors * Math.min(options.steps ?? 100, space.size);
  const basis = basisBytes(space, basisSize);
  // Sums over the batches, their means, what is left of one after orthogonalisation, and θ.
  const vectorBytes = (2 * vectors + 1 + pairs) * space.size * itemBytes + model.size * itemBytes;
  const peakBytes = modelBytes + dataBytes + graphBytes + productBytes + basis + vectorBytes;
  const bytes = { modelBytes, dataBytes, graphBytes, productBytes, basisBytes: basis, vectorBytes };
  return Object.freeze({
    ...bytes,
    peakBytes,
    newBytes: peakBytes - modelBytes - (isHeld && objective.dataIsHeld ? dataBytes : 0),
    numBatches,
    numParts: parts.length,
    numRetained,
    summary: describe(peakBytes, bytes, numRetained, parts.length),
  });
}

interface FittedMemory {
  readonly graphBytes: (numSamples: number) => number;
  readonly peakBytes: (numSamples: number) => number;
}

/** Lines through what two small slices of the first batch take. */
async function fitMemory(
  operator: CurvatureOperator,
  partSize: number,
  numVectors: number,
  keep: boolean,
): Promise<FittedMemory> {
  const measure = async (size: number) => ({
    size,
    ...(await operator.sampleMemory(size, numVectors, keep)),
  });
  // Slices whose sizes are in proportion fall into the allocator's classes alike.
  const small = Math.min(partSize, Math.max(2, Math.round(partSize / 16)));
  const low = await measure(small);
  let high = await measure(Math.min(2 * small, partSize));
  // A peak is the largest of several affine functions, and of little memory it is soon another one's turn.
  if ((high.peakBytes * partSize) / high.size < cheapBytes) high = await measure(partSize);
  const line = (part: 'graphBytes' | 'peakBytes') => {
    const slope = high.size === low.size ? 0 : (high[part] - low[part]) / (high.size - low.size);
    return (numSamples: number) => Math.max(0, high[part] + slope * (numSamples - high.size));
  };
  return { graphBytes: line('graphBytes'), peakBytes: line('peakBytes') };
}

/** Which parts the operator will retain. */
function planRetention(
  { memoryBudget }: CurvatureOperator,
  bytesOf: FittedMemory['graphBytes'],
  parts: readonly BatchPart[],
  { workers }: ProductPlan,
): { readonly numRetained: number; readonly graphBytes: number; readonly isLastRetained: boolean } {
  let graphBytes = 0;
  let numRetained = 0;
  let isLastRetained = false;
  for (const [i, { numSamples }] of parts.entries()) {
    const bytes = bytesOf(numSamples);
    const others = othersMadeAnew(i, parts.length, workers);
    if (!fitsBudget(bytes, graphBytes, others, memoryBudget)) continue;
    graphBytes += bytes;
    numRetained++;
    isLastRetained = i === parts.length - 1;
  }
  return { numRetained, graphBytes, isLastRetained };
}

function describe(
  peakBytes: number,
  parts: Omit<
    MemoryPrediction,
    'peakBytes' | 'newBytes' | 'numBatches' | 'numParts' | 'numRetained' | 'summary'
  >,
  numRetained: number,
  numParts: number,
): string {
  const show = (bytes: number) =>
    bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
  const graphs =
    numRetained === numParts
      ? `the graphs of ${numParts === 1 ? 'the batch' : `all ${numParts} parts of the data`}`
      : `the graphs of ${numRetained} of ${numParts} parts of the data (the others are recomputed for every product)`;
  return (
    `About ${show(peakBytes)} at the peak: model ${show(parts.modelBytes)}, data ${show(parts.dataBytes)}, ` +
    `${graphs} ${show(parts.graphBytes)}, a product ${show(parts.productBytes)}, ` +
    `basis ${show(parts.basisBytes)}, other vectors ${show(parts.vectorBytes)}.`
  );
}
