import type { Result, ResultKind } from '../io/result-format.js';
import { drawBarcode } from '../plot/barcode.js';
import { drawBasin } from '../plot/basin.js';
import { drawComparison } from '../plot/comparison.js';
import { drawDecisionRegions } from '../plot/decision-regions.js';
import { drawTraining } from '../plot/training.js';
import { drawWeightHistogram } from '../plot/weight-histogram.js';
import type {
  BasinVolume,
  CriteriaComparison,
  DecisionRegions,
  SurfaceTopology,
  TrainingRun,
  WeightHistogram,
} from '../results.js';
import { checkOptions, invalidOption } from '../validate.js';
import {
  drawResultChecks,
  frameOptions,
  pick,
  type Draw,
  type DrawResultOptions,
  type Figures,
} from './figure-options.js';
import { connectionFigures, connectionPlanes } from './connection-figures.js';
import type { FigureKind } from './figure-kinds.js';
import {
  atlasFigures,
  explosionFigures,
  lineFigures,
  mapFigures,
  surfaceFigures,
} from './landscape-figures.js';
import { trackFigures, trackFiguresOf } from './track-figures.js';
import {
  analysisFigures,
  eigenpairsFigures,
  estimateFigures,
  presetEigenpairsFigures,
  presetSpectrumFigures,
  spectrumFigures,
} from './spectrum-figures.js';

/** A figure, and what tells it from the others of its result. */
export interface NamedFigure {
  readonly name: FigureKind;
  readonly svg: string;
}

const topologyFigures: Figures<SurfaceTopology> = {
  barcode: (topology, options) => drawBarcode(topology, pick(options, [...frameOptions, 'scale'])),
};

const basinFigures: Figures<BasinVolume> = {
  basin: (basin, options) => drawBasin(basin, pick(options, frameOptions)),
};

const comparisonFigures: Figures<CriteriaComparison> = {
  criteria: (comparison, options) => drawComparison(comparison, pick(options, frameOptions)),
};

const regionFigures: Figures<DecisionRegions> = {
  regions: (regions, options) => drawDecisionRegions(regions, pick(options, frameOptions)),
};

const histogramFigures: Figures<WeightHistogram> = {
  histogram: (histogram, options) =>
    drawWeightHistogram(histogram, pick(options, [...frameOptions, 'scale'])),
};

const trainingFigures: Figures<TrainingRun> = {
  training: (run, options) => drawTraining(run, pick(options, [...frameOptions, 'scale'])),
};

/**
 * The figures of a result as SVG: of a surface `surface` and `contour`, on request `heat-map`; of a line `line`; of a topology `barcode`; of an
 * atlas `surface`, `contour` and, over seeds, `spread`; of a spectrum `density`, `log-density` and `criteria`; of
 * eigenpairs, traces and norms `table`, of an analysis those of its spectrum and eigenpairs; of a comparison `criteria`; of a training run `training`; of a track `accuracy`, `loss`,
 * `kh05`, `kh1`, `re`, `eigenvalues` and `trace`; of a basin `basin`, of decision regions `regions`, of weights `histogram`,
 * of value explosion `table`, `surface` and `contour`; of a connection `connection` and, where it has surfaces, `contour`. Empty for kinds that are tables of text alone.
 *
 *     for (const { name, svg } of drawResult(await loadJson('surface.json'))) await savePng(`${name}.png`, svg);
 *
 * Throws ERR_INVALID_OPTION where the result has no figure of an asked name, ERR_INVALID_DATA.
 */
export function drawResult(result: Result, options: DrawResultOptions = {}): readonly NamedFigure[] {
  checkOptions('drawResult', options, drawResultChecks);
  const figures = figuresOf(result);
  const known = Object.keys(figures) as FigureKind[];
  const { figures: names = known.filter((name) => !isExtra(result, name)) } = options;
  return names.map((name) => {
    const draw = figures[name];
    if (draw === undefined) {
      const expected = known.length === 0 ? 'empty' : `among ${known.join(', ')}`;
      throw invalidOption(`drawResult: option 'figures' of a ${result.kind}`, expected, name);
    }
    return { name, svg: draw(result, options) };
  });
}

/** Drawn only where it is asked for. */
function isExtra({ kind }: Result, name: FigureKind): boolean {
  return kind === 'eigenvalue-map' ? name === 'contour' : name === 'heat-map';
}

/** The figures that a result can have. */
export function figuresOf(result: Result): Partial<Record<FigureKind, Draw<Result>>> {
  if (result.kind === 'track') return trackFiguresOf(result) as Figures<Result>;
  if (result.kind === 'mode-connection' && connectionPlanes(result).length === 0) {
    const { contour: _, ...own } = figuresOfKind(result.kind);
    return own;
  }
  const { spread, ...others } = figuresOfKind(result.kind);
  const hasSpread = spread !== undefined && result.kind === 'landscape-atlas' && result.spread !== null;
  return hasSpread ? { ...others, spread } : others;
}

/** The figures that results of a kind can have. */
export function figuresOfKind(kind: ResultKind): Partial<Record<FigureKind, Draw<Result>>> {
  switch (kind) {
    case 'loss-line':
      return lineFigures as Figures<Result>;
    case 'loss-surface':
      return surfaceFigures as Figures<Result>;
    case 'landscape-atlas':
      return atlasFigures as Figures<Result>;
    case 'eigenvalue-map':
      return mapFigures as Figures<Result>;
    case 'surface-topology':
      return topologyFigures as Figures<Result>;
    case 'spectral-density':
      return spectrumFigures as Figures<Result>;
    case 'hessian-analysis':
      return analysisFigures as Figures<Result>;
    case 'preset-spectral-density':
      return presetSpectrumFigures as Figures<Result>;
    case 'eigenpairs':
      return eigenpairsFigures as Figures<Result>;
    case 'preset-eigenpairs':
      return presetEigenpairsFigures as Figures<Result>;
    case 'trace':
    case 'frobenius-norm':
      return estimateFigures as Figures<Result>;
    case 'criteria-comparison':
      return comparisonFigures as Figures<Result>;
    case 'basin-volume':
      return basinFigures as Figures<Result>;
    case 'decision-regions':
      return regionFigures as Figures<Result>;
    case 'weight-histogram':
      return histogramFigures as Figures<Result>;
    case 'explosion-table':
      return explosionFigures as Figures<Result>;
    case 'track':
      return trackFigures as Figures<Result>;
    case 'mode-connection':
      return connectionFigures as Figures<Result>;
    case 'training-run':
      return trainingFigures as Figures<Result>;
    default:
      return {};
  }
}
