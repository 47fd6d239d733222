#include "binding/binding.h"
#include "core/curvature_memory.h"
#include "core/error.h"
#include "core/gauss_newton_graph.h"
#include "core/hessian_graph.h"
#include "core/output_pullback.h"
#include "core/product_sum.h"
#include "core/sample_independence.h"

namespace lossatlas {
namespace {

struct GraphArguments {
  std::shared_ptr<Objective> objective;
  std::shared_ptr<ParameterSpace> space;
  std::shared_ptr<ParameterVector> theta;
  std::shared_ptr<BufferState> buffers;
  std::shared_ptr<Batch> batch;

  explicit GraphArguments(const Arguments& args)
      : objective(args.Handle<Objective>(0, "objective")),
        space(args.Handle<ParameterSpace>(1, "space")),
        theta(PointOf(args, 2, "theta", *objective)),
        buffers(BuffersOf(args, 3, *objective)),
        batch(args.Handle<Batch>(4, "batch")) {
    space->RequireModel(*objective->model);
  }
};

// {graph, evaluation, graphBytes, peakBytes}
Napi::Value GraphHandle(Napi::Env env, std::shared_ptr<CurvatureGraph> graph) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("evaluation", ToFloat64Array(env, std::vector<Evaluation>{graph->evaluation()}));
  const int64_t bytes = graph->graph_bytes();
  out.Set("graphBytes", static_cast<double>(bytes));
  out.Set("peakBytes", static_cast<double>(graph->peak_bytes()));
  out.Set("graph", MakeHandle(env, std::move(graph), bytes));
  return out;
}

using MakeGraph = std::function<std::shared_ptr<CurvatureGraph>()>;

MakeGraph HessianOf(const Arguments& args) {
  return [a = GraphArguments(args)] {
    return std::make_shared<HessianGraph>(*a.objective, *a.space, a.theta->values, a.buffers.get(), *a.batch);
  };
}

// Arguments 5 to 7: kind, numSamples, seed.
MakeGraph GaussNewtonOf(const Arguments& args) {
  GaussNewtonOptions options;
  options.kind = ParseGaussNewtonKind(args.String(5, "kind"));
  options.num_samples = args.Integer(6, "numSamples", 1, INT32_MAX);
  options.seed = static_cast<uint64_t>(args.Integer(7, "seed", 0, (int64_t{1} << 53) - 1));
  return [a = GraphArguments(args), options] {
    return std::make_shared<GaussNewtonGraph>(*a.objective, *a.space, a.theta->values, a.buffers.get(),
                                              *a.batch, options);
  };
}

// hessianGraph(objective, space, theta, buffers | null, batch), of the loss sum
Napi::Value MakeHessianGraph(const Arguments& args) {
  return Submit(args.env(), HessianOf(args), GraphHandle);
}

// gaussNewtonGraph(objective, space, theta, buffers | null, batch, kind, numSamples, seed), of the loss sum
Napi::Value MakeGaussNewtonGraph(const Arguments& args) {
  return Submit(args.env(), GaussNewtonOf(args), GraphHandle);
}

// curvatureMemory(objective, space, theta, buffers | null, batch, kind, numSamples, seed, numVectors, keep,
// batched): {graphBytes, peakBytes}
Napi::Value MeasureCurvatureMemory(const Arguments& args) {
  const MakeGraph make = args.String(5, "kind") == "hessian" ? HessianOf(args) : GaussNewtonOf(args);
  const int64_t num_vectors = args.Integer(8, "numVectors", 1, INT32_MAX);
  const bool keep = args.Bool(9, "keep");
  const bool batched = args.Bool(10, "batched");
  return Submit(
      args.env(), [=] { return MeasureMemory(make, num_vectors, keep, batched); },
      [](Napi::Env env, const CurvatureMemory& memory) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("graphBytes", static_cast<double>(memory.graph_bytes));
        out.Set("peakBytes", static_cast<double>(memory.peak_bytes));
        return out;
      });
}

