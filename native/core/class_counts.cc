#include "core/class_counts.h"

#include "core/host_values.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

void Count(const Criterion& criterion, const at::Tensor& output, const at::Tensor& losses, const Batch& batch,
           ClassCounts& out) {
  out.num_classes = output.size(1);
  const at::Tensor counted = batch.target()->ne(criterion.ignore_index);
  const at::Tensor labels = batch.target()->masked_select(counted);
  const at::Tensor predictions = output.argmax(1).masked_select(counted);
  const int64_t n = out.num_classes;
  out.confusion = HostValues(at::bincount(labels * n + predictions, {}, n * n));
  out.loss_sums = HostValues(at::bincount(labels, losses.masked_select(counted).to(c10::kDouble), n));
}

}  // namespace

ClassCounts EvaluateClasses(const Objective& objective, const at::Tensor& theta, const BufferState* buffers,
                            const Batch& batch) {
  at::NoGradGuard no_grad;
  const ScopedState state(*objective.model, MakeLeaves(*objective.model->layout(), theta, false),
                          objective.mode, TensorsOf(buffers));
  ClassCounts out;
  LossTerms terms;
  const at::Tensor output = RunForward(objective, batch);
  out.evaluation = Measure(objective, output, batch, terms);
  const bool has_classes = terms.each.defined() && output.size(1) <= ClassCounts::kMaxClasses;
  if (has_classes) Count(objective.criterion, output, terms.each, batch, out);
  return out;
}

}  // namespace lossatlas
