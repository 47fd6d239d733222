#include "core/hessian_graph.h"

#include "core/double_backward.h"
#include "core/memory_meter.h"
#include "core/scoped_state.h"
#include "core/winograd_operators.h"

namespace lossatlas {

HessianGraph::HessianGraph(const Objective& objective, const ParameterSpace& space, const at::Tensor& theta,
                           const BufferState* buffers, const Batch& batch)
    : CurvatureGraph(space) {
  const MemoryMeter meter;
  const SpaceLeaves leaves = MakeSpaceLeaves(*objective.model, space, theta);
  leaves_ = leaves.chosen;
  const ScopedState state(*objective.model, leaves.all, objective.mode, TensorsOf(buffers));
  const LossTerms terms = RunLoss(objective, batch, BatchNormForm::kFolded);
  evaluation_ = ReadTerms(terms);
  if (terms.sum.requires_grad()) {
    const ScopedDoubleBackward scope;
    gradients_ = Dependent(torch::autograd::grad({terms.sum}, leaves_, {}, /*retain_graph=*/true,
                                                 /*create_graph=*/true, /*allow_unused=*/true));
  }
  graph_bytes_ = meter.live_bytes();
  peak_bytes_ = meter.peak_bytes();
}

CurvatureGraph::Tensors HessianGraph::Multiply(const Tensors& vector, bool keep) {
  if (gradients_.empty()) return Tensors(leaves_.size());
  const ScopedWinograd winograd;
  return torch::autograd::grad(gradients_.tensors(), leaves_, gradients_.Select(vector), keep,
                               /*create_graph=*/false, /*allow_unused=*/true);
}

}  // namespace lossatlas
