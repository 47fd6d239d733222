import type { Mode, Provenance, Recipe, SourceFile } from './provenance.js';

/** How one axis of a landscape was made. */
export interface AxisDescription {
  /** Short text for axis labels, for example `filter-normalised Gaussian direction`. */
  readonly label: string;
  readonly kind:
    | 'gaussian'
    | 'uniform'
    | 'rademacher'
    | 'hessian-eigenvector'
    | 'gradient'
    | 'difference'
    | 'adam-moment'
    | 'principal-component'
    | 'custom'
    // Of another program's file: only the label is known, if that. The rest is null, NaN or empty.
    | 'unknown';
  readonly seed: number | null;
  readonly eigenvalue: number | null;
  readonly normalization: 'filter' | 'layer' | 'model' | 'weight' | 'none' | 'unknown';
  /** Null where it is unknown. */
  readonly order: 1 | 2 | null;
  /** Parameter roles whose entries of the direction are zero. */
  readonly ignored: readonly ('bias' | 'norm')[];
  /** Names of further parameters whose entries are zero. */
  readonly frozen: readonly string[];
  /** Groups (filters, tensors) that were zero in the direction or in the model and stay zero. */
  readonly numZeroGroups: number;
  /** ‖d‖₂ and ‖d‖₂ / ‖θ*‖₂ after normalisation. */
  readonly norm: number;
  readonly relativeNorm: number;
}

/** d ᵀHd of one axis, two ways. They agree where the loss is smooth on the scale of `step`. */
export interface CurvatureCheck {
  /** (L(h) − 2 L(0) + L(−h)) / h² along the axis. */
  readonly secondDifference: number;
  /** dᵀHd by a Hessian-vector product. */
  readonly quadraticForm: number;
  /** h, in units of the axis. */
  readonly step: number;
}

export interface SelfChecks {
  /** |loss at the centre cell − loss of the model itself|; null if no cell is the centre. */
  readonly centerDifference: number | null;
  /** Cosine of the two directions; null for a line. */
  readonly cosine: number | null;
  readonly numNonFinite: number;
  readonly shareNonFinite: number;
  /** One an axis if it was asked for, else empty. */
  readonly curvature: readonly CurvatureCheck[];
}

/** Value explosion (Gabdullin 2024, arXiv 2412.10146, section 2.3 and Table 1). */
export interface Explosion {
  /** max finite loss / loss of the model. */
  readonly maxToCenterRatio: number;
  /** What counts as exploded; by default 100 times the model's loss, or 100 if a log-likelihood is below 1. */
  readonly cap: number;
  /** Of all points, non-finite ones among them. */
  readonly shareAboveCap: number;
  /** `grows`: beyond a tenth of the cap and nowhere beyond it. */
  readonly verdict: 'none' | 'grows' | 'explodes';
  /** The same in words. */
  readonly text: string;
}

/** A solution and where it lies on a line or plane. */
export interface MarkedSolution {
  readonly label: string;
  readonly coordinates: Float64Array;
}

/** What lines and surfaces record of every point. */
/** Products of the forward pass in less than the model's own type, and what that did to the losses. */
export interface PrecisionNote {
  /** `bf16`: products in bfloat16, as PyTorch's autocast does it; `tf32`: products of float32 on a GPU with 10 bits. */
  readonly kind: 'bf16' | 'tf32';
  /** Largest |L̃ − L| / |L| over the points that were computed both ways; NaN where none of them is finite. */
  readonly lossError: number;
  readonly numCompared: number;
}

export interface LandscapeValues {
  /** NaN and infinities are kept. */
  readonly loss: Float64Array;
  /** Share of right answers in [0, 1]; null where the criterion has no accuracy. */
  readonly accuracy: Float64Array | null;
  /** Means over samples, by the metric's name. */
  readonly metrics: Readonly<Record<string, Float64Array>>;
  /** ‖∇L‖₂ if it was asked for. */
  readonly gradientNorm: Float64Array | null;
  /** Of the model itself; of another program's file that of its point 0, null where it has none. */
  readonly modelLoss: number | null;
  readonly modelAccuracy: number | null;
  readonly solutions: readonly MarkedSolution[];
  /** Null where the model's loss is not known. */
  readonly explosion: Explosion | null;
  readonly checks: SelfChecks;
  /** Null where nothing was computed in less than the model's own type. */
  readonly precision: PrecisionNote | null;
  readonly recipe: Recipe;
  /** Null of what was read from another program's file: `source` says which. */
  readonly provenance: Provenance | null;
  /** Null of what lossatlas computed. */
  readonly source: SourceFile | null;
}

/** A landscape that lossatlas computed: what may be unknown of another program's file is known. */
export type Computed<T extends LandscapeValues> = T & {
  readonly modelLoss: number;
  readonly explosion: Explosion;
  readonly provenance: Provenance;
  readonly source: null;
};

/** Loss and what goes with it along θ* + t·d, at `coordinates`. */
export interface LossLine extends LandscapeValues {
  readonly kind: 'loss-line';
  readonly formatVersion: 2;
  readonly coordinates: Float64Array;
  readonly axis: AxisDescription;
}

/** Loss and what goes with it on a plane; value [j * x.length + i] belongs to (x[i], y[j]). */
export interface LossSurface extends LandscapeValues {
  readonly kind: 'loss-surface';
  readonly formatVersion: 2;
  /** `add`: θ* + x·d1 + y·d2. `adam`: θ* + (x/√y)·m1/(√m2 + ε) (LLA's adameq). */
  readonly update: 'add' | 'adam';
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly axes: readonly [AxisDescription, AxisDescription];
}

/** Point by point over the surfaces of an atlas; the standard deviation is that of the sample (n − 1). */
export interface SurfaceSpread {
  readonly mean: Float64Array;
  readonly standardDeviation: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** Surfaces that belong together: planes of several seeds, or one model along several axes. */
export interface LandscapeAtlas {
  readonly kind: 'landscape-atlas';
  readonly formatVersion: 2;
  readonly titles: readonly string[];
  readonly surfaces: readonly LossSurface[];
  /** Null unless the surfaces differ in nothing but the seed. */
  readonly spread: SurfaceSpread | null;
}

/** A training path seen on a plane (Li et al. 2018, section 7). */
export interface Trajectory {
  readonly kind: 'trajectory';
  readonly formatVersion: 1;
  readonly labels: readonly string[];
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Euclidean distance of each solution from the plane: what its projection hides. */
  readonly distance: Float64Array;
  /** Loss of the solution itself, and of its projection on the plane. */
  readonly loss: Float64Array;
  readonly projectedLoss: Float64Array;
  readonly accuracy: Float64Array | null;
  /** Share of the path's variance along either axis; null unless the plane is of its principal components. */
  readonly explainedVariance: Float64Array | null;
  readonly provenance: Provenance;
}

/** One surface of a table of value explosion. */
export interface ExplosionRow {
  readonly mode: Mode;
  /** `hessian`: the eigenvectors of the two largest eigenvalues. */
  readonly axes: 'random' | 'hessian';
  readonly normalization: 'weight' | 'filter' | 'layer' | 'model';
  /** With its verdict in `explosion`. */
  readonly surface: LossSurface;
  /** Whether both eigenvectors converged; random axes need no search. */
  readonly axesConverged: boolean;
}

/** Value explosion by mode, axes and normalisation (Gabdullin 2024, arXiv 2412.10146, Table 1). */
export interface ExplosionTable {
  readonly kind: 'explosion-table';
  readonly formatVersion: 1;
  readonly rows: readonly ExplosionRow[];
}
