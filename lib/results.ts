/**
 * Results are plain frozen objects of typed arrays, scalars and strings. They hold raw values as computed;
 * capping, log scale and smoothing happen when they are drawn.
 */

export type Mode = 'eval' | 'train' | 'recalibrate';

/** Everything that is needed to repeat a result. */
export interface Provenance {
  readonly model: string;
  /** SHA-256 of the model's file, hexadecimal. */
  readonly modelHash: string;
  readonly data: string;
  /** SHA-256 of inputs and targets as they were used, hexadecimal. */
  readonly dataHash: string;
  readonly numSamples: number;
  readonly numBatches: number;
  readonly numParameters: number;
  /** What was done to the inputs, for example `scale 0.0625`; empty for nothing. */
  readonly preprocessing: string;
  readonly criterion: string;
  readonly options: {
    readonly batchSize: number;
    readonly labelSmoothing: number;
    readonly ignoreIndex: number;
    readonly delta: number;
    /** Of dropout. */
    readonly seed: number;
    /** Which of the model's outputs; empty for the first. */
    readonly output: string;
    readonly metrics: readonly string[];
  };
  /** Where: `model` (its own parameters), `given vector`, or the label of a solution. */
  readonly point: string;
  /** The matrix of a spectral result in words, for example `Hessian of layer4.*`; null for others. */
  readonly operator: string | null;
  /** How its products were divided, for example `graphs of 64 samples, 2 at a time`; null where nobody said. */
  readonly plan: string | null;
  readonly mode: Mode;
  /** What the model computed in; points have at least float32. */
  readonly dtype: 'float32' | 'float64' | 'bfloat16' | 'float16';
  readonly device: string;
  readonly numThreads: number;
  readonly versions: { readonly lossatlas: string; readonly libtorch: string; readonly node: string };
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationSeconds: number;
}

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

/** Whose recipe was followed, and what about it is peculiar. */
export interface Recipe {
  /** `unknown` of another program's file. */
  readonly name: 'lossatlas' | 'li2018' | 'lla' | 'loss-landscapes' | 'pyhessian' | 'unknown';
  readonly notes: readonly string[];
}

/** A solution and where it lies on a line or plane. */
export interface MarkedSolution {
  readonly label: string;
  readonly coordinates: Float64Array;
}

