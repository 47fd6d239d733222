// Devices and dtypes by the names that users write.
#pragma once
#include <string>

#include "core/torch.h"

namespace lossatlas {

// "cpu", "cuda", "cuda:1" or "auto" (CUDA where there is one). Throws ERR_DEVICE for a device that is not
// there.
c10::Device ParseDevice(const std::string& name);
std::string DeviceName(c10::Device device);
// 0 where libtorch was linked without CUDA or finds no GPU.
int NumCudaDevices();

// "float32" or "float64"; anything else throws ERR_INVALID_ARGUMENT.
c10::ScalarType ParseFloatType(const std::string& name);
// numpy's names: float32, int64, ...
std::string TypeName(c10::ScalarType type);

}  // namespace lossatlas
