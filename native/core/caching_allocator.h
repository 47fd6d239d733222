// A cache of large host blocks for the compute threads: glibc gives every big activation back to the system
// and faults it in again for the next forward pass.
#pragma once
#include <cstdint>

namespace lossatlas {

// Makes the cache libtorch's allocator of host memory, once per process. Threads that do not ask for it are
// served as before. LOSSATLAS_ALLOCATOR=system leaves libtorch's own in place.
void InstallCachingAllocator();

// Frees what the cache keeps.
void EmptyAllocatorCache();

int64_t CachedBytes();

// False with LOSSATLAS_ALLOCATOR=system.
bool CachingAllocatorInstalled();

// RAII: the pages that this thread's blocks took from the system while it lives, those that lie in the cache
// among them. A meter of what tensors hold would miss what the cache keeps for other sizes.
class FootprintMeter {
 public:
  FootprintMeter();
  ~FootprintMeter();
  FootprintMeter(const FootprintMeter&) = delete;
  FootprintMeter& operator=(const FootprintMeter&) = delete;

  int64_t peak_bytes() const { return peak_; }
  void Add(int64_t bytes) {
    now_ += bytes;
    if (now_ > peak_) peak_ = now_;
  }

 private:
  FootprintMeter* before_;
  int64_t now_ = 0;
  int64_t peak_ = 0;
};

// RAII: large blocks of this thread come from the cache and go back to it.
class ScopedCachedAllocation {
 public:
  ScopedCachedAllocation();
  ~ScopedCachedAllocation();
  ScopedCachedAllocation(const ScopedCachedAllocation&) = delete;
  ScopedCachedAllocation& operator=(const ScopedCachedAllocation&) = delete;

 private:
  bool before_;
};

}  // namespace lossatlas
