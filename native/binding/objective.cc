#include "core/objective.h"

#include "binding/binding.h"
#include "core/class_counts.h"
#include "core/error.h"
#include "core/outputs.h"
#include "core/subspace_points.h"

namespace lossatlas {
namespace {

using VectorPointer = std::shared_ptr<ParameterVector>;

// loadMetric(path, model): on the model's device
Napi::Value LoadMetricBinding(const Arguments& args) {
  const std::string path = args.String(0, "path");
  const std::shared_ptr<Model> model = args.Handle<Model>(1, "model");
  return Submit(
      args.env(), [=] { return LoadMetric(path, model->options()); },
      [](Napi::Env env, std::shared_ptr<Metric> metric) { return MakeHandle(env, std::move(metric), 0); });
}

// topKMetric(k, ignoreIndex)
Napi::Value TopKMetricBinding(const Arguments& args) {
  const int64_t k = args.Integer(0, "k", 1, INT32_MAX);
  return MakeHandle(args.env(), MakeTopKMetric(k, args.Integer(1, "ignoreIndex", INT32_MIN, INT32_MAX)), 0);
}

// loadLoss(path, model): on the model's device, in its type
Napi::Value LoadLossBinding(const Arguments& args) {
  const std::string path = args.String(0, "path");
  const std::shared_ptr<Model> model = args.Handle<Model>(1, "model");
  return Submit(
      args.env(), [=] { return std::make_shared<ScriptedFunction>("loss", path, model->options()); },
      [](Napi::Env env, std::shared_ptr<ScriptedFunction> loss) {
        return MakeHandle(env, std::move(loss), 0);
      });
}

// A number, a string, or null for the first tensor.
OutputChoice OutputOf(const Napi::Value& value, const Arguments& args) {
  if (value.IsNull() || value.IsUndefined()) return {};
  if (value.IsString()) return args.String(8, "output");
  return args.Integer(8, "output", 0, INT32_MAX);
}

// makeObjective(model, criterion, labelSmoothing, ignoreIndex, delta, mode, seed, metrics, output | null,
// scriptedLoss | null, scriptedSums): the scripted loss with criterion 'scripted'
Napi::Value MakeObjective(const Arguments& args) {
  auto objective = std::make_shared<Objective>();
  objective->model = args.Handle<Model>(0, "model");
  objective->criterion.kind = ParseCriterion(args.String(1, "criterion"));
  objective->criterion.label_smoothing = args.Number(2, "labelSmoothing");
  objective->criterion.ignore_index = args.Integer(3, "ignoreIndex", INT32_MIN, INT32_MAX);
  objective->criterion.delta = args.Number(4, "delta");
  objective->mode = ParseMode(args.String(5, "mode"));
  objective->seed = static_cast<uint64_t>(args.Integer(6, "seed", 0, (int64_t{1} << 53) - 1));
  objective->metrics = args.Handles<Metric>(7, "metrics");
  objective->output = OutputOf(args.at(8), args);
  objective->criterion.scripted = args.MaybeHandle<ScriptedFunction>(9, "scriptedLoss");
  objective->criterion.scripted_sums = args.Bool(10, "scriptedSums");
  if ((objective->criterion.kind == Criterion::Kind::kScripted) != (objective->criterion.scripted != nullptr))
    throw Error(code::kInvalidArgument, "criterion 'scripted' and a loss go together");
  objective->model->RequireMode(objective->mode);
  return MakeHandle(args.env(), std::move(objective), 0);
}

// makeSubspace(objective, origin, buffers | null, directions, bufferDirections, precision,
// pointsAtOnce)
Napi::Value MakeSubspace(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  Subspace subspace;
  subspace.origin = PointOf(args, 1, "origin", *objective)->values;
  subspace.buffers = BuffersOf(args, 2, *objective);
  for (const VectorPointer& v : args.Handles<ParameterVector>(3, "directions")) {
    objective->model->layout()->RequireMatch(*v->layout);
    subspace.directions.push_back(v->values);
  }
  subspace.buffer_directions = args.Handles<BufferState>(4, "bufferDirections");
  for (const std::shared_ptr<BufferState>& b : subspace.buffer_directions)
    RequireBuffersOf(*objective->model, *b);
  if (!subspace.buffer_directions.empty() &&
      (!subspace.buffers || subspace.buffer_directions.size() != subspace.directions.size())) {
    throw Error(code::kInvalidArgument,
                "bufferDirections wants the buffers of the origin, and one for each direction");
  }
  const Precision precision = ParsePrecision(args.String(5, "precision"));
  return MakeHandle(args.env(),
                    std::make_shared<SubspacePoints>(objective, std::move(subspace), precision,
                                                     args.Integer(6, "pointsAtOnce", 1, INT32_MAX)),
                    0);
}

// evaluatePoints(subspace, coefficients, numPoints, batch, oneByOne): Float64Array of 4 numbers and 2 a
// metric for every point
Napi::Value EvaluatePointsBinding(const Arguments& args) {
  const std::shared_ptr<SubspacePoints> points = args.Handle<SubspacePoints>(0, "subspace");
  const std::vector<double> coefficients = args.Doubles(1, "coefficients");
  const int64_t num_points = args.Integer(2, "numPoints", 0, INT32_MAX);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(3, "batch");
  const bool one_by_one = args.Bool(4, "oneByOne");
  if (coefficients.size() != points->num_directions() * static_cast<size_t>(num_points)) {
    throw Error(code::kInvalidArgument, "evaluatePoints wants numPoints × directions.length coefficients");
  }
  return Submit(
      args.env(), [=] { return points->Evaluate(coefficients, num_points, *batch, one_by_one); },
      [](Napi::Env env, const std::vector<Evaluation>& evaluations) {
        return ToFloat64Array(env, evaluations);
      });
}

// pointsOf(subspace): {atOnce, pointBytes}; not while points of it are computed
Napi::Value PointsOfBinding(const Arguments& args) {
  const std::shared_ptr<SubspacePoints> points = args.Handle<SubspacePoints>(0, "subspace");
  Napi::Object out = Napi::Object::New(args.env());
  out.Set("atOnce", static_cast<double>(points->points_at_once()));
  out.Set("pointBytes", static_cast<double>(points->point_bytes()));
  return out;
}

// evaluateClasses(objective, theta, buffers | null, batch): {evaluation, numClasses, confusion, lossSums}
Napi::Value EvaluateClassesBinding(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<BufferState> buffers = BuffersOf(args, 2, *objective);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(3, "batch");
  return Submit(
      args.env(), [=] { return EvaluateClasses(*objective, theta->values, buffers.get(), *batch); },
      [](Napi::Env env, const ClassCounts& counts) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("evaluation", ToFloat64Array(env, std::vector<Evaluation>{counts.evaluation}));
        out.Set("numClasses", static_cast<double>(counts.num_classes));
        out.Set("confusion", ToFloat64Array(env, counts.confusion));
        out.Set("lossSums", ToFloat64Array(env, counts.loss_sums));
        return out;
      });
}

// outputs(objective, theta, buffers | null, batch): {shape, values}
Napi::Value OutputsBinding(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<BufferState> buffers = BuffersOf(args, 2, *objective);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(3, "batch");
  return Submit(
      args.env(), [=] { return ComputeOutputs(*objective, theta->values, buffers.get(), *batch); },
      [](Napi::Env env, const Outputs& outputs) {
        Napi::Object out = Napi::Object::New(env);
        const std::vector<double> shape(outputs.shape.begin(), outputs.shape.end());
        out.Set("shape", ToFloat64Array(env, shape));
        out.Set("values", ToFloat64Array(env, outputs.values));
        return out;
      });
}

// forwardBuffers(objective, theta, buffers, batch): the buffers after a forward pass in train mode
Napi::Value ForwardBuffersBinding(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<BufferState> buffers = args.Handle<BufferState>(2, "buffers");
  RequireBuffersOf(*objective->model, *buffers);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(3, "batch");
  return Submit(
      args.env(), [=] { return ForwardBuffers(*objective, theta->values, *buffers, *batch); }, BuffersHandle);
}

// gradient(objective, theta, buffers | null, batch): {evaluation, vector} of the loss sum
Napi::Value Gradient(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<BufferState> buffers = BuffersOf(args, 2, *objective);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(3, "batch");
  return Submit(
      args.env(), [=] { return ComputeGradient(*objective, theta->values, buffers.get(), *batch); },
      [objective](Napi::Env env, GradientResult result) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("evaluation", ToFloat64Array(env, std::vector<Evaluation>{result.evaluation}));
        out.Set("vector", VectorHandle(env, {objective->model->layout(), std::move(result.gradient)}));
        return out;
      });
}

}  // namespace

void ExportObjective(Napi::Object exports) {
  Export<LoadMetricBinding>(exports, "loadMetric");
  Export<LoadLossBinding>(exports, "loadLoss");
  Export<TopKMetricBinding>(exports, "topKMetric");
  Export<MakeObjective>(exports, "makeObjective");
  Export<MakeSubspace>(exports, "makeSubspace");
  Export<EvaluatePointsBinding>(exports, "evaluatePoints");
  Export<PointsOfBinding>(exports, "pointsOf");
  Export<EvaluateClassesBinding>(exports, "evaluateClasses");
  Export<OutputsBinding>(exports, "outputs");
  Export<ForwardBuffersBinding>(exports, "forwardBuffers");
  Export<Gradient>(exports, "gradient");
}

}  // namespace lossatlas
