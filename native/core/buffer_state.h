// Values of a model's buffers: the running statistics of a solution, or the difference of two.
#pragma once
#include <memory>
#include <vector>

#include "core/model.h"

namespace lossatlas {

struct BufferState {
  std::vector<at::Tensor> tensors;  // in the order of Model::buffers()

  int64_t bytes() const;
};

// ERR_LAYOUT_MISMATCH unless `state` has the shapes and types of the model's buffers.
void RequireBuffersOf(const Model& model, const BufferState& state);

// Σ cᵢ statesᵢ of what is floating-point; counters and flags are those of the first.
BufferState CombineBuffers(const std::vector<const BufferState*>& states,
                           const std::vector<double>& coefficients);

// `base`, but buffer indices[k] is factors[k] · (mean over `states`).
BufferState AverageBuffers(const BufferState& base, const std::vector<const BufferState*>& states,
                           const std::vector<int64_t>& indices, const std::vector<double>& factors);

}  // namespace lossatlas