// curvatureProducts(graphs, vectors, sums, keep, batched, numWorkers): sums. `sums` is empty, or one for each
// vector, which is then added to in place.
Napi::Value CurvatureProducts(const Arguments& args) {
  const std::vector<std::shared_ptr<CurvatureGraph>> graphs = args.Handles<CurvatureGraph>(0, "graphs");
  const std::vector<std::shared_ptr<ParameterVector>> vectors = args.Handles<ParameterVector>(1, "vectors");
  const std::vector<std::shared_ptr<ParameterVector>> given = args.Handles<ParameterVector>(2, "sums");
  ProductOptions options;
  options.keep = args.Bool(3, "keep");
  options.batched = args.Bool(4, "batched");
  options.num_workers = args.Integer(5, "numWorkers", 1, INT32_MAX);
  if (!given.empty() && given.size() != vectors.size())
    throw Error(code::kInvalidArgument, "curvatureProducts wants as many sums as vectors, or none");
  for (const std::shared_ptr<CurvatureGraph>& graph : graphs) {
    for (const std::shared_ptr<ParameterVector>& v : vectors) graph->layout().RequireMatch(*v->layout);
    for (const std::shared_ptr<ParameterVector>& sum : given) graph->layout().RequireMatch(*sum->layout);
  }
  return Submit(
      args.env(),
      [=] {
        std::vector<at::Tensor> inputs;
        for (const std::shared_ptr<ParameterVector>& v : vectors) inputs.push_back(v->values);
        std::vector<at::Tensor> sums(vectors.size());
        for (size_t i = 0; i < given.size(); ++i) sums[i] = given[i]->values;
        AddProducts(graphs, inputs, options, sums);
        std::vector<ParameterVector> out;
        for (at::Tensor& sum : sums) out.push_back({vectors[out.size()]->layout, std::move(sum)});
        return out;
      },
      VectorHandles);
}

// sampleIndependence(objective, theta, buffers | null, batch): {independent, bytesPerSample,
// largestBytesPerSample}
Napi::Value SampleIndependenceBinding(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const std::shared_ptr<ParameterVector> theta = PointOf(args, 1, "theta", *objective);
  const std::shared_ptr<BufferState> buffers = BuffersOf(args, 2, *objective);
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(3, "batch");
  return Submit(
      args.env(), [=] { return CheckSampleIndependence(*objective, theta->values, buffers.get(), *batch); },
      [](Napi::Env env, const SampleIndependence& found) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("independent", found.independent);
        out.Set("bytesPerSample", static_cast<double>(found.bytes_per_sample));
        out.Set("largestBytesPerSample", static_cast<double>(found.largest_bytes_per_sample));
        return out;
      });
}

// outputPullback(objective, space, theta, buffers | null, batch): {pullback, evaluation, outputSize,
// obstacle}
Napi::Value MakeOutputPullback(const Arguments& args) {
  const GraphArguments a(args);
  return Submit(
      args.env(),
      [=] {
        return std::make_shared<OutputPullback>(*a.objective, *a.space, a.theta->values, a.buffers.get(),
                                                a.batch);
      },
      [](Napi::Env env, std::shared_ptr<OutputPullback> pullback) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("evaluation", ToFloat64Array(env, std::vector<Evaluation>{pullback->evaluation()}));
        out.Set("outputSize", static_cast<double>(pullback->output_size()));
        const std::string obstacle = pullback->obstacle();
        out.Set("obstacle", obstacle.empty() ? env.Null() : Napi::String::New(env, obstacle));
        const int64_t bytes = pullback->graph_bytes();
        out.Set("pullback", MakeHandle(env, std::move(pullback), bytes));
        return out;
      });
}

Napi::Value SquaresArray(Napi::Env env, const std::vector<double>& squares) {
  return ToFloat64Array(env, squares);
}

// randomPullbackSquares(pullback, seed, probe): ‖Jᵀ S v‖² of each parameter
Napi::Value RandomPullbackSquares(const Arguments& args) {
  const std::shared_ptr<OutputPullback> pullback = args.Handle<OutputPullback>(0, "pullback");
  constexpr int64_t kLargest = (int64_t{1} << 53) - 1;
  const auto seed = static_cast<uint64_t>(args.Integer(1, "seed", 0, kLargest));
  const auto probe = static_cast<uint64_t>(args.Integer(2, "probe", 0, kLargest));
  return Submit(
      args.env(), [=] { return pullback->RandomSquares(seed, probe); }, SquaresArray);
}

// unitPullbackSquares(pullback, from, count): Σ ‖Jᵀ S e_i‖² of each parameter
Napi::Value UnitPullbackSquares(const Arguments& args) {
  const std::shared_ptr<OutputPullback> pullback = args.Handle<OutputPullback>(0, "pullback");
  const int64_t from = args.Integer(1, "from", 0, INT32_MAX);
  const int64_t count = args.Integer(2, "count", 0, INT32_MAX);
  return Submit(
      args.env(), [=] { return pullback->UnitSquares(from, count); }, SquaresArray);
}

}  // namespace

void ExportCurvature(Napi::Object exports) {
  Export<MakeHessianGraph>(exports, "hessianGraph");
  Export<MakeGaussNewtonGraph>(exports, "gaussNewtonGraph");
  Export<MeasureCurvatureMemory>(exports, "curvatureMemory");
  Export<CurvatureProducts>(exports, "curvatureProducts");
  Export<SampleIndependenceBinding>(exports, "sampleIndependence");
  Export<MakeOutputPullback>(exports, "outputPullback");
  Export<RandomPullbackSquares>(exports, "randomPullbackSquares");
  Export<UnitPullbackSquares>(exports, "unitPullbackSquares");
}

}  // namespace lossatlas
