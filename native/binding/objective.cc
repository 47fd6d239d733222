#include "core/objective.h"

#include "binding/binding.h"
#include "core/curvature_product.h"
#include "core/error.h"

namespace lossatlas {
namespace {

using VectorPointer = std::shared_ptr<ParameterVector>;

VectorPointer PointOf(const Arguments& args, size_t index, const char* name, const Objective& objective) {
  VectorPointer vector = args.Handle<ParameterVector>(index, name);
  objective.model->layout()->RequireMatch(*vector->layout);
  return vector;
}

// makeObjective(model, criterion, labelSmoothing, ignoreIndex, delta, mode, seed)
Napi::Value MakeObjective(const Arguments& args) {
  auto objective = std::make_shared<Objective>();
  objective->model = args.Handle<Model>(0, "model");
  objective->criterion.kind = ParseCriterion(args.String(1, "criterion"));
  objective->criterion.label_smoothing = args.Number(2, "labelSmoothing");
  objective->criterion.ignore_index = args.Integer(3, "ignoreIndex", INT32_MIN, INT32_MAX);
  objective->criterion.delta = args.Number(4, "delta");
  objective->mode = ParseMode(args.String(5, "mode"));
  objective->seed = static_cast<uint64_t>(args.Integer(6, "seed", 0, (int64_t{1} << 53) - 1));
  objective->model->RequireMode(objective->mode);
  return MakeHandle(args.env(), std::move(objective), 0);
}

// evaluatePoints(objective, origin, directions, coefficients, numPoints, batch): Float64Array of 4 numbers a
// point
Napi::Value EvaluatePointsBinding(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer origin = PointOf(args, 1, "origin", *objective);
  const std::vector<VectorPointer> vectors = args.Handles<ParameterVector>(2, "directions");
  const std::vector<double> coefficients = args.Doubles(3, "coefficients");
  const int64_t num_points = args.Integer(4, "numPoints", 0, INT32_MAX);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(5, "batch");
  if (coefficients.size() != vectors.size() * static_cast<size_t>(num_points)) {
    throw Error(code::kInvalidArgument, "evaluatePoints wants numPoints × directions.length coefficients");
  }
  std::vector<at::Tensor> directions;
  for (const VectorPointer& v : vectors) {
    objective->model->layout()->RequireMatch(*v->layout);
    directions.push_back(v->values);
  }
  return Submit(
      args.env(),
      [=] {
        return EvaluatePoints(*objective, origin->values, directions, coefficients, num_points, *batch);
      },
      [](Napi::Env env, const std::vector<Evaluation>& evaluations) {
        return ToFloat64Array(env, evaluations);
      });
}

// gradient(objective, theta, batch): {evaluation, vector} of the loss sum
Napi::Value Gradient(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(2, "batch");
  return Submit(
      args.env(), [=] { return ComputeGradient(*objective, theta->values, *batch); },
      [objective](Napi::Env env, GradientResult result) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("evaluation", ToFloat64Array(env, std::vector<Evaluation>{result.evaluation}));
        out.Set("vector", VectorHandle(env, {objective->model->layout(), std::move(result.gradient)}));
        return out;
      });
}

// gradientGraph(objective, theta, batch): {graph, evaluation, graphBytes} of the loss sum
Napi::Value MakeGradientGraph(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const VectorPointer theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(2, "batch");
  return Submit(
      args.env(), [=] { return std::make_shared<GradientGraph>(*objective, theta->values, *batch); },
      [](Napi::Env env, std::shared_ptr<GradientGraph> graph) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("evaluation", ToFloat64Array(env, std::vector<Evaluation>{graph->evaluation()}));
        out.Set("graphBytes", static_cast<double>(graph->graph_bytes()));
        const int64_t bytes = graph->graph_bytes();
        out.Set("graph", MakeHandle(env, std::move(graph), bytes));
        return out;
      });
}

// hessianProducts(graph, vectors, keep, batched): vectors
Napi::Value HessianProducts(const Arguments& args) {
  const std::shared_ptr<GradientGraph> graph = args.Handle<GradientGraph>(0, "graph");
  const std::vector<VectorPointer> vectors = args.Handles<ParameterVector>(1, "vectors");
  const bool keep = args.Bool(2, "keep");
  const bool batched = args.Bool(3, "batched");
  for (const VectorPointer& v : vectors) graph->layout().RequireMatch(*v->layout);
  return Submit(
      args.env(),
      [=] {
        std::vector<at::Tensor> inputs;
        for (const VectorPointer& v : vectors) inputs.push_back(v->values);
        std::vector<ParameterVector> out;
        for (at::Tensor& product : graph->Apply(inputs, keep, batched))
          out.push_back({vectors[out.size()]->layout, std::move(product)});
        return out;
      },
      VectorHandles);
}

}  // namespace

void ExportObjective(Napi::Object exports) {
  Export<MakeObjective>(exports, "makeObjective");
  Export<EvaluatePointsBinding>(exports, "evaluatePoints");
  Export<Gradient>(exports, "gradient");
  Export<MakeGradientGraph>(exports, "gradientGraph");
  Export<HessianProducts>(exports, "hessianProducts");
}

}  // namespace lossatlas
