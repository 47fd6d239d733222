#include "runtime/compute_thread.h"

#include <chrono>

#include "core/caching_allocator.h"
#include "core/error.h"
#include "core/thread_state.h"

namespace lossatlas {
namespace {

constexpr std::chrono::milliseconds kIdleAfter{500};

}  // namespace

ComputeThread::ComputeThread(Napi::Env env)
    : channel_(Channel::New(env, "lossatlas", /*maxQueueSize=*/0, /*initialThreadCount=*/1, this)) {
  channel_.Unref(env);
  thread_ = std::thread([this] { Run(); });
}

ComputeThread::~ComputeThread() { Stop(); }

Napi::Promise ComputeThread::Submit(Napi::Env env, Work work) {
  auto task =
      std::make_unique<Task>(Task{Napi::Promise::Deferred::New(env), std::move(work), nullptr, std::nullopt});
  const Napi::Promise promise = task->deferred.Promise();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) throw Error(code::kShutdown, "This environment is shutting down.");
    queue_.push_back(std::move(task));
  }
  if (pending_++ == 0) channel_.Ref(env);
  wake_.notify_one();
  return promise;
}

void ComputeThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    queue_.clear();
  }
  wake_.notify_one();
  thread_.join();
  channel_.Release();
}

void ComputeThread::Run() {
  while (true) {
    std::unique_ptr<Task> task;
    {
      std::unique_lock lock(mutex_);
      const auto woken = [this] { return stopping_ || !queue_.empty(); };
      if (!wake_.wait_for(lock, kIdleAfter, woken)) {
        // The analysis is over: its memory goes back.
        lock.unlock();
        EmptyAllocatorCache();
        lock.lock();
        wake_.wait(lock, woken);
      }
      if (stopping_) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    Execute(*task);
    // Refused only when the environment is going down; the promise then has nobody left to wait for it.
    if (channel_.NonBlockingCall(task.get()) == napi_ok) task.release();
  }
}

void ComputeThread::Execute(Task& task) {
  const ThreadState state;
  try {
    task.resolve = task.work();
  } catch (...) {
    task.failure = CurrentFailure();
  }
  // Inputs are released here, not on the JavaScript thread: freeing a graph can take a while.
  task.work = nullptr;
}

void ComputeThread::Complete(Napi::Env env, Napi::Function, ComputeThread* self, Task* raw) {
  const std::unique_ptr<Task> task(raw);
  if (static_cast<napi_env>(env) == nullptr) return;
  try {
    const Napi::HandleScope scope(env);
    if (--self->pending_ == 0) self->channel_.Unref(env);
    Settle(env, *task);
  } catch (const Napi::Error&) {
    // JavaScript can no longer run: the worker was terminated, and nobody waits for the promise.
  }
}

void ComputeThread::Settle(Napi::Env env, Task& task) {
  if (task.failure) {
    task.deferred.Reject(ToJavaScript(env, *task.failure).Value());
    return;
  }
  try {
    task.deferred.Resolve(task.resolve(env));
  } catch (const Napi::Error& e) {
    task.deferred.Reject(e.Value());
  } catch (...) {
    task.deferred.Reject(ToJavaScript(env, CurrentFailure()).Value());
  }
}

Napi::Error ToJavaScript(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Set("code", Napi::String::New(env, failure.code));
  return error;
}

}  // namespace lossatlas
