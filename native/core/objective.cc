#include "core/objective.h"

#include <c10/core/InferenceMode.h>

#include <optional>

#include "core/error.h"
#include "core/pooling.h"
#include "core/random.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

// Every batch has dropout masks of its own, the same ones at every point.
uint64_t SeedOf(const Objective& objective, const Batch& batch) {
  return StreamSeed(objective.seed, static_cast<uint64_t>(batch.index()));
}

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

}  // namespace

Evaluation Measure(const Objective& objective, const at::Tensor& output, const Batch& batch,
                   LossTerms& terms) {
  terms = ComputeLoss(objective.criterion, output, batch);
  Evaluation out = ReadTerms(terms);
  at::NoGradGuard no_grad;
  for (const std::shared_ptr<Metric>& metric : objective.metrics)
    out.metrics.push_back(metric->Compute(output.detach(), batch));
  return out;
}

Evaluation ReadTerms(const LossTerms& terms) {
  Evaluation out;
  out.loss_sum = terms.sum.item<double>();
  out.count = terms.count;
  if (terms.correct.defined()) {
    out.num_correct = terms.correct.item<double>();
    out.num_answers = terms.num_answers;
  }
  return out;
}

std::vector<at::Tensor> MakeLeaves(const ParameterLayout& layout, const at::Tensor& theta,
                                   bool requires_grad) {
  std::vector<at::Tensor> leaves = layout.Split(theta.detach());
  for (at::Tensor& leaf : leaves) leaf = leaf.detach().requires_grad_(requires_grad);
  return leaves;
}

at::Tensor RunForward(const Objective& objective, const Batch& batch, BatchNormForm form) {
  Model& model = *objective.model;
  std::optional<ScopedSeed> seed;
  if (objective.mode == Mode::kTrain) seed.emplace(SeedOf(objective, batch), model.options().device());
  const ScopedPooling pooling;
  const at::Tensor output = ChooseOutput(model.Forward(batch, form), objective.output);
  // Losses of a model that computes in half precision are taken in float32.
  const bool half = output.scalar_type() == c10::kHalf || output.scalar_type() == c10::kBFloat16;
  return half ? output.to(c10::kFloat) : output;
}

LossTerms RunLoss(const Objective& objective, const Batch& batch, BatchNormForm form) {
  return ComputeLoss(objective.criterion, RunForward(objective, batch, form), batch);
}

std::vector<Evaluation> EvaluatePoints(const Objective& objective, const Subspace& subspace,
                                       const std::vector<double>& coefficients, int64_t num_points,
                                       const Batch& batch) {
  at::NoGradGuard no_grad;
  at::Tensor point = at::empty_like(subspace.origin);
  const std::vector<at::Tensor> leaves = MakeLeaves(*objective.model->layout(), point, false);
  ScopedState state(*objective.model, leaves, objective.mode, TensorsOf(subspace.buffers.get()));
  std::vector<const BufferState*> buffers{subspace.buffers.get()};
  for (const std::shared_ptr<BufferState>& direction : subspace.buffer_directions)
    buffers.push_back(direction.get());
  std::vector<Evaluation> out;
  out.reserve(static_cast<size_t>(num_points));
  const size_t num_directions = subspace.directions.size();
  for (int64_t p = 0; p < num_points; ++p) {
    const double* a = coefficients.data() + static_cast<size_t>(p) * num_directions;
    SetPoint(point, subspace.origin, subspace.directions, a);
    if (objective.model->rounds_parameters()) objective.model->Reinstall(leaves);
    if (!subspace.buffer_directions.empty()) {
      std::vector<double> weights{1.0};
      weights.insert(weights.end(), a, a + num_directions);
      state.SetBuffers(CombineBuffers(buffers, weights).tensors);
    }
    LossTerms terms;
    out.push_back(Measure(objective, RunForward(objective, batch), batch, terms));
    state.ResetBuffers();
  }
  return out;
}

BufferState ForwardBuffers(const Objective& objective, const at::Tensor& theta, const BufferState& buffers,
                           const Batch& batch) {
  at::NoGradGuard no_grad;
  Model& model = *objective.model;
  model.RequireMode(Mode::kTrain);
  const ScopedState state(model, MakeLeaves(*model.layout(), theta, false), Mode::kTrain, buffers.tensors);
  const ScopedSeed seed(SeedOf(objective, batch), model.options().device());
  model.Forward(batch, BatchNormForm::kPlain);
  BufferState out;
  for (const at::Tensor& tensor : model.InstalledBuffers()) out.tensors.push_back(tensor.detach().clone());
  return out;
}

GradientResult ComputeGradient(const Objective& objective, const at::Tensor& theta,
                               const BufferState* buffers, const Batch& batch) {
  const ParameterLayout& layout = *objective.model->layout();
  const std::vector<at::Tensor> leaves = MakeLeaves(layout, theta, true);
  const ScopedState state(*objective.model, leaves, objective.mode, TensorsOf(buffers));
  GradientResult out;
  LossTerms terms;
  out.evaluation = Measure(objective, RunForward(objective, batch), batch, terms);
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
