// Winograd's filtering in the place of libtorch's convolutions, for those who ask.
#pragma once
#include "core/winograd.h"

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

  // Whether one was.
  bool filtered() const { return use_.filtered; }

  struct Use {
    WinogradKernels kernels;
    bool filtered = false;
  };

 private:
  Use use_;
  Use* outer_;
};

// The sum C(x, q) + C(p, w) + bias, all at once; undefined where that is not asked for or does not suit.
at::Tensor WinogradSum(const WinogradTerm& one, const WinogradTerm& other, const at::Tensor& bias,
                       at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                       bool transposed, int64_t groups);

// C(x, w) + bias with its end, in float32; undefined likewise, and where what is added does not lie as the
// output does.
at::Tensor WinogradEnded(const WinogradTerm& term, const at::Tensor& bias, const WinogradEnd& end,
                         at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                         int64_t groups);

// Once per process.
void InstallWinograd();

}  // namespace lossatlas
