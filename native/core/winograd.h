// Convolutions over images by Winograd's minimal filtering, on the CPU.
#pragma once
#include <vector>

#include "core/winograd_layout.h"

namespace lossatlas {

// C(x, w) of images x [N, C, H, W] and a weight w [K, C, 3, 3] with steps of one.
struct WinogradTerm {
  at::Tensor x;
  at::Tensor w;
};

// What is done to the sum of convolutions before it is written: `added`, undefined or with the type, sizes
// and layout of the output, and then max(·, 0).
struct WinogradEnd {
  at::Tensor added = {};
  bool rectifies = false;
};

// Whether C(x, w) can be computed so, and is faster.
bool SuitsWinograd(const WinogradKernels& kernels, const at::Tensor& x, const at::Tensor& w,
                   at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                   int64_t groups);

// Σ C(x, w) + bias over terms of one output, each of which suits; the bias may be undefined. With channels
// last.
at::Tensor WinogradConvolve(const WinogradKernels& kernels, const std::vector<WinogradTerm>& terms,
                            const at::Tensor& bias, WinogradPadding padding, const WinogradEnd& end = {});
// The gradient of ⟨g, C(x, w)⟩ with respect to x, in float32.
at::Tensor WinogradInputGradient(const WinogradKernels& kernels, const at::Tensor& g, const at::Tensor& w,
                                 WinogradPadding padding);

}  // namespace lossatlas
