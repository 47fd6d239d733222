// What the model returns for every sample of a batch.
#pragma once
#include <vector>

#include "core/objective.h"

namespace lossatlas {

struct Outputs {
  std::vector<int64_t> shape;  // as the model returns it, samples first
  std::vector<double> values;  // row by row
};

// At the point θ in the objective's mode; `buffers` null: the model's own.
Outputs ComputeOutputs(const Objective& objective, const at::Tensor& theta, const BufferState* buffers,
                       const Batch& batch);

}  // namespace lossatlas
