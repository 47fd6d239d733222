import { expect } from 'chai';
import type { figureOptions } from '../../dist/cli/options/output-options.js';
import type {
  atlasOptions,
  explosionOptions,
  gridOptions,
  interpolateOptions,
  modesOptions,
  normalizationOptions,
  planeAxisOptions,
  randomOptions,
  recipeOptions,
  searchOptions,
  sweepOptions,
} from '../../dist/cli/options/landscape-options.js';
import type {
  basinOptions,
  connectOptions,
  connectTrainingOptions,
  convexityOptions,
  histogramOptions,
  regionsOptions,
  sharpnessOptions,
} from '../../dist/cli/options/geometry-options.js';
import type { evaluateOptions, topologyOptions } from '../../dist/cli/options/output-options.js';
import type {
  dataOptions,
  modelOptions,
  objectiveOptions,
  solutionOptions,
} from '../../dist/cli/options/setting-options.js';
import type {
  analyseOptions,
  compareLossOptions,
  compareOptions,
  eigenpairsOptions,
  hessianOptions,
  matrixOptions,
  spectrumCommandOptions,
  spectrumOptions,
  traceOptions,
} from '../../dist/cli/options/spectrum-options.js';
import type {
  followOptions,
  trackCommandOptions,
  trackLossOptions,
  trackOptions,
} from '../../dist/cli/options/track-options.js';
import type {
  optimizerOptions,
  poisonOptions,
  scheduleOptions,
  trainingOptions,
  trainLossOptions,
} from '../../dist/cli/options/training-options.js';
import type {
  AdamPlaneOptions,
  AllModesOptions,
  AnalyseHessianOptions,
  AtlasOptions,
  BasinVolumeOptions,
  CompareCriteriaOptions,
  ConnectModesOptions,
  ConvexityMapOptions,
  DecisionRegionsOptions,
  ExplosionTableOptions,
  WeightHistogramOptions,
  CurvatureOptions,
  DiagonalOptions,
  DrawResultOptions,
  EigenpairsOptions,
  EvaluateCheckpointsOptions,
  FollowOptions,
  FrobeniusNormOptions,
  HessianPlaneOptions,
  InterpolateOptions,
  Li2018SurfaceOptions,
  LlaSpectralDensityOptions,
  LlaSurfaceOptions,
  LoadDatasetOptions,
  LoadModelOptions,
  LoadSolutionOptions,
  LossLandscapesSurfaceOptions,
  LossLineOptions,
  LossSurfaceOptions,
  MonteCarloFisherOptions,
  ObjectiveOptions,
  OptimizerOptions,
  PoisonOptions,
  PresetEigenpairsOptions,
  PresetTraceOptions,
  RandomPlaneOptions,
  SharpnessOptions,
  RecordProductsOptions,
  ScheduleOptions,
  SpectralDensityOptions,
  SurfaceTopologyOptions,
  TraceOptions,
  TrackOptions,
  TrainOptions,
} from '../../dist/index.js';

type Keys<T> = T extends unknown ? keyof T : never;
/** What every command sets itself: progress, Ctrl-C, and `--weights`. */
type Common = 'signal' | 'onProgress' | 'at';
/** `true`, or else the options that the command line lacks. */
type Covers<Options, Tables, Else = never> = [Exclude<keyof Options, Keys<Tables> | Common | Else>] extends [
  never,
]
  ? true
  : Exclude<keyof Options, Keys<Tables> | Common | Else>;

type Sweep = typeof sweepOptions;
type Grid = typeof gridOptions;
type Directions = typeof normalizationOptions | typeof randomOptions | typeof planeAxisOptions;
type Eigenpairs = typeof eigenpairsOptions | typeof hessianOptions | typeof matrixOptions;

