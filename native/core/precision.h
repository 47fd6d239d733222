// Less exact products in a forward pass, for landscapes on request.
#pragma once
#include <string>

#include "core/torch.h"

namespace lossatlas {

enum class Precision {
  kFull,
  kBfloat16,  // PyTorch's autocast: convolutions and products of matrices in bfloat16, losses in float32
  kTf32,      // of a GPU: products of float32 with 10 bits of mantissa
};
Precision ParsePrecision(const std::string& name);

// RAII: forward passes of this thread are computed in it.
class ScopedPrecision {
 public:
  ScopedPrecision(Precision precision, c10::Device device);
  ~ScopedPrecision();
  ScopedPrecision(const ScopedPrecision&) = delete;
  ScopedPrecision& operator=(const ScopedPrecision&) = delete;

 private:
  Precision precision_;
  c10::DeviceType device_;
  bool enabled_ = false;
  bool caches_ = false;
  c10::ScalarType type_ = c10::kFloat;
};

}  // namespace lossatlas
