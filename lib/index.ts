export { LossAtlasError, AbortError, type ErrorCode, type PartialSweep } from './errors.js';
export type { AnalysisOptions, DType, Law, NdArray, Progress, TypedArray } from './types.js';
export type * from './results.js';

export { numLiveHandles, numThreads } from './native/call.js';
export { libtorchVersion, numCudaDevices, version } from './native/versions.js';

export {
  loadModel,
  Model,
  type BufferInfo,
  type ForwardArgument,
  type LoadModelOptions,
  type ParameterInfo,
} from './model/model.js';
export type { DimensionRange, ProgramInput } from './model/exported-program/inputs.js';
export { combine, ParameterVector } from './model/parameter-vector.js';
export { parameterBlocks, type ParameterBlock } from './model/parameter-names.js';
export { subspace, type ParameterSpace } from './model/parameter-space.js';
export { bufferStateFrom, BufferState } from './model/buffer-state.js';
export { ownSolution, Solution } from './model/solution.js';
export { loadSolution, type LoadSolutionOptions } from './model/load-solution.js';
export {
  previewSolution,
  type MatchSolutionOptions,
  type SolutionPreview,
} from './model/preview-solution.js';
export { saveSolution, type SaveSolutionOptions } from './model/save-solution.js';
export { randomSolution, type RandomSolutionOptions } from './model/random-solution.js';
export type { InitialLaw, InitialScheme } from './model/initial-law.js';
export { fileKind, type FileKind } from './model/file-kind.js';
export { inspect } from './inspect/inspect.js';
export { describeInspection } from './inspect/describe-inspection.js';
export type {
  InspectedCandidate,
  InspectedInput,
  InspectedKind,
  InspectedOptimizer,
  InspectedTensor,
  Inspection,
} from './inspect/inspection.js';

export { Dataset } from './data/dataset.js';
export {
  dataset,
  type ArrayInput,
  type DatasetArrays,
  type NamedArrays,
  type ShapedArray,
} from './data/from-arrays.js';
export type { DatasetOptions } from './data/dataset-options.js';
export type { ArrayInfo, ElementType } from './data/array-info.js';
export type { InputChoice } from './data/input-choice.js';
export type { ImageOptions } from './data/images.js';
export type { LabelMap } from './data/labels.js';
export type { SubsetOptions } from './data/subset.js';
export type { LazyOptions } from './data/stored-dataset.js';
export { randomBatches, type RandomBatchesOptions } from './data/random-batches.js';
export { collect, type CollectOptions, type DataRecord } from './data/collect.js';
export type { RecordArray } from './data/array-collector.js';
export { loadCifar, type LoadCifarOptions } from './data/cifar-dataset.js';
export { loadCsv, type LoadCsvOptions } from './data/csv-dataset.js';
export type { CsvColumn } from './data/csv-columns.js';
export { loadDataset, type LoadDatasetOptions } from './data/load-dataset.js';
export type { DatasetFormat } from './data/dataset-format.js';
export { loadHdf5, type LoadHdf5Options } from './data/hdf5-dataset.js';
export { loadIdx, type LoadIdxOptions } from './data/idx-dataset.js';
export { loadImageFolder, type LoadImageFolderOptions } from './data/image-folder.js';
export { loadLibsvm, type LoadLibsvmOptions } from './data/libsvm-dataset.js';
export { loadNpy, type LoadNpyOptions } from './data/npy-dataset.js';
export { loadNpz, type LoadNpzOptions } from './data/npz-dataset.js';
export { loadSafetensors, type LoadSafetensorsOptions } from './data/safetensors-dataset.js';

export { objective, Objective, type ObjectiveOptions, type PointSet } from './objective/objective.js';
export { loadLoss, Loss, type LoadLossOptions, type LossChoice, type LossName } from './objective/loss.js';
export type { DataPlacement } from './objective/batches.js';
export type { ReducedPrecision } from './objective/subspace.js';
export { modelOutputs, type ModelOutputsOptions } from './objective/model-outputs.js';
export type { Evaluation } from './objective/evaluation.js';
export { loadMetric, Metric, type MetricChoice } from './objective/metric.js';

