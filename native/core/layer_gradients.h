// The three gradients of a layer's backward kernel as a list for autograd, and back.
#pragma once
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <tuple>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

using GradientMask = std::array<bool, 3>;                               // those that are computed
using LayerGradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;  // of input, weight, bias

// autograd::Function takes no undefined outputs: those of the mask, which the context keeps.
inline torch::autograd::variable_list Pack(torch::autograd::AutogradContext* context,
                                           const LayerGradients& gradients, GradientMask mask) {
  context->saved_data["mask"] = c10::List<bool>({mask[0], mask[1], mask[2]});
  torch::autograd::variable_list out;
  if (mask[0]) out.push_back(std::get<0>(gradients));
  if (mask[1]) out.push_back(std::get<1>(gradients));
  if (mask[2]) out.push_back(std::get<2>(gradients));
  return out;
}

inline LayerGradients Unpack(const torch::autograd::variable_list& packed, GradientMask mask) {
  size_t next = 0;
  const at::Tensor of_input = mask[0] ? packed[next++] : at::Tensor();
  const at::Tensor of_weight = mask[1] ? packed[next++] : at::Tensor();
  const at::Tensor of_bias = mask[2] ? packed[next++] : at::Tensor();
  return {of_input, of_weight, of_bias};
}

// The cotangents of what was packed.
inline LayerGradients Unpack(torch::autograd::AutogradContext* context,
                             const torch::autograd::variable_list& packed) {
  const c10::List<bool> mask = context->saved_data["mask"].toBoolList();
  return Unpack(packed, {mask[0], mask[1], mask[2]});
}

// One value a channel, as a factor of or an addend to images.
inline at::Tensor Spread(const at::Tensor& channels, size_t num_dimensions) {
  std::vector<int64_t> sizes(num_dimensions, 1);
  sizes[1] = -1;
  return channels.view(sizes);
}

}  // namespace lossatlas
