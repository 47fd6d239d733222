// An addon of its own, without libtorch: reading a checkpoint needs no model, and loading libtorch takes half
// a second.
#include <napi.h>

#include <memory>

#include "memory/reused_memory.h"

namespace lossatlas {
namespace {

constexpr double kMostBytes = 1e15;

// An ArrayBuffer of that many bytes, which may hold what lay there before; null where there is no such
// memory.
Napi::Value Take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double bytes = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(bytes >= 1 && bytes <= kMostBytes)) throw Napi::TypeError::New(env, "take needs a number of bytes");
  const auto size = static_cast<size_t>(bytes);
  const ReusedMemory memory = TakeMemory(size);
  if (memory.data == nullptr) return env.Null();
  auto* owned = new ReusedMemory(memory);
  const auto give_back = [](napi_env, void*, void* hint) {
    const std::unique_ptr<ReusedMemory> memory(static_cast<ReusedMemory*>(hint));
    GiveBackMemory(*memory);
  };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, memory.data, size, give_back, owned, &buffer) == napi_ok) {
    return {env, buffer};
  }
  // Hosts that keep all buffers in a cage of their own refuse (Electron).
  give_back(env, nullptr, owned);
  return env.Null();
}

void Release(const Napi::CallbackInfo&) { ReleaseKeptMemory(); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("take", Napi::Function::New(env, Take, "take"));
  exports.Set("release", Napi::Function::New(env, Release, "release"));
  return exports;
}

}  // namespace
}  // namespace lossatlas

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return lossatlas::Init(env, exports); }
NODE_API_MODULE(lossatlas_memory, InitAddon)
