#include "core/recorded_orthogonalization.h"

#include <cmath>
#include <utility>

#include "core/host_values.h"

namespace lossatlas {
namespace {

// inputs: the vector and the row's index [1]. Gives ‖vector‖², what each pass took out by rows, and the
// square of what is left; and the row.
std::vector<at::Tensor> Step(const at::Tensor& rows, const std::vector<at::Tensor>& inputs) {
  at::NoGradGuard no_grad;
  at::Tensor all = rows;
  // What a step before left there, and did not count.
  all.index_fill_(0, inputs[1], 0);
  const std::vector<at::Tensor> blocks = {all};
  at::Tensor rest = inputs[0].clone();
  const std::vector<at::Tensor> values = SubtractRows({blocks, all.size(0)}, rest);
  const at::Tensor row = (rest * values.back().rsqrt().to(rest.scalar_type())).view({1, rest.numel()});
  all.index_copy_(0, inputs[1], row);
  return {at::cat(values), all.index_select(0, inputs[1])};
}

}  // namespace

RecordedOrthogonalization::RecordedOrthogonalization(at::Tensor rows, std::shared_ptr<Recorder> recorder)
    : rows_(std::move(rows)),
      step_(std::move(recorder), rows_.scalar_type(),
            [rows = rows_](const std::vector<at::Tensor>& inputs) { return Step(rows, inputs); }) {}

Orthogonalized RecordedOrthogonalization::Run(const at::Tensor& vector, int64_t count) {
  at::NoGradGuard no_grad;
  const at::Tensor place = at::full({1}, count, rows_.options().dtype(c10::kLong));
  return ReadOverlaps(step_({vector, place})[0], rows_.size(0), count);
}

}  // namespace lossatlas
