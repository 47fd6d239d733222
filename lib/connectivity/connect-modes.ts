import { differenceDirection } from '../directions/solutions.js';
import type { Plane } from '../directions/plane.js';
import { lossSurface } from '../landscape/surface.js';
import { coordinates } from '../landscape/sweep.js';
import { combineBuffers } from '../model/buffer-state.js';
import type { Model } from '../model/model.js';
import { disposeAll } from '../model/parameter-vector.js';
import { Solution } from '../model/solution.js';
import { checkData } from '../objective/check-data.js';
import type { Objective } from '../objective/objective.js';
import type { ConnectionPath, ConnectionPlane, LossSurface, ModeConnection } from '../results.js';
import { Steps } from '../steps.js';
import {
  curveKinds,
  curvesFile,
  defaultPoints,
  requireArguments,
  surfaceFile,
  trainingOf,
  valuesMode,
  type ConnectModesOptions,
} from './connect-options.js';
import type { CurveKind } from './curve.js';
import { curveLength, curvePlane, onPlane } from './curve-geometry.js';
import { describeTraining, type CurveState } from './curve-trainer.js';
import { evaluatePaths, openPathObjectives, type Path } from './path-values.js';
import { trainCurves } from './train-curves.js';

/** A trained curve, to go on with: dispose of it by its connection. */
export interface ConnectionCurve {
  readonly kind: 'bezier' | 'chain';
  /** P₁ … P_m with running statistics interpolated between the minima. Those of a Bezier curve do not lie on it. */
  readonly bends: readonly Solution[];
  /** Through both minima and the middle control point; null where these lie on a line. Its origin is w1, and not its own. */
  readonly plane: Plane | null;
}

export interface Connection extends Disposable {
  readonly connection: ModeConnection;
  readonly curves: readonly ConnectionCurve[];
  dispose(): void;
}

/** Around a path, as a share of its larger extent. */
const margin = 0.2;

/**
 * Loss barriers between two minima: along the straight line, and along curves that are trained to be low, quadratic Bezier
 * φ(t) = (1 − t)²·w1 + 2t(1 − t)·θ + t²·w2 or polygonal chain (Garipov et al. 2018, arXiv 1802.10026). Each step draws t uniformly
 * and moves the control points along c(t)·∇L(φ(t)) of one batch, in train mode: BatchNorm by batch statistics; running
 * statistics stay as they are. Control points are float64, whatever the model's type.
 *
 *     using found = await connectModes(loss, a, b, { steps: 2000, evaluateOn: [test], surface: 21 });
 *     const [line, bezier] = found.connection.paths;
 *     console.log(line!.evaluations[0]!.barrier.height, bezier!.evaluations[0]!.barrier.height);
 *     await saveSolution('theta.pth', found.curves[0]!.bends[0]!);
 *
 * Equal seeds and numbers of threads give equal bits, after an interruption too. A training that diverges is data
 * (`divergedAt`). Throws ERR_INVALID_OPTION, ERR_DIRECTION for two equal solutions, ERR_LAYOUT_MISMATCH, ERR_MODE_BAKED_IN (training
 * needs train mode), ERR_RESUME, ERR_FILE_NOT_WRITABLE, ERR_ABORTED; what objectives throw.
 */
