#include "core/recorder.h"

#include <utility>

#include "core/cuda_recorder.h"

namespace lossatlas {
namespace {

std::shared_ptr<Recorder>& OfThread() {
  thread_local std::shared_ptr<Recorder> recorder;
  return recorder;
}

}  // namespace

std::shared_ptr<Recorder> RecorderFor(c10::Device device) {
  if (OfThread() != nullptr) return OfThread();
  return device.is_cuda() ? CudaRecorder(device) : nullptr;
}

ScopedRecorder::ScopedRecorder(std::shared_ptr<Recorder> recorder)
    : previous_(std::exchange(OfThread(), std::move(recorder))) {}

ScopedRecorder::~ScopedRecorder() { OfThread() = std::move(previous_); }

}  // namespace lossatlas
