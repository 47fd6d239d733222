import type {
  BasinVolume,
  CriteriaComparison,
  DecisionRegions,
  DiagonalEstimate,
  Eigenpairs,
  EigenvalueMap,
  EvaluationTable,
  ExplosionTable,
  FrobeniusNormEstimate,
  HessianAnalysis,
  LandscapeAtlas,
  LandscapeValues,
  LossLine,
  LossSurface,
  ModeConnection,
  OperatorCheck,
  PresetEigenpairs,
  PresetSpectralDensity,
  PresetTrace,
  Sharpness,
  SpectralDensity,
  SurfaceTopology,
  TraceEstimate,
  Track,
  TrainingRun,
  Trajectory,
  WeightHistogram,
} from '../results.js';
import { connectionShapes } from './shapes/connection-shapes.js';
import { evaluationShapes } from './shapes/evaluation-shapes.js';
import { geometryShapes } from './shapes/geometry-shapes.js';
import { landscapeShapes } from './shapes/landscape-shapes.js';
import type { ShapeOf } from './shapes/shape.js';
import { spectrumShapes } from './shapes/spectrum-shapes.js';
import { topologyShapes } from './shapes/topology-shapes.js';
import { trackShapes } from './shapes/track-shapes.js';
import { trainingShapes } from './shapes/training-shapes.js';

/** Any result that can be saved. */
export type Result =
  | LossLine
  | LossSurface
  | LandscapeAtlas
  | EigenvalueMap
  | SurfaceTopology
  | ModeConnection
  | BasinVolume
  | Sharpness
  | DecisionRegions
  | WeightHistogram
  | ExplosionTable
  | Trajectory
  | Eigenpairs
  | TraceEstimate
  | FrobeniusNormEstimate
  | DiagonalEstimate
  | SpectralDensity
  | HessianAnalysis
  | CriteriaComparison
  | EvaluationTable
  | TrainingRun
  | Track
  | OperatorCheck
  | PresetEigenpairs
  | PresetTrace
  | PresetSpectralDensity;
export type ResultKind = Result['kind'];
export type ResultOf<K extends ResultKind> = Extract<Result, { kind: K }>;

/** The fields of every kind. */
export const resultShapes: { readonly [K in ResultKind]: ShapeOf<ResultOf<K>> } = {
  ...landscapeShapes,
  ...connectionShapes,
  ...geometryShapes,
  ...spectrumShapes,
  ...evaluationShapes,
  ...topologyShapes,
  ...trackShapes,
  ...trainingShapes,
};

