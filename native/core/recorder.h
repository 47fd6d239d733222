// Work on a device that is recorded once and then launched as a whole: hundreds of small kernels at the price
// of one launch (CUDA graphs).
#pragma once
#include <functional>
#include <memory>

#include "core/torch.h"

namespace lossatlas {

class Recording {
 public:
  virtual ~Recording() = default;
  // The same kernels on the same memory.
  virtual void Replay() = 0;
};

class Recorder {
 public:
  virtual ~Recorder() = default;
  // Runs `work`, which must have run before and must not wait for the device, and records what it does. What
  // is freed while it runs is memory of all recordings of this recorder, so that what one of them leaves in
  // its outputs is there until another one runs. Throws what `work` throws, and libtorch's error where
  // something cannot be recorded.
  virtual std::unique_ptr<Recording> Record(const std::function<void()>& work) = 0;
};

// Null where nothing is recorded: on the CPU, without LOSSATLAS_CUDA_GRAPHS=1 in the environment, in builds
// that found none of CUDA's headers.
std::shared_ptr<Recorder> RecorderFor(c10::Device device);

// RAII: this one on this thread, for whatever device. For tests.
class ScopedRecorder {
 public:
  explicit ScopedRecorder(std::shared_ptr<Recorder> recorder);
  ~ScopedRecorder();
  ScopedRecorder(const ScopedRecorder&) = delete;
  ScopedRecorder& operator=(const ScopedRecorder&) = delete;

 private:
  std::shared_ptr<Recorder> previous_;
};

}  // namespace lossatlas
