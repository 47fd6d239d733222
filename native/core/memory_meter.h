// Counts the bytes that tensors take on this thread while it lives.
#pragma once
#include <memory>

#include "core/torch.h"

namespace lossatlas {

class MemoryMeter {
 public:
  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  int64_t live_bytes() const;  // allocated and not yet freed since the start
  int64_t peak_bytes() const;
  int64_t largest_bytes() const;  // of one tensor

 private:
  class Observer;
  std::shared_ptr<Observer> observer_;
  std::unique_ptr<c10::DebugInfoGuard> guard_;
};

}  // namespace lossatlas
