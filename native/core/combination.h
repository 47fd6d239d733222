// Combinations of large tensors, with what follows them in the same pass over memory.
#pragma once
#include <vector>

#include "core/first_layers.h"
#include "core/torch.h"

namespace lossatlas {

// A + Σᵢ aᵢ·Bᵢ for each of num_points rows of coefficients [num_points][terms.size() − 1], then pooled and
// rectified as `end` says. terms is A, B₁, …; an undefined B is zero, and where aᵢ = 0 its B is not read. All
// points are made in one pass over A and B, and none depends on how many there are.
std::vector<at::Tensor> Combine(const std::vector<at::Tensor>& terms, const double* coefficients,
                                int64_t num_points, LayerEnd end);

}  // namespace lossatlas
