#include "core/recorded_points.h"

#include <algorithm>
#include <utility>

#include "core/host_values.h"
#include "core/scoped_state.h"

namespace lossatlas {

bool RecordedPoints::CanRecord(const Objective& objective, const Subspace& subspace) {
  return !subspace.directions.empty() && subspace.buffer_directions.empty() && objective.metrics.empty() &&
         !(objective.mode == Mode::kTrain && objective.model->DrawsAtRandom());
}

RecordedPoints::RecordedPoints(const Objective& objective, const Subspace& subspace, Precision precision,
                               const Batch& batch, const SharedValues& shared,
                               std::shared_ptr<Recorder> recorder)
    : objective_(objective),
      subspace_(subspace),
      precision_(precision),
      batch_(batch),
      shared_(shared),
      point_(at::empty_like(subspace.origin)),
      leaves_(MakeLeaves(*objective.model->layout(), point_, false)),
      function_(std::move(recorder), point_.scalar_type(),
                [this](const auto& inputs) { return PointAt(inputs[0]); }) {}

bool RecordedPoints::IsOf(const Batch& batch) const {
  const auto are_same = [](const at::Tensor& a, const at::Tensor& b) { return a.is_same(b); };
  if (!std::equal(batch.inputs().begin(), batch.inputs().end(), batch_.inputs().begin(),
                  batch_.inputs().end(), are_same))
    return false;
  return batch.target().has_value() == batch_.target().has_value() &&
         (!batch.target() || are_same(*batch.target(), *batch_.target()));
}

void RecordedPoints::Evaluate(const double* coefficients, int64_t num_points, Evaluation* out) {
  const int64_t width = static_cast<int64_t>(subspace_.directions.size());
  const at::Tensor all =
      at::tensor(c10::ArrayRef<double>(coefficients, static_cast<size_t>(num_points * width)), c10::kDouble)
          .view({num_points, width})
          .to(point_.device());
  std::vector<at::Tensor> values;
  for (int64_t p = 0; p < num_points; ++p) {
    for (const at::Tensor& value : function_({all[p]})) values.push_back(value.to(c10::kDouble));
  }
  const std::vector<double> read = HostValues(at::stack(values));
  const size_t each = read.size() / static_cast<size_t>(num_points);
  for (size_t p = 0; p < static_cast<size_t>(num_points); ++p) {
    out[p] = constants_;
    out[p].loss_sum = read[p * each];
    if (each > 1) out[p].num_correct = read[p * each + 1];
  }
}

std::vector<at::Tensor> RecordedPoints::PointAt(const at::Tensor& coefficients) {
  at::NoGradGuard no_grad;
  point_.copy_(subspace_.origin);
  for (size_t i = 0; i < subspace_.directions.size(); ++i) {
    point_.addcmul_(subspace_.directions[i], coefficients[static_cast<int64_t>(i)].to(point_.scalar_type()));
  }
  // Within what is recorded: buffers that the pass writes to are copied anew.
  const ScopedState state(*objective_.model, leaves_, objective_.mode, TensorsOf(subspace_.buffers.get()));
  const ScopedPrecision scope(precision_, point_.device());
  const at::Tensor output = shared_.frozen != nullptr
                                ? RunForwardAfter(objective_, batch_, *shared_.prefix, *shared_.frozen)
                                : RunForward(objective_, batch_, BatchNormForm::kFolded);
  const LossTerms terms = ComputeLoss(objective_.criterion, output, batch_);
  constants_.count = terms.count;
  constants_.num_answers = terms.correct.defined() ? terms.num_answers : 0;
  std::vector<at::Tensor> out = {terms.sum};
  if (terms.correct.defined()) out.push_back(terms.correct);
  return out;
}

}  // namespace lossatlas
