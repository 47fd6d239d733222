// A faster max-pooling for points of a grid, which need no indices of the maxima.
#pragma once
#include "core/torch.h"

namespace lossatlas {

// RAII: on this thread max_pool2d over windows of 2 × 2 with stride 2 runs over contiguous rows, bit for bit
// as libtorch's own, which takes some eight times as long on the CPU. Without effect where grad mode is on,
// and with LOSSATLAS_POOLING=libtorch.
class ScopedPooling {
 public:
  ScopedPooling();

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

// What max_pool2d calls in that scope: a tensor over [..., H/2, W/2] of the maxima of a contiguous one on the
// CPU, or an undefined one where it must be left to libtorch.
at::Tensor PoolPairs(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride,
                     at::IntArrayRef padding, at::IntArrayRef dilation);

}  // namespace lossatlas
