import type {
  AxisDescription,
  LandscapeValues,
  LossLine,
  LossSurface,
  Provenance,
  SelfChecks,
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
  options: { batchSize: 1, labelSmoothing: 0, ignoreIndex: -100, delta: 1, seed: 0, metrics: ['top-5'] },
  point: 'model',
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
  recipe: { name: 'lossatlas', notes: [] },
  provenance,
};

export function evenly(from: number, to: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/** A synthetic surface over [−1, 1]². */
export function surfaceOf(nx: number, ny: number, lossAt: (x: number, y: number) => number): LossSurface {
  const [x, y] = [evenly(-1, 1, nx), evenly(-1, 1, ny)];
  return {
    kind: 'loss-surface',
    formatVersion: 1,
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
    formatVersion: 1,
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