export type { LinearOperator } from './operators/linear-operator.js';
export type { CurvatureMatrix, CurvatureOperator, CurvatureOptions } from './operators/curvature-operator.js';
export type { PlanChoice, ProductPlan } from './operators/product-plan.js';
export { empiricalFisher, monteCarloFisher, type MonteCarloFisherOptions } from './operators/fisher.js';
export { gaussNewton } from './operators/gauss-newton.js';
export { checkOperator, type CheckOperatorOptions } from './operators/check-operator.js';
export { denseEigen, denseMatrix, type DenseMatrix } from './operators/dense-matrix.js';
export { hessian } from './operators/hessian.js';
export { scaled, shifted } from './operators/shifted.js';

export {
  analyseHessian,
  type AnalyseHessianOptions,
  type HessianAnalysisWithVectors,
} from './spectrum/analyse-hessian.js';
export { eigenpairs, type EigenpairsOptions, type EigenpairsWithVectors } from './spectrum/eigenpairs.js';
export {
  predictMemory,
  type MemoryPrediction,
  type PredictMemoryOptions,
} from './spectrum/predict-memory.js';
export { trace } from './spectrum/trace/trace.js';
export type { DeflationVectors, TraceOptions } from './spectrum/trace/options.js';
export { diagonal, type DiagonalOptions, type DiagonalWithVectors } from './spectrum/diagonal.js';
export { frobeniusNorm, type FrobeniusNormOptions } from './spectrum/frobenius-norm.js';
export type { KrylovSubspace } from './spectrum/krylov-subspace.js';
export {
  recordProducts,
  type RecordedOperator,
  type RecordProductsOptions,
} from './spectrum/recorded-operator.js';
export { spectralDensity, type SpectralDensityOptions } from './spectrum/spectral-density.js';
export {
  averageCriteria,
  criteria,
  eigenvalueRatio,
  kh,
  khCriterion,
  type SpectrumCriteriaOptions,
  type ProbeSet,
} from './spectrum/criteria.js';
export type { ProbeQuadrature, Quadrature } from './spectrum/quadrature.js';
export type { BasisOptions } from './spectrum/basis-plan.js';
export { renderDensity, type RenderDensityOptions } from './spectrum/density.js';
export {
  renderLogDensity,
  type LogDensitySide,
  type RenderedLogDensity,
  type RenderLogDensityOptions,
} from './spectrum/log-density.js';
export {
  llaEigenpairs,
  llaSpectralDensity,
  llaTrace,
  renderLlaDensity,
  type LlaSpectralDensityOptions,
} from './spectrum/presets/lla.js';
export {
  pyhessianEigenpairs,
  pyhessianSpectralDensity,
  pyhessianTrace,
  renderPyhessianDensity,
} from './spectrum/presets/pyhessian.js';
export type { PresetRenderOptions } from './spectrum/presets/binned-density.js';
export type { PresetEigenpairsOptions } from './spectrum/presets/power-iteration.js';
export type * from './spectrum/presets/preset-results.js';
export type { PresetTraceOptions } from './spectrum/presets/running-mean-trace.js';
export type { PresetSpectrumOptions } from './spectrum/presets/starts.js';
export type { PresetDensityOptions } from './spectrum/presets/windowed-lanczos.js';

export { basinVolume, type BasinVolumeOptions } from './geometry/basin-volume.js';
export { basinDifference } from './geometry/compare-basins.js';
export { connectModes, type Connection, type ConnectionCurve } from './connectivity/connect-modes.js';
export type { ConnectModesOptions } from './connectivity/connect-options.js';
export { convexityMap, type ConvexityMapOptions } from './geometry/convexity-map.js';
export { decisionRegions, type DecisionRegionsOptions } from './geometry/decision-regions.js';
export { countEigenvalues, type EigenvalueCountOptions } from './geometry/eigenvalue-counts.js';
export { sharpness, type SharpnessOptions } from './geometry/sharpness.js';
export { hessianType, type HessianTypeOptions } from './spectrum/hessian-type.js';
export { weightHistogram, type WeightHistogramOptions } from './geometry/weight-histogram.js';
export { surfaceTopology, type SurfaceTopologyOptions } from './geometry/topology.js';

export {
  customDirection,
  randomDirection,
  Direction,
  type Normalization,
  type NormalizationOptions,
  type RandomDirectionOptions,
} from './directions/direction.js';
export type { Freeze } from './directions/freeze.js';
export { cosine, orthogonalize } from './directions/orthogonal.js';
export {
  customPlane,
  Plane,
  randomPlane,
  type CustomPlaneOptions,
  type RandomPlaneOptions,
} from './directions/plane.js';
export { differenceDirection, threePointPlane } from './directions/solutions.js';
export { trajectoryPlane } from './directions/trajectory.js';
export { gradientDirection } from './directions/gradient.js';
export { adamPlane, type AdamMoments, type AdamPlaneOptions } from './directions/adam.js';

