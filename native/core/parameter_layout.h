// Which part of a flat vector belongs to which parameter tensor.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// weight: convolution, linear, embedding, free tensors. bias: additive terms. norm: scale and shift of
// normalisation layers (BatchNorm, LayerNorm, GroupNorm, InstanceNorm, RMSNorm).
enum class Role { kWeight, kBias, kNorm };

struct ParameterInfo {
  std::string name;
  std::vector<int64_t> shape;
  int64_t offset = 0;
  int64_t numel = 0;
  Role role = Role::kWeight;
  // Classes of the modules around it, outermost first; the last owns it.
  std::vector<std::string> modules = {};
  // Further names of the same tensor: a tied weight.
  std::vector<std::string> aliases = {};
  std::string dtype = {};  // in the model; vectors have one for all
};

class ParameterLayout {
 public:
  // Offsets are assigned here, in order.
  explicit ParameterLayout(std::vector<ParameterInfo> parameters);

  const std::vector<ParameterInfo>& parameters() const { return parameters_; }
  int64_t size() const { return size_; }

  // Same names and shapes: vectors of one model fit the other.
  bool Matches(const ParameterLayout& other) const;
  // ERR_LAYOUT_MISMATCH that names the first difference.
  void RequireMatch(const ParameterLayout& other) const;

  // Views of a flat [size] tensor, one per parameter.
  std::vector<at::Tensor> Split(const at::Tensor& flat) const;
  // The flat tensor of per-parameter tensors; an undefined one counts as zeros.
  at::Tensor Join(const std::vector<at::Tensor>& tensors, at::TensorOptions options) const;

 private:
  std::vector<ParameterInfo> parameters_;
  int64_t size_ = 0;
};

const char* RoleName(Role role);

}  // namespace lossatlas
