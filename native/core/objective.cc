#include "core/objective.h"

#include <c10/core/InferenceMode.h>

#include "core/error.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

// origin + Σ a_i d_i into `point`, one pass over memory for each pair of directions.
void SetPoint(at::Tensor& point, const at::Tensor& origin, const std::vector<at::Tensor>& directions,
              const double* a) {
  if (directions.empty()) {
    point.copy_(origin);
    return;
  }
  at::add_out(point, origin, directions[0], a[0]);
  for (size_t i = 1; i < directions.size(); ++i) point.add_(directions[i], a[i]);
}

Evaluation Read(const LossTerms& terms) {
  Evaluation out;
  out.loss_sum = terms.sum.item<double>();
  out.count = terms.count;
  if (terms.correct.defined()) {
    out.num_correct = terms.correct.item<double>();
    out.num_answers = terms.num_answers;
  }
  return out;
}

}  // namespace

std::vector<at::Tensor> MakeLeaves(const ParameterLayout& layout, const at::Tensor& theta,
                                   bool requires_grad) {
  std::vector<at::Tensor> leaves = layout.Split(theta.detach());
  for (at::Tensor& leaf : leaves) leaf = leaf.detach().requires_grad_(requires_grad);
  return leaves;
}

LossTerms RunLoss(const Objective& objective, const Batch& batch) {
  if (objective.mode == Mode::kTrain) {
    const ScopedSeed seed(objective.seed, objective.model->options().device());
    return ComputeLoss(objective.criterion, objective.model->Forward(batch.inputs()), batch);
  }
  return ComputeLoss(objective.criterion, objective.model->Forward(batch.inputs()), batch);
}

std::vector<Evaluation> EvaluatePoints(const Objective& objective, const at::Tensor& origin,
                                       const std::vector<at::Tensor>& directions,
                                       const std::vector<double>& coefficients, int64_t num_points,
                                       const Batch& batch) {
  at::NoGradGuard no_grad;
  at::Tensor point = at::empty_like(origin);
  ScopedState state(*objective.model, MakeLeaves(*objective.model->layout(), point, false), objective.mode);
  std::vector<Evaluation> out;
  out.reserve(static_cast<size_t>(num_points));
  for (int64_t p = 0; p < num_points; ++p) {
    SetPoint(point, origin, directions, coefficients.data() + static_cast<size_t>(p) * directions.size());
    out.push_back(Read(RunLoss(objective, batch)));
    state.ResetBuffers();
  }
  return out;
}

GradientResult ComputeGradient(const Objective& objective, const at::Tensor& theta, const Batch& batch) {
  const ParameterLayout& layout = *objective.model->layout();
  const std::vector<at::Tensor> leaves = MakeLeaves(layout, theta, true);
  const ScopedState state(*objective.model, leaves, objective.mode);
  const LossTerms terms = RunLoss(objective, batch);
  GradientResult out;
  out.evaluation = Read(terms);
  if (!terms.sum.requires_grad()) {
    out.gradient = at::zeros({layout.size()}, theta.options());
    return out;
  }
  const torch::autograd::variable_list gradients = torch::autograd::grad(
      {terms.sum}, leaves, {}, /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
  at::NoGradGuard no_grad;
  out.gradient = layout.Join(gradients, theta.options());
  return out;
}

}  // namespace lossatlas
