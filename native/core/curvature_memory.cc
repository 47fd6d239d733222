#include "core/curvature_memory.h"

#include "core/caching_allocator.h"
#include "core/memory_meter.h"

namespace lossatlas {

CurvatureMemory MeasureMemory(const std::function<std::shared_ptr<CurvatureGraph>()>& make,
                              int64_t num_vectors, bool keep, bool batched) {
  // What others left there would be taken for nothing.
  EmptyAllocatorCache();
  const MemoryMeter tensors;
  const FootprintMeter footprint;
  CurvatureMemory memory;
  bool on_host = true;
  {
    const std::shared_ptr<CurvatureGraph> graph = make();
    memory.graph_bytes = graph->graph_bytes();
    on_host = graph->options().device().is_cpu();
    // Rows of a basis, in an analysis: one vector stands for all of them.
    const at::Tensor ones = at::ones({graph->layout().size()}, graph->options());
    const std::vector<at::Tensor> vectors(static_cast<size_t>(num_vectors), ones);
    // The second product finds the first one's blocks in the cache, and may want others.
    for (int i = 0; i < (keep ? 2 : 1); ++i) graph->Apply(vectors, keep, batched);
  }
  const bool metered = on_host && CachingAllocatorInstalled();
  memory.peak_bytes = metered ? footprint.peak_bytes() : tensors.peak_bytes();
  EmptyAllocatorCache();
  return memory;
}

}  // namespace lossatlas
