#include "core/thread_state.h"

#include <torch/csrc/jit/runtime/graph_executor.h>

#include "core/caching_allocator.h"
#include "core/convolution_double_backward.h"
#include "core/torch.h"

namespace lossatlas {

void ConfigureProcess() {
  at::Context& context = at::globalContext();
  context.setSDPUseFlash(false);
  context.setSDPUseMemEfficient(false);
  context.setSDPUseCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
  InstallCachingAllocator();
  InstallConvolutionDoubleBackward();
}

struct ThreadState::Guards {
  at::AutoGradMode grad{true};
  torch::jit::GraphOptimizerEnabledGuard executor{false};
  ScopedCachedAllocation allocation;
};

ThreadState::ThreadState() : guards_(std::make_unique<Guards>()) {}
ThreadState::~ThreadState() = default;

}  // namespace lossatlas
