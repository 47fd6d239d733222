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