export async function connectModes(
  objective: Objective,
  a: Solution,
  b: Solution,
  options: ConnectModesOptions = {},
): Promise<Connection> {
  const startedAt = performance.now();
  requireArguments(objective, a, b, options);
  const {
    bends: numBends = 1,
    seed = 0,
    points: numPoints = defaultPoints,
    surface: gridSize = 0,
    resume,
  } = options;
  const kinds = curveKinds(options);
  const training = kinds.length === 0 ? null : trainingOf(objective, options);
  using line = await differenceDirection(a, b);
  const t = coordinates([0, 1], numPoints);
  const stepsOfCurves = kinds.length * ((training?.steps ?? 0) + gridSize ** 2);
  const progress = new Steps('mode connection', stepsOfCurves + (1 + kinds.length) * numPoints, options);
  const file = resume === undefined ? undefined : curvesFile(resume);
  const curves: ConnectionCurve[] = [];
  const opened: Objective[] = [];
  try {
    const keep = (variant: Objective) => {
      opened.push(variant);
      return variant;
    };
    const objectives = openPathObjectives(
      objective,
      valuesMode(objective, options),
      options.evaluateOn ?? [],
      keep,
    );
    // What evaluations would come upon after all the training.
    for (const test of objectives.tests) await checkData(test, a, options.signal);
    const states =
      training === null
        ? []
        : await trainCurves(objective, a, b, { kinds, numBends, training, seed, file }, progress);
    for (const state of states) curves.push(await curveOf(objective.model, state, a, b, numBends));
    const paths: Path[] = [
      { kind: 'linear', points: [a, b] },
      ...curves.map(({ kind, bends }) => ({ kind, points: [a, ...bends, b] })),
    ];
    const values = await evaluatePaths(objectives, paths, t, progress, resume);
    const place = new CurvePlacing(
      objectives.statistics ?? objectives.tests[0],
      t,
      gridSize,
      progress,
      resume,
    );
    const described: ConnectionPath[] = [];
    for (const [i, path] of paths.entries()) {
      const { kind, points } = path;
      const plane = curves[i - 1]?.plane ?? null;
      const state = states[i - 1];
      described.push(
        Object.freeze({
          kind,
          numBends: points.length - 2,
          length: await curveLength(kind, points),
          evaluations: Object.freeze(values[i]!),
          training: state === undefined ? null : describeTraining(state),
          plane: plane === null ? null : await place.on(plane, path),
        }),
      );
    }
    progress.finish();
    const connection: ModeConnection = Object.freeze({
      kind: 'mode-connection',
      formatVersion: 1,
      from: a.label,
      fromHash: await a.hash(),
      to: b.label,
      toHash: await b.hash(),
      t,
      distance: line.description.norm,
      paths: Object.freeze(described),
      training,
      seed,
      provenance: await place.objective.provenance(startedAt, a.label),
    });
    const dispose = () => {
      curves.forEach(disposeCurve);
    };
    return { connection, curves: Object.freeze([...curves]), dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    curves.forEach(disposeCurve);
    throw error;
  } finally {
    disposeAll(opened);
  }
}

const bendNames = { bezier: 'control point', chain: 'bend' } as const;

/** The control points as solutions, and the plane. */
async function curveOf(
  model: Model,
  { kind, optimizer: { theta } }: CurveState,
  a: Solution,
  b: Solution,
  numBends: number,
): Promise<ConnectionCurve> {
  const bends: Solution[] = [];
  try {
    for (let k = 0; k < numBends; k++) {
      const label = numBends === 1 ? bendNames[kind] : `${bendNames[kind]} ${k + 1}`;
      const point = await model.vector(theta.subarray(k * model.size, (k + 1) * model.size));
      try {
        const t = (k + 1) / (numBends + 1);
        bends.push(new Solution(label, point, await combineBuffers([a.buffers, b.buffers], [1 - t, t])));
      } catch (error) {
        point.dispose();
        throw error;
      }
    }
    const plane = await curvePlane([a, ...bends, b]);
    return Object.freeze({ kind, bends: Object.freeze(bends), plane });
  } catch (error) {
    disposeAll(bends);
    throw error;
  }
}

function disposeCurve({ bends, plane }: ConnectionCurve): void {
  disposeAll(bends);
  plane?.dispose();
}

/** Curves on their planes, with surfaces where they are asked for. */
class CurvePlacing {
  readonly objective: Objective;
  readonly #t: Float64Array;
  readonly #gridSize: number;
  readonly #progress: Steps;
  readonly #resume: string | undefined;

  constructor(
    objective: Objective,
    t: Float64Array,
    gridSize: number,
    progress: Steps,
    resume: string | undefined,
  ) {
    this.objective = objective;
    this.#t = t;
    this.#gridSize = gridSize;
    this.#progress = progress;
    this.#resume = resume;
  }

  async on(plane: Plane, { kind, points }: Path): Promise<ConnectionPlane> {
    const placed = await onPlane(plane, kind, points, this.#t);
    const surface = this.#gridSize === 0 ? null : await this.#surface(plane, kind, placed);
    return Object.freeze({ ...placed, surface });
  }

  async #surface(
    plane: Plane,
    kind: CurveKind,
    { x, y, solutions }: Omit<ConnectionPlane, 'surface'>,
  ): Promise<LossSurface> {
    const extent = (path: Float64Array, axis: 0 | 1): readonly [number, number] => {
      const all = [...path, ...solutions.map(({ coordinates: at }) => at[axis]!)];
      return [Math.min(...all), Math.max(...all)];
    };
    const ranges = [extent(x, 0), extent(y, 1)] as const;
    const room = margin * Math.max(...ranges.map(([low, high]) => high - low));
    const [range, yRange] = ranges.map(([low, high]) => [low - room, high + room] as const);
    let done = 0;
    return lossSurface(this.objective, plane, {
      range: range!,
      yRange: yRange!,
      points: this.#gridSize,
      signal: this.#progress.signal,
      onProgress: (progress) => {
        this.#progress.advance(progress.done - done);
        done = progress.done;
      },
      ...(this.#resume === undefined ? {} : { resume: surfaceFile(this.#resume, kind) }),
    });
  }
}
