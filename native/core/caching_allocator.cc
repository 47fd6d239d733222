#include "core/caching_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "core/environment.h"
#include "core/torch.h"

namespace lossatlas {
namespace {

// In front of every block; as large as libtorch's alignment, which it keeps.
struct Header {
  size_t block_bytes;    // with the header
  size_t touched_bytes;  // the most that a tensor in it took
  bool cached;
};
constexpr size_t kHeaderBytes = 64;
static_assert(sizeof(Header) <= kHeaderBytes);

constexpr size_t kLargest = size_t{1} << 62;
constexpr size_t kSmallestCached = size_t{64} << 10;
// Blocks beyond it are freed: the cache holds what one forward and backward pass keeps turning over.
constexpr size_t kMaxCachedBytes = size_t{4} << 30;

thread_local bool use_cache = false;
thread_local FootprintMeter* footprint_meter = nullptr;
std::atomic<bool> installed{false};

void Meter(int64_t bytes) {
  if (footprint_meter != nullptr) footprint_meter->Add(bytes);
}

// Eight classes to each power of two: at most an eighth is wasted, and a changed batch size finds its blocks.
size_t RoundUp(size_t bytes) {
  const size_t step = std::bit_floor(bytes) >> 3;
  return (bytes + step - 1) / step * step;
}

class CachingAllocator final : public at::Allocator {
 public:
  at::DataPtr allocate(size_t bytes) override {
    const at::Device host(at::kCPU);
    if (bytes == 0) return {nullptr, nullptr, &Free, host};
    TORCH_CHECK(bytes < kLargest, "a tensor of ", bytes, " bytes cannot be allocated");
    const bool cached = use_cache && bytes >= kSmallestCached;
    const size_t block_bytes = cached ? RoundUp(bytes + kHeaderBytes) : bytes + kHeaderBytes;
    void* block = cached ? Take(block_bytes) : nullptr;
    size_t touched = block == nullptr ? 0 : static_cast<Header*>(block)->touched_bytes;
    if (block == nullptr) block = Allocate(block_bytes);
    if (bytes > touched) {
      Meter(static_cast<int64_t>(bytes - touched));
      touched = bytes;
    }
    new (block) Header{block_bytes, touched, cached};
    void* data = static_cast<char*>(block) + kHeaderBytes;
    c10::profiledCPUMemoryReporter().New(data, bytes);
    return {data, data, &Free, host};
  }

  at::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }

  void Empty() {
    std::map<size_t, std::vector<void*>> blocks;
    {
      const std::lock_guard lock(mutex_);
      blocks.swap(blocks_);
      cached_bytes_ = 0;
    }
    if (blocks.empty()) return;
    for (const auto& [bytes, list] : blocks) {
      for (void* block : list) c10::free_cpu(block);
    }
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }

  int64_t cached_bytes() const { return static_cast<int64_t>(cached_bytes_); }

  static CachingAllocator& Instance() {
    // Never destroyed: tensors may be freed while the process ends.
    static auto* instance = new CachingAllocator;
    return *instance;
  }

 private:
  static void Free(void* data) {
    if (data == nullptr) return;
    c10::profiledCPUMemoryReporter().Delete(data);
    void* block = static_cast<char*>(data) - kHeaderBytes;
    const Header header = *static_cast<Header*>(block);
    // Only the compute threads fill the cache: what JavaScript lets go of later would stay in it.
    if (header.cached && use_cache && Instance().Put(block, header.block_bytes)) return;
    Meter(-static_cast<int64_t>(header.touched_bytes));
    c10::free_cpu(block);
  }

  void* Allocate(size_t bytes) {
    try {
      return c10::alloc_cpu(bytes);
    } catch (const c10::Error&) {
      // What is cached may be what is missing.
      Empty();
      return c10::alloc_cpu(bytes);
    }
  }

  void* Take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto list = blocks_.find(bytes);
    if (list == blocks_.end() || list->second.empty()) return nullptr;
    void* block = list->second.back();
    list->second.pop_back();
    cached_bytes_ -= bytes;
    return block;
  }

  bool Put(void* block, size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (cached_bytes_ + bytes > kMaxCachedBytes) return false;
    try {
      blocks_[bytes].push_back(block);
    } catch (const std::bad_alloc&) {
      return false;
    }
    cached_bytes_ += bytes;
    return true;
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> blocks_;  // by size
  std::atomic<size_t> cached_bytes_{0};
};

}  // namespace

void InstallCachingAllocator() {
  if (EnvironmentSays("LOSSATLAS_ALLOCATOR", "system")) return;
  c10::SetCPUAllocator(&CachingAllocator::Instance());
  installed = true;
}

bool CachingAllocatorInstalled() { return installed; }

FootprintMeter::FootprintMeter() : before_(footprint_meter) { footprint_meter = this; }
FootprintMeter::~FootprintMeter() { footprint_meter = before_; }

void FootprintMeter::Add(int64_t bytes) {
  const int64_t now = now_.fetch_add(bytes) + bytes;
  int64_t peak = peak_.load();
  while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
  }
}

FootprintMeter* FootprintMeter::Current() { return footprint_meter; }

SharedFootprint::SharedFootprint(FootprintMeter* meter) : before_(footprint_meter) {
  footprint_meter = meter;
}
SharedFootprint::~SharedFootprint() { footprint_meter = before_; }

void EmptyAllocatorCache() { CachingAllocator::Instance().Empty(); }

int64_t CachedBytes() { return CachingAllocator::Instance().cached_bytes(); }

ScopedCachedAllocation::ScopedCachedAllocation() : before_(use_cache) { use_cache = true; }
ScopedCachedAllocation::~ScopedCachedAllocation() { use_cache = before_; }

}  // namespace lossatlas
