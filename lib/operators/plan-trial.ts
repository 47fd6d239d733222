import type { ParameterSpace } from '../model/parameter-space.js';
import type { BatchHandle } from '../native/addon.js';
import { freeHandle } from '../native/call.js';
import type { Objective } from '../objective/objective.js';
import { partsOf, type BatchPart } from './batch-parts.js';
import type { ProductPlan } from './product-plan.js';
import { ProductSum } from './product-sum.js';
import type { PartGraph } from './retained-graphs.js';

/** Timed products of each plan, after one that warms up. */
const trialRuns = 2;

export interface TrialContext {
  readonly objective: Objective;
  readonly space: ParameterSpace;
  /** Bytes that graphs may take. */
  readonly budget: number;
  readonly build: (batch: BatchHandle, part: BatchPart) => Promise<PartGraph>;
}

/** The plan whose product with the first batches takes the least time; the first where none fits the memory. */
export async function fastestPlan(
  plans: readonly [ProductPlan, ...ProductPlan[]],
  context: TrialContext,
): Promise<ProductPlan> {
  let best = plans[0];
  if (plans.length === 1) return best;
  // As many batches for every plan, and one for each worker where there are so many.
  const numBatches = Math.min(context.objective.numBatches, Math.max(...plans.map(({ workers }) => workers)));
  let least = Infinity;
  for (const plan of plans) {
    const time = await timePlan(plan, numBatches, context);
    if (time < least) [best, least] = [plan, time];
  }
  return best;
}

async function timePlan(
  { chunk, workers }: ProductPlan,
  numBatches: number,
  { objective, space, budget, build }: TrialContext,
): Promise<number> {
  const graphs: PartGraph[] = [];
  try {
    const parts = partsOf(objective, chunk);
    let batchIndex = 0;
    let bytes = 0;
    for await (const batch of objective.batches()) {
      for (const part of parts.filter(({ batch: place }) => place === batchIndex)) {
        const graph = await build(batch, part);
        graphs.push(graph);
        bytes += graph.bytes;
        if (bytes > budget) return Infinity;
      }
      if (++batchIndex === numBatches) break;
    }
    using vector = await space.randomVector('rademacher', 0);
    let least = Infinity;
    for (let run = 0; run <= trialRuns; run++) {
      const sum = new ProductSum(space, [vector]);
      try {
        const startedAt = performance.now();
        await sum.add(graphs, { keep: true, batched: false, workers });
        if (run > 0) least = Math.min(least, performance.now() - startedAt);
      } finally {
        sum.dispose();
      }
    }
    return least;
  } finally {
    for (const { graph } of graphs) freeHandle(graph);
  }
}
