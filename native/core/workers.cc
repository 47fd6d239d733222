#include "core/workers.h"

#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/caching_allocator.h"
#include "core/thread_state.h"
#include "core/torch.h"

namespace lossatlas {
namespace {

// What is computed on this thread of a parallel region stays on it. libtorch and MKL know by themselves;
// oneDNN plans a convolution for as many threads as the next region would get, and waits for ever for those
// that do not come.
void KeepToOneThread() {
#ifdef _OPENMP
  // The first parallel_for on a thread gives it libtorch's number of threads, here by this library's copy of
  // that switch and in libtorch by its own: it must not come later, in the middle of the work.
  at::internal::lazy_init_num_threads();
  at::get_num_threads();
  // Of this task alone: the number is as it was when the region ends.
  omp_set_num_threads(1);
#endif
}

}  // namespace

void OnWorkers(int64_t num_workers, const std::function<void(int64_t)>& run) {
  const at::ThreadLocalState state;
  const bool grad_mode = at::GradMode::is_enabled();
  FootprintMeter* meter = FootprintMeter::Current();
  at::parallel_for(0, num_workers, 1, [&](int64_t begin, int64_t end) {
    KeepToOneThread();
    const at::ThreadLocalStateGuard as_caller(state);
    const ThreadState thread;
    const at::AutoGradMode grad(grad_mode);
    const SharedFootprint footprint(meter);
    for (int64_t worker = begin; worker < end; ++worker) run(worker);
  });
}

}  // namespace lossatlas
