#include "core/cuda_recorder.h"

#ifdef LOSSATLAS_HAS_CUDA_HEADERS
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <atomic>
#include <map>
#include <utility>

#include "core/environment.h"
#endif

namespace lossatlas {

#ifdef LOSSATLAS_HAS_CUDA_HEADERS

namespace {

// Of memory that the recordings of a thread share. Libtorch takes a pool that none of them holds any more for
// dead: the next ones need another.
using Pool = c10::MempoolId_t;

std::atomic<int64_t> num_recordings{0};

bool IsWanted() {
  static const bool wanted = EnvironmentSays("LOSSATLAS_CUDA_GRAPHS", "1");
  return wanted;
}

template <class Step>
void Try(const Step& step) {
  try {
    step();
  } catch (const std::exception&) {
    // It had been done.
  }
}

// Libtorch's older versions know no pools of host memory.
template <class Allocator>
void LeaveHostPool(Allocator* allocator, Pool pool) {
  if constexpr (requires { allocator->end_allocate_to_pool(pool); }) {
    Try([&] { allocator->end_allocate_to_pool(pool); });
    Try([&] { allocator->release_pool(pool); });
  }
}

class CudaGraph : public Recording {
 public:
  CudaGraph(const std::function<void()>& work, c10::Device device, std::shared_ptr<const Pool> pool)
      : device_(device), pool_(std::move(pool)) {
    const c10::DeviceGuard guard(device);
    // Pending work may free memory by events, which must not be asked for in a recording.
    c10::cuda::device_synchronize();
    try {
      graph_.capture_begin(*pool_);
      work();
    } catch (...) {
      End();
      throw;
    }
    if (!End()) C10_THROW_ERROR(Error, "something in it cannot be recorded as a CUDA graph");
    ++num_recordings;
  }

  void Replay() override {
    const c10::DeviceGuard guard(device_);
    graph_.replay();
  }

 private:
  // False where the recording is spoilt. Libtorch then leaves its allocators in the pool, where whatever the
  // stream does later would look for its memory.
  bool End() noexcept {
    try {
      graph_.capture_end();
      return true;
    } catch (const std::exception&) {
      bool was_open = true;
      try {
        c10::cuda::CUDACachingAllocator::endAllocateToPool(device_.index(), *pool_);
      } catch (const std::exception&) {
        was_open = false;
      }
      if (!was_open) return false;
      Try([&] { c10::cuda::CUDACachingAllocator::releasePool(device_.index(), *pool_); });
      LeaveHostPool(at::getHostAllocator(at::kCUDA), *pool_);
      return false;
    }
  }

  c10::Device device_;
  std::shared_ptr<const Pool> pool_;
  at::cuda::CUDAGraph graph_;
};

class OneDevice : public Recorder {
 public:
  explicit OneDevice(c10::Device device) : device_(device) {}

  std::unique_ptr<Recording> Record(const std::function<void()>& work) override {
    std::shared_ptr<const Pool> pool = pool_.lock();
    if (pool == nullptr) {
      pool = std::make_shared<const Pool>(at::cuda::graph_pool_handle());
      pool_ = pool;
    }
    return std::make_unique<CudaGraph>(work, device_, std::move(pool));
  }

 private:
  c10::Device device_;
  std::weak_ptr<const Pool> pool_;
};

}  // namespace

std::shared_ptr<Recorder> CudaRecorder(c10::Device device) {
  if (!IsWanted()) return nullptr;
  // Of a thread: recordings that share memory must not run at once.
  thread_local std::map<c10::DeviceIndex, std::shared_ptr<Recorder>> recorders;
  std::shared_ptr<Recorder>& recorder = recorders[device.index()];
  if (recorder == nullptr) recorder = std::make_shared<OneDevice>(device);
  return recorder;
}

void UseRecordableStream(c10::Device device) {
  if (!device.is_cuda() || !IsWanted()) return;
  const c10::DeviceIndex index = device.index();
  if (c10::cuda::getCurrentCUDAStream(index) != c10::cuda::getDefaultCUDAStream(index)) return;
  const c10::DeviceGuard guard(device);
  c10::cuda::device_synchronize();
  c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index));
}

int64_t NumCudaRecordings() { return num_recordings; }

#else

std::shared_ptr<Recorder> CudaRecorder(c10::Device) { return nullptr; }

void UseRecordableStream(c10::Device) {}

int64_t NumCudaRecordings() { return 0; }

#endif

}  // namespace lossatlas
