#include "core/criterion.h"

#include <map>

#include "core/error.h"

namespace lossatlas {
namespace {

using Kind = Criterion::Kind;

std::string Shape(const at::Tensor& t) {
  std::string text = "[";
  for (int64_t i = 0; i < t.dim(); ++i) text += (i > 0 ? ", " : "") + std::to_string(t.size(i));
  return text + "]";
}

[[noreturn]] void Mismatch(const at::Tensor& output, const at::Tensor& target, const std::string& expected) {
  throw Error(code::kCriterion, "Output " + Shape(output) + " and target " + Shape(target) + " (" +
                                    c10::toString(target.scalar_type()) + ") do not fit: " + expected);
}

// Class indices: output [N, C, ...], target [N, ...] of integers.
LossTerms Classification(const Criterion& criterion, const at::Tensor& output, const Batch& batch) {
  const at::Tensor& target = *batch.target();
  const bool cross_entropy = criterion.kind == Kind::kCrossEntropy;
  const std::string expected =
      std::string(cross_entropy ? "cross-entropy" : "nll") +
      " wants an output [N, C] (or [N, C, ...]) and integer labels [N] (or [N, ...])";
  if (output.dim() < 2 || target.dim() + 1 != output.dim() || target.is_floating_point())
    Mismatch(output, target, expected);
  for (int64_t i = 0; i < target.dim(); ++i) {
    if (target.size(i) != output.size(i == 0 ? 0 : i + 1)) Mismatch(output, target, expected);
  }
  batch.RequireLabels(output.size(1), criterion.ignore_index);
  const at::Tensor each =
      cross_entropy ? at::cross_entropy_loss(output, target, {}, at::Reduction::None, criterion.ignore_index,
                                             criterion.label_smoothing)
      : output.dim() == 2 ? at::nll_loss(output, target, {}, at::Reduction::None, criterion.ignore_index)
                          : at::nll_loss_nd(output, target, {}, at::Reduction::None, criterion.ignore_index);
  LossTerms terms;
  terms.each = each;
  terms.sum = each.sum(c10::kDouble);
  terms.count = static_cast<double>(batch.NumCounted(criterion.ignore_index));
  const at::Tensor right = at::eq(output.detach().argmax(1), target);
  terms.correct = at::logical_and(right, target != criterion.ignore_index).sum();
  terms.num_answers = terms.count;
  return terms;
}

// Class probabilities: output and target [N, C].
LossTerms SoftTargets(const Criterion& criterion, const at::Tensor& output, const at::Tensor& target) {
  // A regression target would pass for probabilities and give a loss without meaning.
  const bool distribution = output.size(1) > 1 && at::all(target >= 0).item<bool>() &&
                            at::allclose(target.sum(1), at::ones({}, target.options()), 1e-3, 1e-3);
  if (!distribution) {
    Mismatch(output, target,
             "floating-point targets of cross-entropy are class probabilities, which sum to 1; for "
             "regression use loss: 'mse'");
  }
  LossTerms terms;
  terms.sum = at::cross_entropy_loss(output, target, {}, at::Reduction::None, -100, criterion.label_smoothing)
                  .sum(c10::kDouble);
  terms.count = static_cast<double>(output.numel() / output.size(1));
  terms.correct = at::eq(output.detach().argmax(1), target.argmax(1)).sum();
  terms.num_answers = terms.count;
  return terms;
}

LossTerms Elementwise(const Criterion& criterion, const at::Tensor& output, const at::Tensor& raw_target) {
  if (output.sizes() != raw_target.sizes()) {
    Mismatch(output, raw_target,
             "this criterion wants a target of the output's shape (broadcasting would hide a mistake)");
  }
  const at::Tensor target = raw_target.to(output.scalar_type());
  LossTerms terms;
  terms.count = static_cast<double>(output.numel());
  at::Tensor each;
  switch (criterion.kind) {
    case Kind::kMeanSquaredError:
      each = at::mse_loss(output, target, at::Reduction::None);
      break;
    case Kind::kL1:
      each = at::l1_loss(output, target, at::Reduction::None);
      break;
    case Kind::kHuber:
      each = at::huber_loss(output, target, at::Reduction::None, criterion.delta);
      break;
    default:
      each = at::binary_cross_entropy_with_logits(output, target, {}, {}, at::Reduction::None);
      terms.correct = at::eq(output.detach() > 0, target > 0.5).sum();
      terms.num_answers = terms.count;
  }
  terms.sum = each.sum(c10::kDouble);
  return terms;
}

// A scalar, or one value a sample.
LossTerms GivenLoss(const at::Tensor& loss, const Batch& batch, bool sums, const std::string& expected) {
  if (loss.dim() > 0 && loss.numel() != batch.num_samples())
    throw Error(code::kCriterion, expected + ", not " + Shape(loss) + ".");
  LossTerms terms;
  terms.count = static_cast<double>(batch.num_samples());
  terms.sum = loss.dim() > 0 ? loss.sum(c10::kDouble) : loss.to(c10::kDouble) * (sums ? 1.0 : terms.count);
  return terms;
}

}  // namespace

Criterion::Kind ParseCriterion(const std::string& name) {
  static const std::map<std::string, Kind> kKinds = {{"cross-entropy", Kind::kCrossEntropy},
                                                     {"mse", Kind::kMeanSquaredError},
                                                     {"bce-with-logits", Kind::kBinaryCrossEntropyWithLogits},
                                                     {"nll", Kind::kNegativeLogLikelihood},
                                                     {"l1", Kind::kL1},
                                                     {"huber", Kind::kHuber},
                                                     {"model", Kind::kModelOutput},
                                                     {"scripted", Kind::kScripted}};
  const auto found = kKinds.find(name);
  if (found == kKinds.end()) throw Error(code::kInvalidArgument, "criterion '" + name + "' is unknown");
  return found->second;
}

LossTerms ComputeLoss(const Criterion& criterion, const at::Tensor& output, const Batch& batch) {
  if (criterion.kind == Kind::kModelOutput) {
    return GivenLoss(output, batch, /*sums=*/false,
                     "With criterion 'model' the model returns its loss: a scalar (the batch's mean) or one "
                     "value a sample");
  }
  if (criterion.kind == Kind::kScripted) {
    const c10::IValue loss = criterion.scripted->Call(output, batch);
    const std::string expected = "The loss '" + criterion.scripted->path() +
                                 "' must return a floating-point tensor: a scalar or one value a sample";
    if (!loss.isTensor() || !loss.toTensor().is_floating_point())
      throw Error(code::kCriterion, expected + ".");
    if (at::GradMode::is_enabled() && output.requires_grad() && !loss.toTensor().requires_grad()) {
      throw Error(code::kCriterion, "The loss '" + criterion.scripted->path() +
                                        "' has no gradient: what it computes (argmax, comparisons, rounding) "
                                        "cannot be differentiated. Load it as a metric.");
    }
    return GivenLoss(loss.toTensor(), batch, criterion.scripted_sums, expected);
  }
  if (!batch.target())
    throw Error(
        code::kCriterion,
        "This criterion needs a target, and the data has none. Give targets, or use criterion 'model'.");
  const at::Tensor& target = *batch.target();
  const bool classes =
      criterion.kind == Kind::kCrossEntropy || criterion.kind == Kind::kNegativeLogLikelihood;
  if (!classes) return Elementwise(criterion, output, target);
  if (criterion.kind == Kind::kCrossEntropy && target.is_floating_point() && output.dim() >= 2 &&
      output.sizes() == target.sizes()) {
    return SoftTargets(criterion, output, target);
  }
  return Classification(criterion, output, batch);
}

}  // namespace lossatlas
