// θ*, directions, probes and Krylov vectors: one flat tensor over a shared layout.
#pragma once
#include <memory>

#include "core/parameter_layout.h"

namespace lossatlas {

struct ParameterVector {
  std::shared_ptr<const ParameterLayout> layout;
  at::Tensor values;  // [layout->size()], contiguous, float32 or float64

  int64_t bytes() const { return values.numel() * static_cast<int64_t>(values.element_size()); }
};

}  // namespace lossatlas
