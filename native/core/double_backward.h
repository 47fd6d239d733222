// Formulas of ours for the derivatives of gradients, where libtorch's cost too much; for those who ask.
#pragma once
#include <c10/core/DispatchKeySet.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/library.h>

namespace lossatlas {

// RAII: gradients that are recorded (create_graph) while it lives, on this thread or on those that run
// backward passes for it, are differentiated by our formulas. A graph keeps what it was recorded with.
class ScopedDoubleBackward {
 public:
  ScopedDoubleBackward();
  ScopedDoubleBackward(const ScopedDoubleBackward&) = delete;
  ScopedDoubleBackward& operator=(const ScopedDoubleBackward&) = delete;

 private:
  c10::DebugInfoGuard asked_;
};

// For kernels: whether what they compute is to be recorded with our formula.
bool RecordsDoubleBackward();

// For kernels: the keys of libtorch's own.
c10::DispatchKeySet KeysOfLibtorch(c10::DispatchKeySet keys);

// Never destroyed: graphs may be differentiated while the process ends.
torch::Library& KeptLibrary(c10::DispatchKey key);

// Puts `kernel` before libtorch's own of aten::`name` that records for autograd. Once per process.
template <class Function>
void RegisterDoubleBackward(const char* name, Function* kernel) {
  for (const c10::DispatchKey key : {c10::DispatchKey::AutogradCPU, c10::DispatchKey::AutogradCUDA})
    KeptLibrary(key).impl(name, kernel);
}

}  // namespace lossatlas
