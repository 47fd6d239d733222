// Scaling a direction to the model (Li et al. 2018, arXiv 1712.09913, section 4; Gabdullin 2024,
// section 2.2).
#pragma once
#include <string>
#include <vector>

#include "core/parameter_layout.h"

namespace lossatlas {

enum class Normalization { kNone, kWeight, kFilter, kLayer, kModel };
Normalization ParseNormalization(const std::string& name);

struct NormalizationOptions {
  Normalization kind = Normalization::kFilter;
  int order = 2;                                           // of the norms: Σ|x| or √Σx²
  std::vector<Role> ignored = {Role::kBias, Role::kNorm};  // set to zero
  std::vector<int64_t> frozen;  // indices of parameters that are set to zero as well
};

struct NormalizedDirection {
  at::Tensor values;
  int64_t num_zero_groups = 0;  // groups that are zero in the direction or in the model, and so stay zero
};

// filter: each slice along dim 0 of a tensor with two or more dims gets the norm of the same slice of
// `reference` (a tensor with fewer dims is one group); layer: each tensor; model: the whole vector; weight: d
// ⊙ reference.
NormalizedDirection Normalize(const ParameterLayout& layout, const at::Tensor& direction,
                              const at::Tensor& reference, const NormalizationOptions& options);

}  // namespace lossatlas
