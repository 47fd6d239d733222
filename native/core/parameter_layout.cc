#include "core/parameter_layout.h"

#include "core/error.h"

namespace lossatlas {
namespace {

std::string Describe(const ParameterInfo& p) {
  std::string text = "'" + p.name + "' [";
  for (size_t i = 0; i < p.shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(p.shape[i]);
  return text + "]";
}

}  // namespace

ParameterLayout::ParameterLayout(std::vector<ParameterInfo> parameters) : parameters_(std::move(parameters)) {
  for (ParameterInfo& p : parameters_) {
    p.offset = size_;
    p.numel = c10::multiply_integers(p.shape);
    size_ += p.numel;
  }
}

bool ParameterLayout::Matches(const ParameterLayout& other) const {
  if (this == &other) return true;
  if (parameters_.size() != other.parameters_.size()) return false;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const ParameterInfo& a = parameters_[i];
    const ParameterInfo& b = other.parameters_[i];
    if (a.name != b.name || a.shape != b.shape) return false;
  }
  return true;
}

void ParameterLayout::RequireMatch(const ParameterLayout& other) const {
  if (Matches(other)) return;
  std::string message = "The vector belongs to a model with other parameters: ";
  const size_t common = std::min(parameters_.size(), other.parameters_.size());
  for (size_t i = 0; i < common; ++i) {
    const ParameterInfo& a = parameters_[i];
    const ParameterInfo& b = other.parameters_[i];
    if (a.name == b.name && a.shape == b.shape) continue;
    throw Error(code::kLayoutMismatch, message + Describe(a) + " is expected, the vector has " + Describe(b));
  }
  throw Error(code::kLayoutMismatch, message + std::to_string(parameters_.size()) +
                                         " tensors are expected, the vector has " +
                                         std::to_string(other.parameters_.size()));
}

std::vector<at::Tensor> ParameterLayout::Split(const at::Tensor& flat) const {
  std::vector<at::Tensor> views;
  views.reserve(parameters_.size());
  for (const ParameterInfo& p : parameters_) views.push_back(flat.narrow(0, p.offset, p.numel).view(p.shape));
  return views;
}

at::Tensor ParameterLayout::Join(const std::vector<at::Tensor>& tensors, at::TensorOptions options) const {
  std::vector<at::Tensor> parts;
  parts.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    parts.push_back(tensors[i].defined() ? tensors[i].reshape({-1})
                                         : at::zeros({parameters_[i].numel}, options));
  }
  return at::cat(parts);
}

const char* RoleName(Role role) {
  switch (role) {
    case Role::kBias:
      return "bias";
    case Role::kNorm:
      return "norm";
    case Role::kWeight:
      break;
  }
  return "weight";
}

}  // namespace lossatlas
