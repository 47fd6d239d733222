#pragma once
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// All numbers of a tensor, row by row.
inline std::vector<double> HostValues(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(c10::kCPU, c10::kDouble).contiguous();
  return {host.data_ptr<double>(), host.data_ptr<double>() + host.numel()};
}

}  // namespace lossatlas
