#include "core/gauss_newton_graph.h"

#include "core/double_backward.h"
#include "core/error.h"
#include "core/memory_meter.h"
#include "core/random.h"
#include "core/scoped_state.h"
#include "core/winograd_operators.h"

namespace lossatlas {
namespace {

using Kind = GaussNewtonOptions::Kind;

std::unique_ptr<OutputMatrix> MakeMiddle(const Objective& objective, const at::Tensor& output,
                                         const Batch& batch, const GaussNewtonOptions& options) {
  switch (options.kind) {
    case Kind::kEmpiricalFisher:
      return EmpiricalOuterProducts(objective, output, batch);
    case Kind::kMonteCarloFisher:
      return SampledOuterProducts(objective, output, batch, options.num_samples,
                                  StreamSeed(options.seed, static_cast<uint64_t>(batch.index())));
    case Kind::kGaussNewton:
      break;
  }
  return LossHessian(objective, output, batch);
}

}  // namespace

Kind ParseGaussNewtonKind(const std::string& name) {
  if (name == "gauss-newton") return Kind::kGaussNewton;
  if (name == "empirical-fisher") return Kind::kEmpiricalFisher;
  if (name == "monte-carlo-fisher") return Kind::kMonteCarloFisher;
  throw Error(code::kInvalidArgument, "curvature '" + name + "' is unknown");
}

GaussNewtonGraph::GaussNewtonGraph(const Objective& objective, const ParameterSpace& space,
                                   const at::Tensor& theta, const BufferState* buffers, const Batch& batch,
                                   const GaussNewtonOptions& options)
    : CurvatureGraph(space) {
  const MemoryMeter meter;
  const SpaceLeaves leaves = MakeSpaceLeaves(*objective.model, space, theta);
  leaves_ = leaves.chosen;
  const ScopedState state(*objective.model, leaves.all, objective.mode, TensorsOf(buffers));
  output_ = RunForward(objective, batch, BatchNormForm::kFolded);
  evaluation_ = ReadTerms(ComputeLoss(objective.criterion, output_.detach(), batch));
  middle_ = MakeMiddle(objective, output_.detach(), batch, options);
  if (output_.requires_grad()) {
    const ScopedDoubleBackward scope;
    dummy_ = at::zeros_like(output_).requires_grad_(true);
    pullbacks_ = Dependent(torch::autograd::grad({output_}, leaves_, {dummy_}, /*retain_graph=*/true,
                                                 /*create_graph=*/true, /*allow_unused=*/true));
  }
  graph_bytes_ = meter.live_bytes();
  peak_bytes_ = meter.peak_bytes();
}

CurvatureGraph::Tensors GaussNewtonGraph::Multiply(const Tensors& vector, bool keep) {
  if (pullbacks_.empty()) return Tensors(leaves_.size());
  const ScopedWinograd winograd;
  // The forward part of the graph serves both passes.
  const at::Tensor tangent = torch::autograd::grad(pullbacks_.tensors(), {dummy_}, pullbacks_.Select(vector),
                                                   /*retain_graph=*/true, /*create_graph=*/false)[0];
  const at::Tensor cotangent = middle_->Multiply(tangent);
  return torch::autograd::grad({output_}, leaves_, {cotangent}, keep, /*create_graph=*/false,
                               /*allow_unused=*/true);
}

void GaussNewtonGraph::Free() {
  pullbacks_ = {};
  output_.reset();
}

}  // namespace lossatlas
