#include "core/buffer_state.h"

#include "core/error.h"

namespace lossatlas {

int64_t BufferState::bytes() const {
  int64_t sum = 0;
  for (const at::Tensor& tensor : tensors)
    sum += tensor.numel() * static_cast<int64_t>(tensor.element_size());
  return sum;
}

void RequireBuffersOf(const Model& model, const BufferState& state) {
  const std::vector<at::Tensor> own = model.BufferTensors();
  const std::vector<BufferInfo>& infos = model.buffers();
  if (own.size() != state.tensors.size()) {
    throw Error(code::kLayoutMismatch, "The model has " + std::to_string(own.size()) +
                                           " buffers, the other " + std::to_string(state.tensors.size()) +
                                           ".");
  }
  for (size_t i = 0; i < own.size(); ++i) {
    const at::Tensor& other = state.tensors[i];
    if (own[i].sizes() == other.sizes() && own[i].scalar_type() == other.scalar_type() &&
        own[i].device() == other.device()) {
      continue;
    }
    throw Error(code::kLayoutMismatch,
                "Buffer '" + infos[i].name + "' differs from the other model's in shape, type or device.");
  }
}

BufferState CombineBuffers(const std::vector<const BufferState*>& states,
                           const std::vector<double>& coefficients) {
  at::NoGradGuard no_grad;
  BufferState out;
  for (size_t i = 0; i < states[0]->tensors.size(); ++i) {
    const at::Tensor& first = states[0]->tensors[i];
    if (!first.is_floating_point()) {
      out.tensors.push_back(first);
      continue;
    }
    at::Tensor sum = first * coefficients[0];
    for (size_t s = 1; s < states.size(); ++s) sum.add_(states[s]->tensors[i], coefficients[s]);
    out.tensors.push_back(sum);
  }
  return out;
}

BufferState AverageBuffers(const BufferState& base, const std::vector<const BufferState*>& states,
                           const std::vector<int64_t>& indices, const std::vector<double>& factors) {
  at::NoGradGuard no_grad;
  BufferState out = base;
  for (size_t k = 0; k < indices.size(); ++k) {
    const auto index = static_cast<size_t>(indices[k]);
    at::Tensor sum = states[0]->tensors.at(index).to(c10::kDouble);
    for (size_t s = 1; s < states.size(); ++s) sum.add_(states[s]->tensors.at(index));
    const double scale = factors[k] / static_cast<double>(states.size());
    out.tensors.at(index) = (sum * scale).to(base.tensors[index].scalar_type());
  }
  return out;
}

}  // namespace lossatlas
