// Reductions over long flat vectors with float64 accumulators, at memory speed on the CPU.
// Sums run in blocks of fixed size that are added in order: the result does not depend on the number of
// threads.
#pragma once
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// Σ a_i b_i
double Dot(const at::Tensor& a, const at::Tensor& b);
// Σ a_i b_i over one segment after the other, of these lengths
std::vector<double> SegmentDots(const at::Tensor& a, const at::Tensor& b,
                                const std::vector<int64_t>& lengths);
// (Σ |a_i|^p)^(1/p), p = 1 or 2
double Norm(const at::Tensor& a, int order = 2);

}  // namespace lossatlas
