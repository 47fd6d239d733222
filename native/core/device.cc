#include "core/device.h"

#include "core/error.h"

namespace lossatlas {

int NumCudaDevices() {
  return at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0;
}

c10::Device ParseDevice(const std::string& name) {
  const int num_gpus = NumCudaDevices();
  if (name == "auto") return num_gpus > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  if (name == "cpu") return c10::Device(c10::kCPU);
  if (name == "cuda" || name.rfind("cuda:", 0) == 0) {
    if (num_gpus == 0) {
      throw Error(code::kDevice,
                  "device '" + name +
                      "' was asked for, but this libtorch sees no GPU. Use device: 'cpu' or 'auto'; "
                      "`npx lossatlas doctor` says what was found.");
    }
    int index = 0;
    if (name.size() > 5) {
      const std::string digits = name.substr(5);
      if (digits.empty() || digits.size() > 3 ||
          digits.find_first_not_of("0123456789") != std::string::npos) {
        throw Error(code::kDevice, "device '" + name + "' is not of the form cuda:0");
      }
      index = std::stoi(digits);
    }
    if (index >= num_gpus) {
      throw Error(code::kDevice, "device '" + name + "' was asked for, but there are only " +
                                     std::to_string(num_gpus) +
                                     " GPUs (cuda:0 to cuda:" + std::to_string(num_gpus - 1) + ")");
    }
    return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
  }
  throw Error(code::kDevice, "device '" + name + "' is unknown. Use 'cpu', 'cuda', 'cuda:N' or 'auto'.");
}

std::string DeviceName(c10::Device device) { return device.str(); }

c10::ScalarType ParseFloatType(const std::string& name) {
  if (name == "float32") return c10::kFloat;
  if (name == "float64") return c10::kDouble;
  if (name == "bfloat16") return c10::kBFloat16;
  throw Error(code::kInvalidArgument, "dtype '" + name + "' is not float32, float64 or bfloat16");
}

std::string TypeName(c10::ScalarType type) {
  switch (type) {
    case c10::kFloat:
      return "float32";
    case c10::kDouble:
      return "float64";
    case c10::kHalf:
      return "float16";
    case c10::kBFloat16:
      return "bfloat16";
    case c10::kByte:
      return "uint8";
    case c10::kChar:
      return "int8";
    case c10::kShort:
      return "int16";
    case c10::kInt:
      return "int32";
    case c10::kLong:
      return "int64";
    case c10::kBool:
      return "bool";
    default:
      return c10::toString(type);
  }
}

}  // namespace lossatlas
