#include "core/memory_meter.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <atomic>

namespace lossatlas {

// Autograd may run on other threads (one a GPU), which inherit the observer.
class MemoryMeter::Observer : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t alloc_size, size_t, size_t, c10::Device) override {
    const int64_t now = live_.fetch_add(alloc_size) + alloc_size;
    RaiseTo(peak_, now);
    RaiseTo(largest_, alloc_size);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t live() const { return live_; }
  int64_t peak() const { return peak_; }
  int64_t largest() const { return largest_; }

 private:
  static void RaiseTo(std::atomic<int64_t>& most, int64_t value) {
    int64_t before = most.load();
    while (value > before && !most.compare_exchange_weak(before, value)) {
    }
  }

  std::atomic<int64_t> live_{0};
  std::atomic<int64_t> peak_{0};
  std::atomic<int64_t> largest_{0};
};

MemoryMeter::MemoryMeter()
    : observer_(std::make_shared<Observer>()),
      guard_(std::make_unique<c10::DebugInfoGuard>(c10::DebugInfoKind::PROFILER_STATE, observer_)) {}

MemoryMeter::~MemoryMeter() = default;

int64_t MemoryMeter::live_bytes() const { return observer_->live(); }
int64_t MemoryMeter::peak_bytes() const { return observer_->peak(); }
int64_t MemoryMeter::largest_bytes() const { return observer_->largest(); }

}  // namespace lossatlas