/** Lengths that do not agree, in words, or null. */
export function findLengthMismatch(result: Result): string | null {
  const check = (name: string, actual: number | undefined, expected: number) =>
    actual === undefined || actual === expected ? null : `'${name}' has ${actual} entries, not ${expected}`;
  switch (result.kind) {
    case 'loss-line':
      return checkValues(result, result.coordinates.length, check);
    case 'loss-surface':
      return checkValues(result, result.x.length * result.y.length, check);
    case 'landscape-atlas': {
      const { titles, surfaces, spread: spreads } = result;
      const counts = surfaces.map(({ x, y }) => x.length * y.length);
      const problems = surfaces.map((item, i) => checkValues(item, counts[i]!, check));
      const lists = Object.entries(spreads ?? {}) as [string, Float64Array][];
      return (
        check('titles', titles.length, surfaces.length) ??
        problems.find((problem) => problem !== null) ??
        lists.map(([name, list]) => check(name, list.length, counts[0] ?? 0)).find((p) => p !== null) ??
        null
      );
    }
    case 'eigenvalue-map': {
      const count = result.x.length * result.y.length;
      const names = ['smallest', 'largest', 'numProducts'] as const;
      return (
        names.map((name) => check(name, result[name]?.length, count)).find((p) => p !== null) ??
        check('search.residuals', result.search?.residuals.length, count) ??
        check(
          'search.cold.numProducts',
          result.search?.cold?.numProducts.length,
          result.search?.cold?.cells.length ?? 0,
        )
      );
    }
    case 'mode-connection': {
      const count = result.t.length;
      const problems = result.paths.flatMap(({ evaluations, plane }, i) => {
        const surface = plane?.surface ?? null;
        return [
          ...evaluations.flatMap(({ loss, accuracy }, k) => [
            check(`paths[${i}].evaluations[${k}].loss`, loss.length, count),
            check(`paths[${i}].evaluations[${k}].accuracy`, accuracy?.length, count),
          ]),
          ...(['x', 'y', 'distance'] as const).map((name) =>
            check(`paths[${i}].plane.${name}`, plane?.[name].length, count),
          ),
          surface === null ? null : findLengthMismatch(surface),
        ];
      });
      return problems.find((problem) => problem !== null) ?? null;
    }
    case 'basin-volume': {
      const count = result.radii.length;
      const names = ['low', 'high', 'numEvaluations'] as const;
      return names.map((name) => check(name, result[name].length, count)).find((p) => p !== null) ?? null;
    }
    case 'explosion-table': {
      const problems = result.rows.map(({ surface }) => findLengthMismatch(surface));
      const at = problems.findIndex((problem) => problem !== null);
      return at < 0 ? null : `rows[${at}].surface: ${problems[at]}`;
    }
    case 'decision-regions': {
      const { x, y, samples } = result;
      const cells = ['predicted', 'confidence'] as const;
      const columns = ['y', 'label', 'predicted'] as const;
      const problems = [
        ...cells.map((name) => check(name, result[name].length, x.length * y.length)),
        ...columns.map((name) => check(`samples.${name}`, samples[name].length, samples.x.length)),
        check('labels', result.labels.length, 2),
      ];
      return problems.find((problem) => problem !== null) ?? null;
    }
    case 'weight-histogram': {
      const count = result.edges.length - 1;
      const problems = result.solutions.map(({ counts }, i) =>
        check(`solutions[${i}].counts`, counts.length, count),
      );
      return problems.find((problem) => problem !== null) ?? null;
    }
    case 'trajectory': {
      const count = result.labels.length;
      const names = ['x', 'y', 'distance', 'loss', 'projectedLoss', 'accuracy'] as const;
      return names.map((name) => check(name, result[name]?.length, count)).find((p) => p !== null) ?? null;
    }
    case 'eigenpairs': {
      const count = result.values.length;
      return (
        check('residuals', result.residuals.length, count) ??
        check('converged', result.converged.length, count)
      );
    }
    case 'spectral-density':
      return checkProbes(result, check);
    case 'preset-eigenpairs': {
      const count = result.values.length;
      return (
        check('numIterations', result.numIterations.length, count) ??
        check('stopped', result.stopped.length, count)
      );
    }
    case 'preset-spectral-density': {
      const { nodes, weights } = result;
      const lists = check('weights', weights.length, nodes.length);
      const problems = nodes.map((list, i) => check(`weights[${i}]`, weights[i]?.length, list.length));
      return lists ?? problems.find((problem) => problem !== null) ?? null;
    }
    case 'evaluation-table': {
      const problems = result.rows.flatMap(({ metrics, classes }, i) => {
        const at = (name: string) => `rows[${i}].${name}`;
        const n = classes?.numClasses ?? 0;
        const lists = ['numSamples', 'recall', 'loss', 'precision'] as const;
        return [
          check(at('metrics'), metrics.length, result.metrics.length),
          check(at('classes.confusion'), classes?.confusion.length, n * n),
          ...lists.map((name) => check(at(`classes.${name}`), classes?.[name].length, n)),
        ];
      });
      return problems.find((problem) => problem !== null) ?? null;
    }
    case 'training-run': {
      const count = result.loss.length;
      const names = ['learningRate', 'accuracy', 'poisonLoss', 'gradientNorm', 'seconds'] as const;
      const problems = [
        ...names.map((name) => check(name, result[name]?.length, count)),
        ...result.evaluations.flatMap(({ loss, accuracy }, i) => [
          check(`evaluations[${i}].loss`, loss.length, count),
          check(`evaluations[${i}].accuracy`, accuracy?.length, count),
        ]),
      ];
      return problems.find((problem) => problem !== null) ?? null;
    }
    case 'track': {
      const problems = result.checkpoints.flatMap(({ problem, rows }, c) => [
        problem === null ? check(`checkpoints[${c}].rows`, rows.length, result.datasets.length) : null,
        ...rows.flatMap(({ curvature }, r) => {
          const density = curvature?.spectrum?.density;
          const at = `checkpoints[${c}].rows[${r}].curvature.spectrum.density.`;
          return density === null || density === undefined ? [] : [checkProbes(density, check, at)];
        }),
      ]);
      return problems.find((problem) => problem !== null) ?? null;
    }
    case 'hessian-analysis': {
      const parts = ['density', 'eigenpairs', 'trace'] as const;
      const problems = parts.map((name) => ({ name, problem: findLengthMismatch(result[name]) }));
      const found = problems.find(({ problem }) => problem !== null);
      return found === undefined ? null : `${found.name}: ${found.problem}`;
    }
    case 'surface-topology':
    case 'sharpness':
    case 'preset-trace':
    case 'trace':
    case 'frobenius-norm':
    case 'diagonal':
    case 'criteria-comparison':
    case 'operator-check':
      return null;
  }
}

type LengthCheck = (name: string, actual: number | undefined, expected: number) => string | null;

function checkProbes(
  { nodes, weights, residualBounds }: Pick<SpectralDensity, 'nodes' | 'weights' | 'residualBounds'>,
  check: LengthCheck,
  at = '',
): string | null {
  const lists =
    check(`${at}weights`, weights.length, nodes.length) ??
    check(`${at}residualBounds`, residualBounds.length, nodes.length);
  const problems = nodes.flatMap((list, i) => [
    check(`${at}weights[${i}]`, weights[i]?.length, list.length),
    check(`${at}residualBounds[${i}]`, residualBounds[i]?.length, list.length),
  ]);
  return lists ?? problems.find((problem) => problem !== null) ?? null;
}

function checkValues(result: LandscapeValues, count: number, check: LengthCheck): string | null {
  const metrics = Object.entries(result.metrics).map(([name, list]) => check(name, list.length, count));
  return (
    check('loss', result.loss.length, count) ??
    check('accuracy', result.accuracy?.length, count) ??
    check('gradientNorm', result.gradientNorm?.length, count) ??
    metrics.find((problem) => problem !== null) ??
    null
  );
}