/** An option of the library without one of the command line does not compile here. */
const covered: readonly true[] = [
  true satisfies Covers<LoadModelOptions, typeof modelOptions>,
  // The label is the file's name.
  true satisfies Covers<LoadSolutionOptions, typeof solutionOptions, 'label'>,
  true satisfies Covers<LoadDatasetOptions, typeof dataOptions>,
  // --dropout-seed.
  true satisfies Covers<ObjectiveOptions, typeof objectiveOptions, 'seed'>,
  true satisfies Covers<LossLineOptions, Sweep>,
  true satisfies Covers<LossSurfaceOptions, Grid>,
  true satisfies Covers<InterpolateOptions, Sweep | typeof interpolateOptions>,
  true satisfies Covers<RandomPlaneOptions, Directions>,
  // Vectors come from results, not from files.
  true satisfies Covers<HessianPlaneOptions, Directions | typeof searchOptions, 'start'>,
  true satisfies Covers<AdamPlaneOptions, Directions>,
  true satisfies Covers<AtlasOptions, Grid | Directions | typeof atlasOptions>,
  true satisfies Covers<AllModesOptions, Grid | typeof modesOptions | typeof randomOptions>,
  // --axes chooses them; the recipes draw their own.
  true satisfies Covers<Li2018SurfaceOptions, Grid | Directions | typeof recipeOptions>,
  true satisfies Covers<LlaSurfaceOptions, Grid | Directions | typeof recipeOptions>,
  true satisfies Covers<LossLandscapesSurfaceOptions, Grid | Directions | typeof recipeOptions>,
  // --resume-bytes.
  true satisfies Covers<RecordProductsOptions, typeof hessianOptions, 'maxBytes'>,
  // --block.
  true satisfies Covers<CurvatureOptions, typeof matrixOptions, 'parameters'>,
  true satisfies Covers<MonteCarloFisherOptions, Eigenpairs, 'parameters' | 'samples'>,
  true satisfies Covers<EigenpairsOptions, Eigenpairs, 'start' | 'keepBasis'>,
  true satisfies Covers<TraceOptions, typeof traceOptions | Eigenpairs, 'basis'>,
  true satisfies Covers<FrobeniusNormOptions, typeof traceOptions | Eigenpairs>,
  // --max-probes.
  true satisfies Covers<DiagonalOptions, typeof traceOptions | Eigenpairs, 'probes'>,
  true satisfies Covers<PresetEigenpairsOptions, Eigenpairs, 'start'>,
  true satisfies Covers<PresetTraceOptions, typeof traceOptions | Eigenpairs, 'start'>,
  true satisfies Covers<AnalyseHessianOptions, typeof analyseOptions | typeof matrixOptions>,
  true satisfies Covers<SpectralDensityOptions, typeof spectrumOptions | typeof matrixOptions>,
  true satisfies Covers<
    LlaSpectralDensityOptions,
    typeof spectrumOptions | typeof spectrumCommandOptions,
    'start'
  >,
  true satisfies Covers<
    CompareCriteriaOptions,
    typeof compareOptions | typeof compareLossOptions,
    'onRow' | 'known'
  >,
  true satisfies Covers<
    EvaluateCheckpointsOptions,
    typeof evaluateOptions | typeof objectiveOptions | typeof solutionOptions,
    'onRow' | 'seed'
  >,
  // --test, --optimizer and its kin, --out and --every, --weights.
  true satisfies Covers<
    TrackOptions,
    typeof trackOptions | typeof trackLossOptions | typeof solutionOptions | typeof trackCommandOptions,
    // Each is said as it comes.
    'onCheckpoint'
  >,
  true satisfies Covers<FollowOptions, typeof followOptions>,
  true satisfies Covers<
    TrainOptions,
    typeof trainingOptions | typeof trainLossOptions | typeof poisonOptions | typeof scheduleOptions,
    'evaluateOn' | 'optimizer' | 'checkpoints' | 'from' | 'onEpoch' | 'onResume'
  >,
  true satisfies Covers<OptimizerOptions, typeof optimizerOptions, 'name'>,
  // --schedule-epochs.
  true satisfies Covers<Extract<ScheduleOptions, { stepSize: number }>, typeof scheduleOptions, 'name'>,
  true satisfies Covers<
    Extract<ScheduleOptions, { epochs?: number }>,
    typeof scheduleOptions,
    'name' | 'epochs'
  >,
  // --poison-weight, --poison-batch-size.
  true satisfies Covers<PoisonOptions, typeof poisonOptions, 'data' | 'weight' | 'batchSize'>,
  true satisfies Covers<SurfaceTopologyOptions, typeof topologyOptions>,
  // --step-batch-size, --mode of the loss, --test, --schedule-steps.
  true satisfies Covers<
    ConnectModesOptions,
    typeof connectOptions | typeof connectTrainingOptions,
    'batchSize' | 'mode' | 'evaluateOn'
  >,
  true satisfies Covers<OptimizerOptions, typeof connectTrainingOptions, 'name'>,
  true satisfies Covers<BasinVolumeOptions, typeof basinOptions>,
  true satisfies Covers<ConvexityMapOptions, typeof convexityOptions | typeof randomOptions>,
  // --modes makes the objectives.
  true satisfies Covers<ExplosionTableOptions, typeof explosionOptions>,
  true satisfies Covers<DecisionRegionsOptions, typeof regionsOptions>,
  // --only.
  true satisfies Covers<WeightHistogramOptions, typeof histogramOptions, 'parameters'>,
  // Of --thresholds.
  true satisfies Covers<SharpnessOptions, typeof sharpnessOptions, 'density' | 'eigenpairs'>,
  // --trajectory of plot, --eigenpairs of spectrum, and --density-points and its kin.
  true satisfies Covers<
    DrawResultOptions,
    typeof figureOptions,
    'trajectory' | 'markers' | 'density' | 'logDensity'
  >,
];

describe('options of the command line', () => {
  it('cover those of the library', () => {
    expect(covered).to.have.length.above(25);
  });
});
