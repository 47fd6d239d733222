// Which classes are taken for which, and the loss of each class.
#pragma once
#include <vector>

#include "core/objective.h"

namespace lossatlas {

struct ClassCounts {
  Evaluation evaluation;
  int64_t num_classes = 0;  // 0: no class indices, or more than kMaxClasses
  std::vector<double>
      confusion;  // [label][prediction] counts, row by row; the largest output is the prediction
  std::vector<double> loss_sums;  // of the samples of each label

  static constexpr int64_t kMaxClasses = 2048;
};

// Over one batch at the point θ; `buffers` null: the model's own. One forward pass serves all of it.
ClassCounts EvaluateClasses(const Objective& objective, const at::Tensor& theta, const BufferState* buffers,
                            const Batch& batch);

}  // namespace lossatlas
