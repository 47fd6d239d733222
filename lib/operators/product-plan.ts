import { isInteger, type Check } from '../validate.js';

/** How the products of a curvature matrix are computed. It changes their speed and their last bits, nothing else. */
export interface ProductPlan {
  /** Samples of a graph: a larger batch is cut into parts of as many. */
  readonly chunk: number;
  /** Graphs that are multiplied at once, each on one thread; 1: one after the other, on all threads. */
  readonly workers: number;
}

/**
 * `default`: by a rule, the same in every run; `trial`: the fastest of a few, timed before the first product; or a plan of
 * one's own, what it leaves out as by default.
 */
export type PlanChoice = 'default' | 'trial' | Partial<ProductPlan>;

/** What a plan is made for. */
export interface PlanBasis {
  readonly batchSize: number;
  readonly numBatches: number;
  readonly numThreads: number;
  /** Parameters of the space. */
  readonly size: number;
  readonly isOnHost: boolean;
  /** The loss of a batch is the sum of those of its parts. */
  readonly isDivisible: boolean;
  /** Of a recorded forward pass, of one sample; 0 where it is not known. */
  readonly bytesPerSample: number;
  /** Of its largest tensor, likewise. */
  readonly largestBytesPerSample: number;
  /** Bytes that graphs may take. */
  readonly budget: number;
}

/** Of a recorded forward pass: below it a part is too little work for a thread of its own. */
const smallestPartBytes = 4e6;
/** A part's product is a vector that must be added to the others, and its graph keeps a copy of the parameters. */
const activationsToParameters = 4;
/** Of the largest tensor of a part: what caches do well with, and from how many times that on parts are made smaller (LeNet, ResNet-20). */
const cacheBytes = 6.5e6;
const worthOfCaching = 2;
/** The graph of a gradient and a product with it, in recorded forward passes: what LeNet and ResNets take at most. */
const graphToForward = 6;

/**
 * The plan that is the same in every run, wherever the graph of a batch fits the budget; elsewhere its parts are small
 * enough to be made anew one by one.
 */
export function defaultPlan(basis: PlanBasis): ProductPlan {
  const plan = planForSpeed(basis);
  const { isDivisible, bytesPerSample, budget } = basis;
  if (!isDivisible || bytesPerSample === 0) return plan;
  const fitting = Math.floor(budget / (graphToForward * bytesPerSample * plan.workers));
  const least = Math.ceil(smallestPartBytes / bytesPerSample);
  return { ...plan, chunk: Math.min(plan.chunk, Math.max(fitting, least)) };
}

function planForSpeed(basis: PlanBasis): ProductPlan {
  const { batchSize, numBatches, numThreads, size, isOnHost, isDivisible } = basis;
  const { bytesPerSample, largestBytesPerSample } = basis;
  const whole = { chunk: batchSize, workers: 1 };
  if (!isOnHost || numThreads === 1) return whole;
  const isMoreThan = (least: number, numSamples: number) =>
    numSamples * bytesPerSample >= Math.max(least, activationsToParameters * 4 * size);
  const isWorth = (numSamples: number) => isMoreThan(smallestPartBytes, numSamples);
  // Batches are parts already, where there are enough of them to keep all threads busy.
  if (numBatches >= 4 * numThreads) return isWorth(batchSize) ? { ...whole, workers: numThreads } : whole;
  const chunk = Math.ceil(batchSize / numThreads);
  if (!isDivisible || !isWorth(chunk)) return whole;
  const plan = { chunk, workers: numThreads };
  if (chunk * largestBytesPerSample <= worthOfCaching * cacheBytes) return plan;
  // As many parts as all threads are busy with to the end.
  const rounds = Math.ceil((chunk * largestBytesPerSample) / cacheBytes);
  for (let k = rounds; k > 1; k--) {
    const smaller = Math.ceil(batchSize / (k * numThreads));
    if (isMoreThan(smallestPartBytes / 2, smaller)) return { ...plan, chunk: smaller };
  }
  return plan;
}

/** What a trial compares, the default first. */
export function candidatePlans(basis: PlanBasis): [ProductPlan, ...ProductPlan[]] {
  const { batchSize, numThreads, isOnHost, isDivisible } = basis;
  const usual = defaultPlan(basis);
  const others: ProductPlan[] = [{ chunk: batchSize, workers: 1 }];
  if (isOnHost && numThreads > 1) {
    const numParts = isDivisible ? [1, numThreads, 4 * numThreads] : [1];
    const chunks = numParts.map((parts) => Math.ceil(batchSize / parts));
    for (const chunk of chunks) others.push({ chunk, workers: numThreads });
  }
  const isNew = ({ chunk, workers }: ProductPlan, before: readonly ProductPlan[]) =>
    !before.some((plan) => plan.chunk === chunk && plan.workers === workers);
  return [usual, ...others.filter((plan, i) => isNew(plan, [usual, ...others.slice(0, i)]))];
}

/** A plan of one's own: a batch whose samples mix stays whole. */
export function givenPlan(given: Partial<ProductPlan>, basis: PlanBasis): ProductPlan {
  const usual = defaultPlan(basis);
  const { chunk = usual.chunk, workers = usual.workers } = given;
  return {
    chunk: basis.isDivisible ? Math.min(chunk, basis.batchSize) : basis.batchSize,
    workers: basis.isOnHost ? workers : 1,
  };
}

export function describePlan({ chunk, workers }: ProductPlan): string {
  return `graphs of ${chunk} samples, ${workers} at a time`;
}

/** The inverse of `describePlan`; null for another text. */
export function readPlan(text: string): ProductPlan | null {
  const numbers = /^graphs of ([1-9]\d{0,14}) samples, ([1-9]\d{0,8}) at a time$/.exec(text);
  return numbers === null ? null : { chunk: Number(numbers[1]), workers: Number(numbers[2]) };
}

export const isPlanChoice: Check = (value) => {
  if (value === 'default' || value === 'trial') return null;
  const words = "'default', 'trial' or { chunk, workers } of whole numbers from 1";
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return words;
  const isPlan = Object.entries(value).every(
    ([key, number]) =>
      (key === 'chunk' || key === 'workers') && (number === undefined || isInteger(1)(number) === null),
  );
  return isPlan ? null : words;
};
