#include "core/objective.h"

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

// Runs `forward` with the batch's dropout masks, and takes what the loss is of.
template <class Forward>
at::Tensor OutputOf(const Objective& objective, const Batch& batch, const Forward& forward) {
  std::optional<ScopedSeed> seed;
  if (objective.mode == Mode::kTrain && objective.model->DrawsAtRandom())
    seed.emplace(SeedOf(objective, batch), objective.model->options().device());
  const ScopedPooling pooling;
  const at::Tensor output = ChooseOutput(forward(), objective.output);
  // Losses of a model that computes in half precision are taken in float32.
  const bool half = output.scalar_type() == c10::kHalf || output.scalar_type() == c10::kBFloat16;
  return half ? output.to(c10::kFloat) : output;
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
  return OutputOf(objective, batch, [&] { return objective.model->Forward(batch, form); });
}

at::Tensor RunForwardAfter(const Objective& objective, const Batch& batch, std::vector<at::Tensor> first) {
  return OutputOf(objective, batch, [&] { return objective.model->ForwardAfter(batch, std::move(first)); });
}

at::Tensor RunForwardAfter(const Objective& objective, const Batch& batch, const FrozenPrefix& prefix,
                           const std::vector<c10::IValue>& values) {
  return OutputOf(objective, batch, [&] { return objective.model->ForwardAfter(batch, prefix, values); });
}

LossTerms RunLoss(const Objective& objective, const Batch& batch, BatchNormForm form) {
  return ComputeLoss(objective.criterion, RunForward(objective, batch, form), batch);
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
