import { LossAtlasError } from '../errors.js';
import type { OutputPullback } from '../native/addon.js';
import { call, freeHandle } from '../native/call.js';
import { requireCount } from '../objective/evaluation.js';
import { throwIfAborted } from '../steps.js';
import { eachPart, ofPart, type BatchPart } from './batch-parts.js';
import type { CurvatureOperator } from './curvature-operator.js';

/** The graphs of a model's outputs, in turn. */
export interface PullbackRun {
  /** One sample a graph where samples do not see each other, so that the gradient of an output costs no other's. */
  readonly bySample: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Calls `visit` with the graph of the model's output on each batch in turn, or on each sample; it is freed afterwards.
 * Returns what the loss sums of all batches are divided by. For a Hessian throws ERR_NOT_AFFINE unless diag H = diag GGN is
 * proven on every graph; ERR_CRITERION for losses whose curvature in the output has no known root.
 */
export async function eachPullback(
  operator: CurvatureOperator,
  visit: (pullback: OutputPullback, part: BatchPart) => Promise<void>,
  { bySample, signal }: PullbackRun,
): Promise<number> {
  const { objective, space, matrix } = operator;
  const { theta, buffers } = await operator.place();
  const chunk = bySample ? await operator.smallestPart() : objective.batchSize;
  let count = 0;
  for await (const { batch, part } of eachPart(objective, chunk)) {
    throwIfAborted(signal);
    const built = await ofPart(batch, part, (samples) =>
      call((native) =>
        native.outputPullback(objective.handle, space.handle, theta.handle, buffers?.handle ?? null, samples),
      ),
    );
    try {
      if (matrix.kind === 'hessian' && built.obstacle !== null) throw notAffine(built.obstacle);
      await visit(built, part);
      count += built.evaluation[1]!;
    } finally {
      freeHandle(built.pullback);
    }
  }
  requireCount(count);
  return count;
}

function notAffine(obstacle: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_NOT_AFFINE',
    `The trace of the Hessian without second derivatives needs a network that is affine in each parameter tensor taken ` +
      `alone, which is not proven here: ${obstacle}. Use another method (analyseHessian: leave out exactTrace), or gaussNewton(loss) for the trace of that matrix.`,
  );
}