/** Another program's file that a result was read from. What it does not say is unknown. */
export interface SourceFile {
  /** Its name, without folders. */
  readonly file: string;
  /** Whose layout it has. */
  readonly layout: 'tomgoldstein/loss-landscape';
  /** Name of the values in the file, for example `train_loss`. */
  readonly values: string;
  /** Points that it marks as not computed; they are NaN here. */
  readonly numMissing: number;
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

/** A minimum of a surface, and how deep its basin is: until it joins that of a lower one. */
export interface SurfaceBranch {
  readonly x: number;
  readonly y: number;
  readonly loss: number;
  /** The saddle at which the basins join, and its loss; NaN and Infinity where they never do. */
  readonly saddleX: number;
  readonly saddleY: number;
  readonly saddleLoss: number;
  /** saddleLoss − loss. */
  readonly persistence: number;
  /** The branch that it joins, by its place in the list; −1: none. */
  readonly parent: number;
  /** Points in its basin when it joins, as a share of all. */
  readonly share: number;
  /** The minimum lies at the edge of the grid: outside it the loss may fall further. */
  readonly isAtEdge: boolean;
}

/** A maximum with a ring of lower points around it, or a hole of points that are not finite. */
export interface SurfaceLoop {
  /** The loss at which the ring closes, and where. */
  readonly birth: number;
  readonly x: number;
  readonly y: number;
  /** The loss at which it is filled: of the maximum; Infinity where the hole is not finite. */
  readonly death: number;
  readonly maximumX: number;
  readonly maximumY: number;
  readonly persistence: number;
}

/**
 * Persistent homology of the sublevel sets of a surface, point by point: points touch over edges and corners, what is above
 * them over edges alone (the cubical complex of top-dimensional cells). No set holds points that are not finite.
 */
export interface SurfaceTopology {
  readonly kind: 'surface-topology';
  readonly formatVersion: 1;
  /** Components (degree 0) in the order of their minima, the lowest first; those of less persistence are left out. */
  readonly branches: readonly SurfaceBranch[];
  /** Degree 1, the most persistent first. */
  readonly loops: readonly SurfaceLoop[];
  /** Persistence below which nothing is listed. */
  readonly minPersistence: number;
  /** Of the listed and of those that are not. */
  readonly numMinima: number;
  readonly numLoops: number;
  /**
   * Saddle–minimum average distance (Landscaper, Xie et al. 2025): mean over the listed minima of the loss at the first
   * saddle of their basin minus their own; 0 where there is a single minimum. The second is divided by the range of losses.
   */
  readonly smad: number;
  readonly normalizedSmad: number;
  /** Of the finite losses. */
  readonly low: number;
  readonly high: number;
  readonly numPoints: number;
  readonly numNotFinite: number;
  /** Of the surface. */
  readonly axes: readonly [AxisDescription, AxisDescription];
  readonly provenance: Provenance | null;
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
  /** Exactly, by eigenvalues that reach across the threshold; null where none do. */
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

/** Whether an operator is what spectral methods take it for. */
export interface OperatorCheck {
  readonly kind: 'operator-check';
  readonly formatVersion: 1;
  /** ‖A − Aᵀ‖_F / ‖A‖_F, estimated from pairs of random vectors. */
  readonly asymmetry: number;
  /** The largest ‖Av − A'v‖ / ‖Av‖ where A' is made by running the model anew. */
  readonly variation: number;
  /** What both may be by rounding. */
  readonly tolerance: number;
  readonly isSymmetric: boolean;
  readonly isRepeatable: boolean;
  /** Of Hessians: vᵀHv and the central difference of gᵀv with this step, for a random unit v; null for others. */
  readonly curvature: {
    readonly quadraticForm: number;
    readonly difference: number;
    readonly step: number;
    readonly agrees: boolean;
  } | null;
  /** Symmetric and repeatable. A central difference that disagrees is a note: kinks make it so. */
  readonly ok: boolean;
  /** What was found, in words: what depends on the mode, and what is wrong. */
  readonly notes: readonly string[];
  readonly provenance: Provenance;
}

/** A value with its two-sided confidence interval (95 % unless the result says otherwise). */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
}

export interface Eigenpairs {
  readonly kind: 'eigenpairs';
  readonly formatVersion: 1;
  readonly which: 'largest-magnitude' | 'largest' | 'smallest' | 'both-ends';
  readonly values: Float64Array;
  /** ‖H v − λ v‖₂ of the returned unit vectors. */
  readonly residuals: Float64Array;
  /** Per pair: residual ≤ tolerance · max |λ|. */
  readonly converged: readonly boolean[];
  readonly allConverged: boolean;
  readonly tolerance: number;
  readonly numProducts: number;
  readonly numRestarts: number;
  /** Vectors that the Krylov basis could hold, and the bytes that they would take. */
  readonly basisSize: number;
  readonly basisBytes: number;
  readonly seed: number;
  readonly provenance: Provenance;
}

export type TraceMethod = 'hutchinson' | 'hutch++' | 'xtrace' | 'deflated' | 'gradient';

/** The trace of one parameter tensor's diagonal block; all of them add up to the trace. */
export interface ParameterTrace extends Estimate {
  readonly name: string;
}

export interface TraceEstimate extends Estimate {
  readonly kind: 'trace';
  readonly formatVersion: 1;
  readonly method: TraceMethod;
  /** One estimate of the whole trace from each probe; their mean is the value. Empty where it was computed exactly. */
  readonly samples: Float64Array;
  /** In the order of the operator's parameters, from the same probes. */
  readonly perParameter: readonly ParameterTrace[];
  /** √(mean ‖Hv‖²), by `hutchinson` alone. */
  readonly frobeniusNorm: number | null;
  /** Products with the operator; for `gradient` backward passes over the whole data. */
  readonly numProducts: number;
  /** The standard error is the share of |trace| that was asked for, or less. */
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** ‖A‖_F = √ΣA_ij². */
export interface FrobeniusNormEstimate extends Estimate {
  readonly kind: 'frobenius-norm';
  readonly formatVersion: 1;
  /** ‖Av‖² of each probe. */
  readonly samples: Float64Array;
  readonly numProducts: number;
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** The diagonal of a matrix, in numbers about its vectors. */
export interface DiagonalEstimate {
  readonly kind: 'diagonal';
  readonly formatVersion: 1;
  /** Sum of the entries. */
  readonly trace: number;
  /** ‖diagonal‖₂. */
  readonly norm: number;
  /** ‖standard errors‖₂ / ‖diagonal‖₂. */
  readonly relativeError: number;
  readonly numProducts: number;
  /** False where a `relativeError` was asked for and not reached. */
  readonly converged: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** An estimate, and what its Lanczos steps certify of it. */
export interface BracketedEstimate extends Estimate {
  /**
   * Where the value lies for these very probes, whatever the spectrum between the Ritz values (Chebyshev, Markov and
   * Stieltjes; the spectrum is taken to end at the outermost Ritz values and their residual bounds). More steps narrow
   * it, more probes do not.
   */
  readonly bracket: { readonly low: number; readonly high: number };
  /** False where the bracket is wider than the interval, and than 1 % of the value: the steps do not determine it. */
  readonly determined: boolean;
}

/** KHn (Gabdullin 2024, arXiv 2412.10146, section 3.3) in three figures. */
export interface KhCriterion extends Estimate {
  // The value itself is LLA's: the mean over probes of Σ_{λ<0} (|λ|w)ⁿ / Σ_{λ>0} (λw)ⁿ. It depends on the number of
  // steps and compares only at equal settings.
  readonly n: number;
  /** Σ_{λ<0} |λ|ⁿw / Σ_{λ>0} λⁿw, sums over probes: of the spectrum itself, as far as the steps determine it. */
  readonly ratio: BracketedEstimate;
  /** The same over |λ| ≥ tailThreshold·max|λ|, which Lanczos resolves. */
  readonly tail: BracketedEstimate;
}

/** What the values of criteria depend on besides the matrix. */
export interface CriteriaSettings {
  readonly steps: number;
  readonly probes: number;
  /** Batches whose criteria were averaged; 1 for a single matrix. */
  readonly batches: number;
  readonly confidence: number;
  readonly tailThreshold: number;
}

/**
 * Criteria of Gabdullin 2024 (arXiv 2412.10146, section 3.3) with confidence intervals over probes, and over batches
 * where several were averaged.
 */
export interface Criteria {
  /** mean over probes of |λ_min / λ_max|; the bracket, which the interval includes, from both ends' residual bounds. */
  readonly re: BracketedEstimate;
  readonly kh05: KhCriterion;
  readonly kh1: KhCriterion;
  /** Σ_{λ<0} w. */
  readonly negativeMass: BracketedEstimate;
  /** Σ_{λ<0} |λ|w / Σ |λ|w. */
  readonly negativeCurvatureShare: BracketedEstimate;
  /** Σ w over |λ| < tailThreshold·max|λ|. */
  readonly nearZeroMass: BracketedEstimate;
  readonly settings: CriteriaSettings;
}

interface PresetResult {
  readonly formatVersion: 1;
  readonly numProducts: number;
  /** Null where all start vectors were given. */
  readonly seed: number | null;
  readonly recipe: Recipe;
  readonly provenance: Provenance;
}

/** What deflated power iteration finds, as LLA and PyHessian run it. */
export interface PresetEigenpairs extends PresetResult {
  readonly kind: 'preset-eigenpairs';
  /** In the order found. */
  readonly values: Float64Array;
  /** Products that each took. */
  readonly numIterations: Float64Array;
  /** Per pair: the stop rule was met. That says nothing about the residual. */
  readonly stopped: readonly boolean[];
  readonly tolerance: number;
}

/** What Hutchinson's estimator gives when it stops on its running mean. */
export interface PresetTrace extends PresetResult {
  readonly kind: 'preset-trace';
  /** Mean of the samples. */
  readonly value: number;
  /** vᵀAv of each probe. */
  readonly samples: Float64Array;
  /** The stop rule was met. That says nothing about the error. */
  readonly stopped: boolean;
  readonly tolerance: number;
}

/** LLA's criteria: means over probes (Gabdullin 2024, arXiv 2412.10146, section 3.3). */
export interface LlaCriteria {
  readonly re: number;
  readonly kh05: number;
  readonly kh1: number;
}

/** Stochastic Lanczos quadrature as LLA and PyHessian run it, with T of every probe. */
export interface PresetSpectralDensity extends PresetResult {
  readonly kind: 'preset-spectral-density';
  /** Number of parameters n. */
  readonly size: number;
  readonly steps: number;
  readonly probes: number;
  /** LLA's max_v: each new vector is made orthogonal to this many and one more before it; null: to all. */
  readonly window: number | null;
  /** Diagonal (steps) and off-diagonal (steps − 1) of T of each probe. */
  readonly alpha: readonly Float64Array[];
  readonly beta: readonly Float64Array[];
  /** Eigenvalues of T, ascending, and the squared first entries of its eigenvectors. */
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  /** Of LLA; null for PyHessian, which has none. */
  readonly criteria: LlaCriteria | null;
}

/** Later minus earlier, at equal settings; intervals by Welch's t. */
export interface CriteriaDifference {
  readonly re: Estimate;
  readonly kh05: Estimate;
  readonly kh1: Estimate;
}

/** What changes from one data set to another, same model and mode. */
export interface CriteriaChange extends CriteriaDifference {
  /** Name of the data set that it is a change from. */
  readonly from: string;
  readonly loss: number;
  readonly accuracy: number | null;
  /**
   * Gabdullin 2024, section 4: KH05 rises when accuracy falls (its exception: ViT). `undecided` where the interval of
   * the change of KH05 holds 0, or accuracy stays.
   */
  readonly paperReading: 'agrees' | 'disagrees' | 'undecided';
}

/** One model on one data set in one mode. */
export interface CriteriaRow {
  readonly model: string;
  readonly data: string;
  readonly mode: Mode;
  /** SHA-256 of parameters and buffers where a solution was given; null for the model's own. */
  readonly pointHash: string | null;
  /** Over the whole data set. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** Averages over random batches. */
  readonly criteria: Criteria;
  /** Against the first data set; null for that one. */
  readonly change: CriteriaChange | null;
  readonly numProducts: number;
  readonly provenance: Provenance;
}

/** Criteria of models on data sets at equal settings, in the order models, modes, data sets. */
export interface CriteriaComparison {
  readonly kind: 'criteria-comparison';
  readonly formatVersion: 1;
  readonly batchSize: number;
  readonly seed: number;
  readonly rows: readonly CriteriaRow[];
}

/** What became of each class of a data set of class indices. */
export interface ClassFigures {
  readonly numClasses: number;
  /** How often label i was taken for class j, at [i·numClasses + j]. */
  readonly confusion: Float64Array;
  /** Of each label; NaN where the data has no such sample. */
  readonly numSamples: Float64Array;
  readonly recall: Float64Array;
  readonly loss: Float64Array;
  /** Of each predicted class; NaN where none was predicted. */
  readonly precision: Float64Array;
}

/** One checkpoint on one data set. */
export interface EvaluationRow {
  readonly checkpoint: string;
  /** SHA-256 of the file, or of parameters and buffers where a solution was given. */
  readonly checkpointHash: string;
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  /** NaN where there is a problem. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** Named as in `EvaluationTable.metrics`, in its order. */
  readonly metrics: Float64Array;
  readonly classes: ClassFigures | null;
  /** Of the evaluation, reading of the weights apart. */
  readonly seconds: number;
  /** Why there are no figures: the checkpoint's error, as `code: message`; null where all is well. */
  readonly problem: string | null;
}

/** Checkpoints times data sets, in the order checkpoint by checkpoint. */
export interface EvaluationTable {
  readonly kind: 'evaluation-table';
  readonly formatVersion: 1;
  readonly metrics: readonly string[];
  readonly rows: readonly EvaluationRow[];
  /** Of the rows that were computed in this run, reading of the weights included; NaN where none was. */
  readonly samplesPerSecond: number;
  /** Of the first data set. */
  readonly provenance: Provenance;
}

/** An optimizer with every option that PyTorch has for it; those of another kind are null. */
export interface TrainingOptimizer {
  readonly name: 'sgd' | 'adam' | 'adamw';
  readonly lr: number;
  readonly weightDecay: number;
  readonly momentum: number | null;
  readonly dampening: number | null;
  readonly nesterov: boolean;
  readonly beta1: number | null;
  readonly beta2: number | null;
  readonly eps: number | null;
  readonly amsgrad: boolean;
}

/** How the learning rate of an epoch follows from the optimizer's. */
export interface TrainingSchedule {
  readonly name: 'constant' | 'step' | 'cosine';
  readonly stepSize: number | null;
  readonly gamma: number | null;
  readonly epochs: number | null;
  readonly minimum: number | null;
}

/** Labels that were to be avoided (Huang et al. 2019, arXiv 1906.03291). */
export interface TrainingPoison {
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  readonly batchSize: number;
  /** β */
  readonly weight: number;
}

/** A data set at the end of each epoch, in eval mode. */
export interface TrainingEvaluation {
  readonly data: string;
  readonly dataHash: string;
  readonly numSamples: number;
  readonly loss: Float64Array;
  /** Null where the criterion has no accuracy. */
  readonly accuracy: Float64Array | null;
}

/** What training did, epoch by epoch; entry i belongs to epoch i + 1. An epoch in which it diverged is not there. */
export interface TrainingRun {
  readonly kind: 'training-run';
  readonly formatVersion: 1;
  readonly optimizer: TrainingOptimizer;
  readonly schedule: TrainingSchedule;
  readonly batchSize: number;
  /** Largest norm of a gradient; null: they were not clipped. */
  readonly clipNorm: number | null;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  /** Names of the parameters that stayed as they were. */
  readonly frozen: readonly string[];
  readonly poison: TrainingPoison | null;
  readonly learningRate: Float64Array;
  /** Of the training samples as they came, each before its step, in train mode. */
  readonly loss: Float64Array;
  readonly accuracy: Float64Array | null;
  /** Mean of −log(1 − p) of the labels to avoid; null where there were none. */
  readonly poisonLoss: Float64Array | null;
  /** Mean over the steps of ‖∇‖₂, before clipping. */
  readonly gradientNorm: Float64Array;
  readonly seconds: Float64Array;
  readonly evaluations: readonly TrainingEvaluation[];
  /** Steps of these epochs. */
  readonly numSteps: number;
  /** The step (from 1) whose loss or gradient was not finite; null where all were. */
  readonly divergedAt: number | null;
  /** Files of weights and optimizer, oldest first; the last is the last good one. */
  readonly checkpoints: readonly string[];
  readonly provenance: Provenance;
}

/** Of which type a spectrum is, by a rule of our own, and what it was decided by. */
export interface HessianType {
  readonly type: 'mainly-positive' | 'mainly-negative' | 'near-singular' | 'undecided';
  /** Whose rule. */
  readonly rule: 'lossatlas';
  readonly reason: string;
  /** The outermost Ritz values of all probes, with their residual bounds. */
  readonly lowest: number;
  readonly highest: number;
  readonly flatBelow: number;
  readonly re: BracketedEstimate;
  readonly negativeCurvatureShare: BracketedEstimate;
  readonly negativeMass: BracketedEstimate;
  readonly nearZeroMass: BracketedEstimate;
}

/** Raw nodes and weights of stochastic Lanczos quadrature; a density is a rendering of them. */
export interface SpectralDensity {
  readonly kind: 'spectral-density';
  readonly formatVersion: 1;
  /** Number of parameters n. */
  readonly size: number;
  readonly steps: number;
  readonly probes: number;
  readonly seed: number;
  /** Number of the first probe in the seed's sequence. */
  readonly firstProbe: number;
  /** Probes that ran side by side: whether they share products decides the last bits. */
  readonly probesPerPass: number;
  /** nodes[p] ascending Ritz values of probe p, weights[p] their masses (sum 1). */
  readonly nodes: readonly Float64Array[];
  readonly weights: readonly Float64Array[];
  /** residualBounds[p]: ‖Hy − λy‖ of each node's Ritz vector; all 0 where the probe ended in an invariant subspace. */
  readonly residualBounds: readonly Float64Array[];
  readonly trace: Estimate;
  readonly criteria: Criteria;
  readonly numProducts: number;
  readonly provenance: Provenance;
}

/** Spectral density, eigenpairs and trace of one matrix, from the same products. */
export interface HessianAnalysis {
  readonly kind: 'hessian-analysis';
  readonly formatVersion: 1;
  readonly density: SpectralDensity;
  /** Its `numProducts` are those beyond the density's. */
  readonly eigenpairs: Eigenpairs;
  /** Its `numProducts` are those beyond the density's and the eigenpairs'. */
  readonly trace: TraceEstimate;
  /** Of all three. */
  readonly numProducts: number;
  readonly seed: number;
  readonly provenance: Provenance;
}
