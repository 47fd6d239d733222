// The weight's gradient of a convolution by Winograd's minimal filtering.
#pragma once
#include "core/winograd_layout.h"

namespace lossatlas {

// That of ⟨g, C(x, w)⟩ for images x [N, C, H, W] and g [N, K, …], with steps of one: [K, C, 3, 3], channels
// last.
at::Tensor WinogradWeightGradient(const WinogradKernels& kernels, const at::Tensor& g, const at::Tensor& x,
                                  WinogradPadding padding);

}  // namespace lossatlas
