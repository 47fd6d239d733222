#include "core/precision.h"

#include <ATen/autocast_mode.h>

#include "core/error.h"

namespace lossatlas {
namespace {

void AllowTf32(bool allowed) {
  // Of the process, but analyses run one at a time on the thread of theirs, and nothing else here uses a GPU.
  at::globalContext().setAllowTF32CuDNN(allowed);
  at::globalContext().setAllowTF32CuBLAS(allowed);
}

}  // namespace

Precision ParsePrecision(const std::string& name) {
  if (name == "full") return Precision::kFull;
  if (name == "bf16") return Precision::kBfloat16;
  if (name == "tf32") return Precision::kTf32;
  throw Error(code::kInvalidArgument, "precision '" + name + "' is unknown");
}

ScopedPrecision::ScopedPrecision(Precision precision, c10::Device device)
    : precision_(precision), device_(device.type()) {
  if (precision == Precision::kTf32) AllowTf32(true);
  if (precision != Precision::kBfloat16) return;
  enabled_ = at::autocast::is_autocast_enabled(device_);
  type_ = at::autocast::get_autocast_dtype(device_);
  caches_ = at::autocast::is_autocast_cache_enabled();
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, c10::kBFloat16);
  // Parameters are other ones at every point, in the same place.
  at::autocast::set_autocast_cache_enabled(false);
}

ScopedPrecision::~ScopedPrecision() {
  if (precision_ == Precision::kTf32) AllowTf32(false);
  if (precision_ != Precision::kBfloat16) return;
  at::autocast::set_autocast_enabled(device_, enabled_);
  at::autocast::set_autocast_dtype(device_, type_);
  at::autocast::set_autocast_cache_enabled(caches_);
}

}  // namespace lossatlas
