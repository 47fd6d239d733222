// Work on several threads at once, each of which computes for itself alone.
#pragma once
#include <cstdint>
#include <functional>

namespace lossatlas {

// Calls run(worker) for workers 0 … num_workers − 1, at least two: as many at a time as libtorch has threads,
// each with what this thread has set for libtorch, and with no further threads of its own. The first error is
// thrown when all are done.
void OnWorkers(int64_t num_workers, const std::function<void(int64_t)>& run);

}  // namespace lossatlas
