import { runFingerprint } from '../landscape/run-fingerprint.js';
import type { Solution } from '../model/solution.js';
import type { Objective } from '../objective/objective.js';
import type { ConnectionTraining } from '../results.js';
import type { Steps } from '../steps.js';
import { CurveOptimizer } from './curve-optimizer.js';
import { CurveStore } from './curve-store.js';
import { CurveTrainer, straightPoints, type CurveState } from './curve-trainer.js';

export interface TrainCurvesOptions {
  readonly kinds: readonly CurveState['kind'][];
  readonly numBends: number;
  readonly training: ConnectionTraining;
  readonly seed: number;
  /** Where the training is kept. */
  readonly file: string | undefined;
}

/** Trains one curve after the other, from control points on the straight line. */
export async function trainCurves(
  objective: Objective,
  a: Solution,
  b: Solution,
  { kinds, numBends, training, seed, file }: TrainCurvesOptions,
  progress: Steps,
): Promise<CurveState[]> {
  const ends = { from: await a.theta.toArray(), to: await b.theta.toArray() };
  using trained = objective.variant({ mode: 'train', metrics: [], batchSize: training.batchSize, seed });
  const fresh = (kind: CurveState['kind']): CurveState => {
    const optimizer = new CurveOptimizer(training.optimizer, straightPoints(ends, numBends));
    return { kind, optimizer, losses: [], divergedAt: null };
  };
  using trainer = new CurveTrainer(trained, a, ends, training, seed);
  if (file === undefined) {
    const states = kinds.map(fresh);
    for (const state of states) await trainer.train(state, progress, async () => Promise.resolve());
    return states;
  }
  const settings = await runFingerprint(trained, a, {
    to: await b.hash(),
    bends: numBends,
    steps: training.steps,
    optimizer: JSON.stringify(training.optimizer),
    schedule: JSON.stringify(training.schedule),
  });
  const store = await CurveStore.open(file, settings, training.optimizer, numBends * ends.from.length);
  try {
    const states: CurveState[] = [];
    for (const kind of kinds) {
      const state = store.states.get(kind) ?? fresh(kind);
      store.states.set(kind, state);
      states.push(state);
      const before = state.losses.length;
      try {
        await trainer.train(state, progress, async () => store.saveIfDue());
      } finally {
        // After an abort, too.
        if (state.losses.length > before || state.divergedAt !== null) await store.save();
      }
    }
    return states;
  } finally {
    await store.close();
  }
}
