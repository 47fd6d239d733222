// Winograd's filtering in the place of libtorch's convolutions, for those who ask.
#pragma once
#include "core/torch.h"

namespace lossatlas {

// RAII: convolutions in float32 that this thread runs while it lives, and their gradients, are computed so
// where that is faster. They round in other places. With `in_bfloat16` those in bfloat16 are too, where it
// shows.
class ScopedWinograd {
 public:
  explicit ScopedWinograd(bool in_bfloat16 = false);
  ~ScopedWinograd();
  ScopedWinograd(const ScopedWinograd&) = delete;
  ScopedWinograd& operator=(const ScopedWinograd&) = delete;

 private:
  bool outer_;
  bool outer_in_bfloat16_;
};

// For formulas of ours: whether C(x, w) would be.
bool TakesWinograd(const at::Tensor& x, const at::Tensor& w, at::IntArrayRef stride, at::IntArrayRef padding,
                   at::IntArrayRef dilation, bool transposed, int64_t groups);

// Once per process.
void InstallWinograd();

}  // namespace lossatlas
