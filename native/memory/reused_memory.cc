#include "memory/reused_memory.h"

#ifdef __unix__
#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <vector>
#endif

namespace lossatlas {

#ifdef __unix__
namespace {

constexpr size_t kMaxKeptBytes = size_t{1} << 30;
constexpr size_t kGranule = size_t{1} << 20;

struct Kept {
  std::mutex mutex;
  std::vector<ReusedMemory> list;
  size_t bytes = 0;
  bool keeping = false;
};

Kept& TheKept() {
  // Never destroyed: memory may be given back while the process ends.
  static auto* kept = new Kept;
  return *kept;
}

}  // namespace

ReusedMemory TakeMemory(size_t bytes) {
  const size_t mapped = (bytes + kGranule - 1) / kGranule * kGranule;
  {
    Kept& kept = TheKept();
    const std::lock_guard lock(kept.mutex);
    kept.keeping = true;
    // Checkpoints of one model take the same. A larger mapping would hold pages that nobody counts.
    const auto same = std::find_if(kept.list.begin(), kept.list.end(),
                                   [mapped](const ReusedMemory& memory) { return memory.bytes == mapped; });
    if (same != kept.list.end()) {
      const ReusedMemory memory = *same;
      kept.list.erase(same);
      kept.bytes -= mapped;
      return memory;
    }
  }
  void* data = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? ReusedMemory{} : ReusedMemory{data, mapped};
}

void GiveBackMemory(const ReusedMemory& memory) {
  {
    Kept& kept = TheKept();
    const std::lock_guard lock(kept.mutex);
    if (kept.keeping && kept.bytes + memory.bytes <= kMaxKeptBytes) {
      kept.list.push_back(memory);
      kept.bytes += memory.bytes;
      return;
    }
  }
  munmap(memory.data, memory.bytes);
}

void ReleaseKeptMemory() {
  std::vector<ReusedMemory> list;
  {
    Kept& kept = TheKept();
    const std::lock_guard lock(kept.mutex);
    kept.keeping = false;
    kept.bytes = 0;
    list.swap(kept.list);
  }
  for (const ReusedMemory& memory : list) munmap(memory.data, memory.bytes);
}

#else

ReusedMemory TakeMemory(size_t) { return {}; }
void GiveBackMemory(const ReusedMemory&) {}
void ReleaseKeptMemory() {}

#endif

}  // namespace lossatlas
