// Winograd's filtering in the place of libtorch's convolutions, for those who ask.
#pragma once
#include "core/torch.h"

namespace lossatlas {

// RAII: convolutions that this thread runs while it lives, and their gradients, are computed so where that is
// faster. They round in other places.
class ScopedWinograd {
 public:
  ScopedWinograd();
  ~ScopedWinograd();
  ScopedWinograd(const ScopedWinograd&) = delete;
  ScopedWinograd& operator=(const ScopedWinograd&) = delete;

 private:
  bool outer_;
};

// For formulas of ours: whether C(x, w) would be.
bool TakesWinograd(const at::Tensor& x, const at::Tensor& w, at::IntArrayRef stride, at::IntArrayRef padding,
                   at::IntArrayRef dilation, bool transposed, int64_t groups);

// Once per process.
void InstallWinograd();

}  // namespace lossatlas
