// libtorch's thread-local and process-wide switches, as every analysis needs them.
#pragma once
#include <memory>

namespace lossatlas {

// Once per process: attention falls back to the form that has a second derivative, TF32 is off, host memory
// is cached, convolutions have a cheaper second derivative.
void ConfigureProcess();

// RAII, around every job: host memory from the cache, grad mode on, TorchScript's optimising executor off (it
// silently zeroes or changes second derivatives: pytorch#73972). The executor's switch counts on the thread
// that executes.
class ThreadState {
 public:
  ThreadState();
  ~ThreadState();
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

 private:
  struct Guards;
  std::unique_ptr<Guards> guards_;
};

}  // namespace lossatlas
