import type {
  AxisDescription,
  Explosion,
  LandscapeAtlas,
  LandscapeValues,
  LossLine,
  LossSurface,
  MarkedSolution,
  Provenance,
  SelfChecks,
  Trajectory,
} from '../../../dist/results.js';

export const provenance: Provenance = {
  model: 'models/resnet20.pt',
  modelHash: '12fc',
  data: 'data/cifar10.bin',
  dataHash: 'b956',
  numSamples: 1024,
  numBatches: 8,
  numParameters: 272474,
  preprocessing: '',
  options: {
    batchSize: 1,
    labelSmoothing: 0,
    ignoreIndex: -100,
    delta: 1,
    seed: 0,
    output: '',
    metrics: ['top-5'],
  },
  point: 'model',
  operator: null,
  plan: null,
  criterion: 'cross-entropy',
  mode: 'eval',
  dtype: 'float32',
  device: 'cpu',
  numThreads: 2,
  versions: { lossatlas: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
  startedAt: '2026-01-01T00:00:00Z',
  durationSeconds: 12.5,
};

export const axis: AxisDescription = {
  label: 'filter-normalised Gaussian direction',
  kind: 'gaussian',
  seed: 1,
  eigenvalue: null,
  normalization: 'filter',
  order: 2,
  ignored: ['bias', 'norm'],
  frozen: ['fc.weight'],
  numZeroGroups: 0,
  norm: 1.5,
  relativeNorm: 0.9,
};

export const checks: SelfChecks = {
  centerDifference: 3e-9,
  cosine: -0.002,
  numNonFinite: 0,
  shareNonFinite: 0,
  curvature: [{ secondDifference: 1.5, quadraticForm: 1.4, step: 0.01 }],
};

/** What a synthetic landscape says besides its losses. */
const others: Omit<LandscapeValues, 'loss' | 'accuracy' | 'modelLoss' | 'modelAccuracy'> = {
  metrics: {},
  gradientNorm: null,
  solutions: [],
  explosion: {
    maxToCenterRatio: 30,
    cap: 100,
    shareAboveCap: 0,
    verdict: 'none',
    text: 'No value explosion.',
  },
  checks,
  precision: null,
  recipe: { name: 'lossatlas', notes: [] },
  provenance,
  source: null,
};

export function evenly(from: number, to: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/** A synthetic surface over [−1, 1]². */
export function surfaceOf(nx: number, ny: number, lossAt: (x: number, y: number) => number): LossSurface {
  const [x, y] = [evenly(-1, 1, nx), evenly(-1, 1, ny)];
  return {
    kind: 'loss-surface',
    formatVersion: 2,
    update: 'add',
    x,
    y,
    ...others,
    loss: Float64Array.from({ length: nx * ny }, (_, k) => lossAt(x[k % nx]!, y[Math.floor(k / nx)]!)),
    accuracy: null,
    modelLoss: lossAt(0, 0),
    modelAccuracy: null,
    axes: [axis, { ...axis, seed: 2 }],
  };
}

/** A synthetic line over [−1, 1]. */
export function lineOf(
  count: number,
  lossAt: (t: number) => number,
  accuracyAt: ((t: number) => number) | null = null,
): LossLine {
  const coordinates = evenly(-1, 1, count);
  return {
    kind: 'loss-line',
    formatVersion: 2,
    coordinates,
    ...others,
    loss: coordinates.map(lossAt),
    accuracy: accuracyAt === null ? null : coordinates.map(accuracyAt),
    modelLoss: lossAt(0),
    modelAccuracy: accuracyAt === null ? null : accuracyAt(0),
    axis,
    checks: { ...checks, cosine: null },
  };
}

export const bowl = (nx = 51, ny = nx): LossSurface =>
  surfaceOf(nx, ny, (x, y) => 0.1 + 2 * x * x + 3 * y * y);

export const exploded: Explosion = {
  maxToCenterRatio: 1e16,
  cap: 100,
  shareAboveCap: 0.5,
  verdict: 'explodes',
  text: 'Value explosion.',
};

export const solution = (label: string, ...coordinates: number[]): MarkedSolution => ({
  label,
  coordinates: Float64Array.from(coordinates),
});

/** An atlas of seeds 1, 2, …, with the spread over them. */
export function atlasOf(surfaces: readonly LossSurface[]): LandscapeAtlas {
  const column = (compute: (values: readonly number[]) => number) =>
    surfaces[0]!.loss.map((_, k) => compute(surfaces.map(({ loss }) => loss[k]!)));
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    kind: 'landscape-atlas',
    formatVersion: 2,
    titles: surfaces.map((_, i) => `seed ${i + 1}`),
    surfaces: surfaces.map((surface, i) => ({
      ...surface,
      axes: [
        { ...axis, seed: i + 1 },
        { ...axis, seed: i + 101 },
      ],
    })),
    spread: {
      mean: column(meanOf),
      standardDeviation: column((values) => {
        const mean = meanOf(values);
        return Math.sqrt(
          values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1),
        );
      }),
      min: column((values) => Math.min(...values)),
      max: column((values) => Math.max(...values)),
    },
  };
}

/** A path through `points`, `epoch 0`, `epoch 1`, …, at most a tenth an epoch away from the plane. */
export function trajectoryOf(points: readonly (readonly [number, number])[]): Trajectory {
  const column = (pick: (point: readonly [number, number], i: number) => number) =>
    Float64Array.from(points, pick);
  return {
    kind: 'trajectory',
    formatVersion: 1,
    labels: points.map((_, i) => `epoch ${i}`),
    x: column(([x]) => x),
    y: column(([, y]) => y),
    distance: column((_, i) => 0.1 * (points.length - i)),
    loss: column(() => 1),
    projectedLoss: column(() => 1),
    accuracy: null,
    explainedVariance: null,
    provenance,
  };
}
