#include "core/poisoned_loss.h"

#include <limits>

#include "core/error.h"

namespace lossatlas {

LossTerms ComputeAvoidance(const Criterion& criterion, const at::Tensor& output, const Batch& batch) {
  const bool classes = criterion.kind == Criterion::Kind::kCrossEntropy ||
                       criterion.kind == Criterion::Kind::kNegativeLogLikelihood;
  if (!classes || !batch.target() || batch.target()->is_floating_point() || output.dim() < 2 ||
      output.size(1) < 2 || batch.target()->dim() + 1 != output.dim()) {
    throw Error(code::kCriterion,
                "Labels can be avoided with cross-entropy or nll, an output [N, C] (or [N, C, ...]) of at "
                "least two classes, and integer labels [N] (or [N, ...]).");
  }
  const at::Tensor& target = *batch.target();
  batch.RequireLabels(output.size(1), criterion.ignore_index);
  const at::Tensor counts = target != criterion.ignore_index;
  const at::Tensor label = at::where(counts, target, at::zeros_like(target)).unsqueeze(1);
  const at::Tensor others = output.scatter(1, label, -std::numeric_limits<double>::infinity()).logsumexp(1);
  // 1 − p = σ(others − z_y)
  const at::Tensor each = -at::log_sigmoid(others - output.gather(1, label).squeeze(1));
  LossTerms terms;
  terms.sum = at::where(counts, each, at::zeros_like(each)).sum(c10::kDouble);
  terms.count = static_cast<double>(batch.NumCounted(criterion.ignore_index));
  terms.correct = at::logical_and(at::eq(output.detach().argmax(1), target), counts).sum();
  terms.num_answers = terms.count;
  return terms;
}

}  // namespace lossatlas
