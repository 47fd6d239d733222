// What one environment (the main thread, or a worker) owns.
#pragma once
#include <napi.h>

#include <atomic>
#include <memory>

#include "runtime/compute_thread.h"

namespace lossatlas {

struct AddonData {
  explicit AddonData(Napi::Env env) : compute(env), live_handles(std::make_shared<std::atomic<int64_t>>(0)) {}

  ComputeThread compute;
  // Shared with the handles: their finalizers may run after this is gone.
  std::shared_ptr<std::atomic<int64_t>> live_handles;
};

inline AddonData& DataOf(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }

}  // namespace lossatlas
