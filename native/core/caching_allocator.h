// A cache of large host blocks for the compute threads: glibc gives every big activation back to the system
// and faults it in again for the next forward pass.
#pragma once
#include <atomic>
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

// RAII: the pages that blocks of this thread, and of those that work for it, took from the system while it
// lives, those that lie in the cache among them. A meter of what tensors hold would miss what the cache keeps
// for other sizes.
class FootprintMeter {
 public:
  FootprintMeter();
  ~FootprintMeter();
  FootprintMeter(const FootprintMeter&) = delete;
  FootprintMeter& operator=(const FootprintMeter&) = delete;

  int64_t peak_bytes() const { return peak_; }
  void Add(int64_t bytes);

  // This thread's, or null.
  static FootprintMeter* Current();

 private:
  FootprintMeter* before_;
  std::atomic<int64_t> now_{0};
  std::atomic<int64_t> peak_{0};
};

// RAII: this thread counts for another one's meter (null: for none).
class SharedFootprint {
 public:
  explicit SharedFootprint(FootprintMeter* meter);
  ~SharedFootprint();
  SharedFootprint(const SharedFootprint&) = delete;
  SharedFootprint& operator=(const SharedFootprint&) = delete;

 private:
  FootprintMeter* before_;
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
