// One thread per environment that does all the work of libtorch, first in, first out. It owns grad mode, the
// executor's flags and the OpenMP team (libgomp keeps a team for every thread that opens a parallel region).
//
// Lifetime rules:
// - The thread-safe function is referenced only while a task is pending, so an idle addon lets the process
// end.
// - The process's 'exit' event and the environment's cleanup hook (worker.terminate()) stop the thread: the
// step in hand
//   finishes, queued ones are dropped. The hook is registered after the thread-safe function was made; hooks
//   run last-in first-out, so the function outlives the thread.
// - A task that completes while the environment goes down is freed without touching JavaScript.
#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "core/failure.h"

namespace lossatlas {

class ComputeThread {
 public:
  // Made on the compute thread, run on the JavaScript thread to build the value that the promise gets.
  using Resolve = std::function<Napi::Value(Napi::Env)>;
  using Work = std::function<Resolve()>;

  explicit ComputeThread(Napi::Env env);
  ~ComputeThread();
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  // Runs `work` on the thread. Throws ERR_SHUTDOWN after Stop.
  Napi::Promise Submit(Napi::Env env, Work work);
  void Stop();

 private:
  struct Task {
    Napi::Promise::Deferred deferred;
    Work work;
    Resolve resolve;
    std::optional<Failure> failure;
  };

  static void Complete(Napi::Env env, Napi::Function, ComputeThread* self, Task* task);
  static void Settle(Napi::Env env, Task& task);
  using Channel = Napi::TypedThreadSafeFunction<ComputeThread, Task, Complete>;

  void Run();
  static void Execute(Task& task);

  Channel channel_;
  size_t pending_ = 0;  // JavaScript thread only
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Task>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

// The JavaScript error of a failure: message and `code`.
Napi::Error ToJavaScript(Napi::Env env, const Failure& failure);

}  // namespace lossatlas
