#include <torch/version.h>

#include "binding/binding.h"
#include "core/cuda_recorder.h"
#include "core/device.h"
#include "core/thread_state.h"

namespace lossatlas {
namespace {

Napi::Value Info(const Arguments& args) {
  Napi::Object out = Napi::Object::New(args.env());
  out.Set("libtorch", TORCH_VERSION);
  out.Set("numCudaDevices", NumCudaDevices());
  out.Set("hasCudaRecorder", HasCudaRecorder());
  out.Set("numCudaRecordings", static_cast<double>(NumCudaRecordings()));
  return out;
}

Napi::Value LiveHandles(const Arguments& args) {
  return Napi::Number::New(args.env(), static_cast<double>(DataOf(args.env()).live_handles->load()));
}

Napi::Value Dispose(const Arguments& args) {
  DisposeHandle(args.at(0));
  return args.env().Undefined();
}

// The OpenMP team belongs to the compute thread, so its size is asked and set there. 0 asks only.
Napi::Value NumThreads(const Arguments& args) {
  const int count = static_cast<int>(args.Integer(0, "numThreads", 0, 1024));
  return Submit(
      args.env(),
      [count] {
        if (count > 0) at::set_num_threads(count);
        return at::get_num_threads();
      },
      [](Napi::Env env, int now) { return Napi::Number::New(env, now); });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  ConfigureProcess();
  auto* data = new AddonData(env);
  env.SetInstanceData(data);
  env.AddCleanupHook([data] { data->compute.Stop(); });
  // process.exit() on the main thread runs no cleanup hooks, but libtorch's static destructors: a step in
  // flight would find its dispatcher gone.
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const Napi::Function stop = Napi::Function::New(
      env, [](const Napi::CallbackInfo& info) { DataOf(info.Env()).compute.Stop(); }, "stopLossatlas");
  process.Get("once").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), stop});
  Export<Info>(exports, "info");
  Export<LiveHandles>(exports, "liveHandles");
  Export<Dispose>(exports, "dispose");
  Export<NumThreads>(exports, "numThreads");
  ExportBuffers(exports);
  ExportCurvature(exports);
  ExportModel(exports);
  ExportVector(exports);
  ExportObjective(exports);
  ExportKrylov(exports);
  ExportTraining(exports);
  return exports;
}

}  // namespace
}  // namespace lossatlas

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return lossatlas::Init(env, exports); }
NODE_API_MODULE(lossatlas, InitAddon)
