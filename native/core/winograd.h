// Convolutions over images by Winograd's minimal filtering, and their derivatives, on the CPU.
#pragma once
#include <array>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// C(x, w) of images x [N, C, H, W] and a weight w [K, C, 3, 3] with steps of one.
struct WinogradTerm {
  at::Tensor x;
  at::Tensor w;
};

using WinogradPadding = std::array<int64_t, 2>;

// Whether C(x, w) can be computed so, and is faster.
bool SuitsWinograd(const at::Tensor& x, const at::Tensor& w, at::IntArrayRef stride, at::IntArrayRef padding,
                   at::IntArrayRef dilation, bool transposed, int64_t groups);

// Σ C(x, w) + bias over terms of one output; the bias may be undefined. With channels last.
at::Tensor WinogradConvolve(const std::vector<WinogradTerm>& terms, const at::Tensor& bias,
                            WinogradPadding padding);
// The gradient of ⟨g, C(x, w)⟩ with respect to x, and to w.
at::Tensor WinogradInputGradient(const at::Tensor& g, const at::Tensor& w, WinogradPadding padding);
at::Tensor WinogradWeightGradient(const at::Tensor& g, const at::Tensor& x, WinogradPadding padding);

}  // namespace lossatlas
