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
#include <mutex>
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

// Whether it could be done.
template <class Step>
bool Try(const Step& step) {
  try {
    step();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// Libtorch's older versions know no pools of host memory.
template <class Allocator>
bool EndHostPool(Allocator* allocator, Pool pool) {
  if constexpr (requires { allocator->end_allocate_to_pool(pool); })
    return Try([&] { allocator->end_allocate_to_pool(pool); });
  return false;
}
template <class Allocator>
void ReleaseHostPool(Allocator* allocator, Pool pool) {
  if constexpr (requires { allocator->release_pool(pool); }) Try([&] { allocator->release_pool(pool); });
}

// One recording of the process at a time: its beginning waits for the whole device, which would spoil
// another.
std::mutex& RecordingMutex() {
  static std::mutex mutex;
  return mutex;
}

class CudaGraph : public Recording {
 public:
  CudaGraph(const std::function<void()>& work, c10::Device device, std::shared_ptr<const Pool> pool)
      : device_(device), pool_(std::move(pool)) {
    const std::lock_guard lock(RecordingMutex());
    const c10::DeviceGuard guard(device);
    // Pending work may free memory by events, which must not be asked for in a recording.
    c10::cuda::device_synchronize();
    Begin();
    try {
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
  void Begin() {
    try {
      // Other threads may take memory meanwhile.
      graph_.capture_begin(*pool_, cudaStreamCaptureModeThreadLocal);
    } catch (...) {
      if (EndDevicePool()) ReleaseDevicePool();
      if (EndHostPool(HostAllocator(), *pool_)) ReleaseHostPool(HostAllocator(), *pool_);
      throw;
    }
  }

  // False where the recording is spoilt. How much libtorch has put back then depends on its version: what it
  // leaves open the stream would take its memory from later, and what it does not release is never freed.
  bool End() noexcept {
    if (Try([this] { graph_.capture_end(); })) return true;
    EndDevicePool();
    EndHostPool(HostAllocator(), *pool_);
    const bool releases_itself = Try([this] { graph_.pool(); });
    if (!releases_itself) {
      ReleaseDevicePool();
      ReleaseHostPool(HostAllocator(), *pool_);
    }
    return false;
  }

  bool EndDevicePool() noexcept {
    return Try([this] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device_.index(), *pool_); });
  }
  void ReleaseDevicePool() noexcept {
    Try([this] { c10::cuda::CUDACachingAllocator::releasePool(device_.index(), *pool_); });
  }
  static at::HostAllocator* HostAllocator() { return at::getHostAllocator(at::kCUDA); }

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

bool HasCudaRecorder() { return true; }

#else

std::shared_ptr<Recorder> CudaRecorder(c10::Device) { return nullptr; }

void UseRecordableStream(c10::Device) {}

int64_t NumCudaRecordings() { return 0; }

bool HasCudaRecorder() { return false; }

#endif

}  // namespace lossatlas
