import type { Estimate, BracketedEstimate } from './estimate.js';
import type { AxisDescription } from './landscape.js';
import type { Provenance, Recipe, SourceFile } from './provenance.js';

/** What searches that started from random vectors took, at some points of a map. */
export interface ColdStarts {
  /** Where: places in the map's arrays. */
  readonly cells: Float64Array;
  readonly numProducts: Float64Array;
  /** Products of the searches of the map there, as a share of these. */
  readonly share: number;
}

/** How the eigenvalues of a map were searched for. */
export interface EigenvalueSearch {
  /** Of residuals, relative to the largest |λ|. */
  readonly tolerance: number;
  readonly seed: number;
  /** The larger residual of the two at each point. */
  readonly residuals: Float64Array;
  readonly numNotConverged: number;
  readonly totalProducts: number;
  /** Null where it was not asked for. */
  readonly cold: ColdStarts | null;
}

/**
 * The smallest and the largest eigenvalue of the Hessian at each point of a plane (Li et al. 2018, section 6);
 * value [j * x.length + i] belongs to (x[i], y[j]). A line has y = [0].
 */
export interface EigenvalueMap {
  readonly kind: 'eigenvalue-map';
  readonly formatVersion: 1;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly axes: readonly [AxisDescription, AxisDescription];
  readonly smallest: Float64Array;
  readonly largest: Float64Array;
  /** Hessian-vector products of each point; null where they were not counted. */
  readonly numProducts: Float64Array | null;
  readonly recipe: Recipe;
  /** Null of what was read from another program's file: `source` says which. */
  readonly provenance: Provenance | null;
  readonly source: SourceFile | null;
  /** Null of other programs' files, and of files of before it was there. */
  readonly search: EigenvalueSearch | null;
}

/** How large the basin of a minimum is, along random rays (Huang et al. 2019, arXiv 1906.03291). */
export interface BasinVolume {
  readonly kind: 'basin-volume';
  readonly formatVersion: 1;
  /** What leaves the basin: a loss above the cutoff, or an accuracy below it. */
  readonly quantity: 'loss' | 'accuracy';
  readonly cutoff: number;
  readonly modelLoss: number;
  readonly modelAccuracy: number | null;
  /** n: the parameters that rays move. */
  readonly dimension: number;
  /**
   * log of π^(n/2) / Γ(1 + n/2) · mean rⁿ, with the jackknife's standard error and Student's interval. With censored rays it
   * is a lower bound. Where the effective sample size is near 1 one ray makes up the volume, and the interval says little.
   */
  readonly logVolume: Estimate;
  readonly confidence: number;
  readonly medianRadius: number;
  /** (Σrⁿ)² / Σr²ⁿ of all rays. */
  readonly effectiveSampleSize: number;
  /** Rays that are inside as far as `maxRadius`; they count with it. */
  readonly numCensored: number;
  /** Euclidean along unit directions (`none`), else in units of the scaled directions. */
  readonly radii: Float64Array;
  /** What each radius lies between; `high` is Infinity where the ray is censored. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Of the loss, for each ray. */
  readonly numEvaluations: Float64Array;
  /** Relative width of the brackets. */
  readonly precision: number;
  readonly maxRadius: number;
  /** Of the rays. */
  readonly normalization: 'filter' | 'layer' | 'model' | 'weight' | 'none';
  readonly order: 1 | 2;
  readonly ignored: readonly ('bias' | 'norm')[];
  readonly frozen: readonly string[];
  readonly seed: number;
  readonly firstRay: number;
  readonly raysPerPass: number;
  readonly provenance: Provenance;
}

/** Of two basins that were measured alike, the second minus the first. */
export interface BasinDifference {
  readonly logVolume: Estimate;
  readonly medianRadiusRatio: number;
  /** One of them has censored rays, so that its volume is a lower bound. */
  readonly isBound: boolean;
}

/** Keskar et al. 2017 (arXiv 1609.04836), definition 2.1: the worst case in a box around the model. */
export interface KeskarSharpness {
  readonly epsilon: number;
  /** Dimensions of the random subspace; null: the full space. */
  readonly subspaceSize: number | null;
  /** 100·(maxLoss − L) / (1 + L): a lower bound, as far as the ascent came. */
  readonly value: number;
  readonly maxLoss: number;
  readonly numIterations: number;
  /** Losses; gradients are one an iteration. */
  readonly numEvaluations: number;
  /** No step along the gradient rises any more; else the iterations were up. */
  readonly isStationary: boolean;
}

/** Rise of the loss after one step of length ρ along the gradient. */
export interface AscentSharpness {
  readonly rho: number;
  readonly value: number;
}

/** Mean rise of the loss over random perturbations of length ρ, with Student's interval. */
export interface AverageSharpness extends Estimate {
  readonly rho: number;
  readonly samples: Float64Array;
}

/** Eigenvalues above and below a threshold. */
export interface EigenvalueCount {
  readonly threshold: number;
  /** Shares of the spectrum, and numbers of eigenvalues, by a spectral density; null without one. */
  readonly massAbove: BracketedEstimate | null;
  readonly massBelow: BracketedEstimate | null;
  readonly above: BracketedEstimate | null;
  readonly below: BracketedEstimate | null;
  /** Exactly, by eigenvalues that reach across the threshold, with n of a density on both sides; null where none do. */
  readonly knownAbove: number | null;
  readonly knownBelow: number | null;
}

/** How sharp a minimum is, in the worst case, along its gradient, on average, and by its eigenvalues. */
export interface Sharpness {
  readonly kind: 'sharpness';
  readonly formatVersion: 1;
  readonly modelLoss: number;
  readonly gradientNorm: number;
  readonly keskar: readonly KeskarSharpness[];
  /** Foret et al. 2021 (arXiv 2010.01412). */
  readonly sam: AscentSharpness;
  /** Kwon et al. 2021 (arXiv 2102.11600), with T = |θ|. */
  readonly asam: AscentSharpness;
  readonly average: AverageSharpness;
  /** Of perturbations ρTu, T = |θ|. */
  readonly adaptiveAverage: AverageSharpness;
  readonly counts: readonly EigenvalueCount[];
  readonly confidence: number;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** Samples on the plane of their two inputs; one entry each. */
export interface RegionSamples {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly label: Float64Array;
  readonly predicted: Float64Array;
}

/** What a classifier of two inputs answers over their plane. */
export interface DecisionRegions {
  readonly kind: 'decision-regions';
  readonly formatVersion: 1;
  /** Values of the two inputs, as the model gets them; ascending. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Names of the inputs. */
  readonly labels: readonly string[];
  readonly classNames: readonly string[];
  /** Class at (x[j], y[i]) at [i·x.length + j]; NaN where the outputs are not finite. */
  readonly predicted: Float64Array;
  /** Probability that the model gives to it. */
  readonly confidence: Float64Array;
  readonly numNotFinite: number;
  /** Samples of the data, evenly spaced where there are many. */
  readonly samples: RegionSamples;
  /** Over all of so many samples. */
  readonly numSamples: number;
  /** Of them those that get another class than their label. */
  readonly numWrong: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly provenance: Provenance;
}