export { loadMoments, type LoadedMoments, type LoadMomentsOptions } from './directions/adam-moments.js';
export { loadPlane, savePlane } from './directions/plane-file.js';
export { loadVector, saveVector, type LoadVectorOptions } from './directions/vector-file.js';

export {
  hessianDirection,
  hessianPlane,
  type HessianDirectionOptions,
  type HessianPlaneOptions,
} from './landscape/hessian-plane.js';
export { explosionTable, type ExplosionTableOptions } from './landscape/explosion-table.js';
export { allModes, landscapeAtlas, type AllModesOptions, type AtlasOptions } from './landscape/atlas.js';
export { interpolate, lossLine, type InterpolateOptions, type LossLineOptions } from './landscape/line.js';
export { lossSurface, type LossSurfaceOptions } from './landscape/surface.js';
export { li2018Surface, type Li2018SurfaceOptions } from './landscape/presets/li2018.js';
export { llaSurface, type LlaSurfaceOptions } from './landscape/presets/lla.js';
export {
  lossLandscapesSurface,
  type LossLandscapesSurfaceOptions,
} from './landscape/presets/loss-landscapes.js';
export type { LandscapeOptions } from './landscape/landscape-values.js';
export { projectTrajectory } from './landscape/trajectory.js';

export {
  compareCriteria,
  type CompareCriteriaOptions,
  type ComparedData,
  type ComparedModel,
} from './generalization/compare-criteria.js';
export { criteriaDifference } from './generalization/criteria-change.js';
export { criteriaTable } from './generalization/criteria-table.js';

export {
  evaluateCheckpoints,
  type EvaluateCheckpointsOptions,
  type EvaluatedCheckpoint,
} from './evaluation/evaluate-checkpoints.js';
export { evaluationTable } from './evaluation/evaluation-table.js';
export { evaluateClasses, type ClassEvaluation } from './objective/class-figures.js';

export { trackCheckpoints } from './tracks/track-checkpoints.js';
export type { FollowOptions, TrackOptions } from './tracks/track-options.js';
export type { SnapshotChoice } from './tracks/snapshots.js';
export { trackTable } from './tracks/track-table.js';

export {
  train,
  type PoisonOptions,
  type ResumedTraining,
  type TrainOptions,
  type Training,
} from './training/train.js';
export type { EpochFigures } from './training/history.js';
export type { CheckpointOptions } from './training/checkpoints.js';
export type { AdamOptions, OptimizerOptions, SgdOptions } from './training/optimizer.js';
export type { ScheduleOptions } from './training/schedule.js';
export { trainingTable } from './training/training-table.js';

export * from './plot/index.js';
export { reportHtml, type ReportOptions } from './report/report.js';
export { saveReport } from './report/save-report.js';
export type { ReportEntry } from './report/titles.js';
export * from './io/index.js';
export { drawResult, type NamedFigure } from './report/draw-result.js';
export { drawTogether, type LabelledResult } from './report/draw-together.js';
export { figureKinds, type FigureKind } from './report/figure-kinds.js';
export type { DrawResultOptions } from './report/figure-options.js';
export {
  Checkpoint,
  readCheckpoint,
  type CheckpointFormat,
  type ReadCheckpointOptions,
  type StateDictOptions,
} from './io/checkpoint/checkpoint.js';
export type { CheckpointData, CheckpointDtype, CheckpointTensor } from './io/checkpoint/tensor.js';
export type { OpaqueObject } from './io/pickle.js';
export { writeSafetensors } from './io/checkpoint/write-safetensors.js';
export { writeStateDict, writeTorch } from './io/checkpoint/write-torch.js';
export type { CheckpointValue } from './io/checkpoint/value.js';
export { describeMatch } from './io/checkpoint/describe-match.js';
export {
  matchParameters,
  type MatchOptions,
  type ParameterMatch,
  type WantedTensor,
} from './io/checkpoint/match.js';
export {
  matchOptimizer,
  optimizerState,
  type OptimizerEntry,
  type OptimizerMatch,
  type OptimizerState,
  type OptimizerStateOptions,
} from './io/checkpoint/optimizer.js';
