import type { Dataset } from '../data/dataset.js';
import { hashOf } from '../hash.js';
import { Journal } from '../io/journal.js';
import { runFingerprint } from '../landscape/run-fingerprint.js';
import { decodeValues, encodeValues } from '../landscape/sweep.js';
import { combineBuffers, type BufferState } from '../model/buffer-state.js';
import { combine, type ParameterVector } from '../model/parameter-vector.js';
import type { Solution } from '../model/solution.js';
import type { Objective } from '../objective/objective.js';
import type { Mode, PathEvaluation } from '../results.js';
import type { Steps } from '../steps.js';
import { curveWeights, type CurveKind } from './curve.js';
import { pathBarrier } from './path-barrier.js';

/** A path with its control points, both ends among them. */
export interface Path {
  readonly kind: CurveKind;
  readonly points: readonly Solution[];
}

/** What is evaluated along paths. */
export interface PathObjectives {
  /** Recomputes running statistics at every point from its data; null: they are interpolated between the ends. */
  readonly statistics: Objective | null;
  /** One a data set. */
  readonly tests: readonly [Objective, ...Objective[]];
}

/**
 * Losses and accuracies of every data set at every t of every path, in this order. Running statistics of a point are the
 * same for all data sets: those of the objective's data where they are recomputed.
 */
export async function evaluatePaths(
  { statistics, tests }: PathObjectives,
  paths: readonly Path[],
  t: Float64Array,
  progress: Steps,
  resume: string | undefined,
): Promise<PathEvaluation[][]> {
  const rows: Float64Array[] = [];
  const count = paths.length * t.length;
  const journal =
    resume === undefined
      ? null
      : await Journal.open(
          resume,
          'connection',
          await fingerprint(statistics ?? tests[0], tests, paths, t),
          (record) => {
            const isRow = record.length === 16 * tests.length && rows.length < count;
            if (isRow) rows.push(decodeValues(record));
            return isRow;
          },
        );
  try {
    progress.restore(rows.length);
    while (rows.length < count) {
      const path = paths[Math.floor(rows.length / t.length)]!;
      const at = t[rows.length % t.length]!;
      const row = await evaluateAt({ statistics, tests }, path, at, progress.signal);
      await journal?.append([encodeValues(row)]);
      rows.push(row);
      progress.advance();
    }
  } finally {
    await journal?.close();
  }
  return paths.map((_, p) => {
    const own = rows.slice(p * t.length, (p + 1) * t.length);
    return tests.map((test, k) => describe(test, t, own, k));
  });
}

async function evaluateAt(
  { statistics, tests }: PathObjectives,
  { kind, points }: Path,
  t: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const [a, b] = [points[0]!, points.at(-1)!];
  const vectors = points.map(({ theta }) => theta) as [ParameterVector, ...ParameterVector[]];
  using theta = await combine(vectors, Array.from(curveWeights(kind, points.length - 2, t)));
  using between = await combineBuffers([a.buffers, b.buffers], [1 - t, t]);
  using recomputed: BufferState | null = (await statistics?.statisticsAt(theta, between, signal)) ?? null;
  const values: number[] = [];
  for (const test of tests) {
    const { loss, accuracy } = await test.evaluate(theta, signal, recomputed ?? between);
    values.push(loss, accuracy ?? NaN);
  }
  return Float64Array.from(values);
}

/**
 * `mode`: of the values. The caller disposes of what is not the objective itself.
 */
export function openPathObjectives(
  objective: Objective,
  mode: Mode,
  evaluateOn: readonly Dataset[],
  keep: (opened: Objective) => Objective,
): PathObjectives {
  const changes = { metrics: [], mode: mode === 'train' ? 'train' : 'eval' } as const;
  const isItself = objective.mode === changes.mode && objective.metricNames.length === 0;
  const first = isItself ? objective : keep(objective.variant(changes));
  const statistics =
    mode !== 'recalibrate'
      ? null
      : objective.mode === 'recalibrate'
        ? objective
        : keep(objective.variant({ metrics: [], mode }));
  const others = evaluateOn.map((data) => keep(objective.variant(changes, data)));
  return { statistics, tests: [first, ...others] };
}

function describe(
  { data }: Objective,
  t: Float64Array,
  rows: readonly Float64Array[],
  place: number,
): PathEvaluation {
  const loss = Float64Array.from(rows, (row) => row[2 * place]!);
  const share = Float64Array.from(rows, (row) => row[2 * place + 1]!);
  // A criterion either has an accuracy at every point or at none.
  const accuracy = share.every((value) => Number.isNaN(value)) ? null : share;
  return Object.freeze({
    data: data.name,
    dataHash: data.hash,
    numSamples: data.numSamples,
    loss,
    accuracy,
    barrier: pathBarrier(t, loss),
    accuracyBarrier: accuracy === null ? null : pathBarrier(t, accuracy, true),
  });
}

async function fingerprint(
  objective: Objective,
  tests: readonly Objective[],
  paths: readonly Path[],
  t: Float64Array,
) {
  const points: Float64Array[] = [];
  for (const path of paths) for (const { theta } of path.points.slice(1)) points.push(await theta.toArray());
  const [first] = paths;
  return runFingerprint(objective, first!.points[0]!, {
    paths: paths.map(({ kind }) => kind).join(),
    to: await first!.points.at(-1)!.hash(),
    controlPoints: hashOf(points),
    t: hashOf([t]),
    evaluateOn: tests.map(({ data }) => data.hash).join(),
  });
}
