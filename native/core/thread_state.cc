#include "core/thread_state.h"

#include <torch/csrc/jit/runtime/graph_executor.h>

#include <mutex>

#include "core/batch_norm_double_backward.h"
#include "core/caching_allocator.h"
#include "core/convolution_double_backward.h"
#include "core/torch.h"
#include "core/winograd_operators.h"

namespace lossatlas {
namespace {

void Configure() {
  at::Context& context = at::globalContext();
  context.setSDPUseFlash(false);
  context.setSDPUseMemEfficient(false);
  context.setSDPUseCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
  InstallCachingAllocator();
  InstallConvolutionDoubleBackward();
  InstallBatchNormDoubleBackward();
  InstallWinograd();
}

}  // namespace

void ConfigureProcess() {
  static std::once_flag once;
  std::call_once(once, Configure);
}

struct ThreadState::Guards {
  at::AutoGradMode grad{true};
  torch::jit::GraphOptimizerEnabledGuard executor{false};
  ScopedCachedAllocation allocation;
};

ThreadState::ThreadState() : guards_(std::make_unique<Guards>()) {}
ThreadState::~ThreadState() = default;

}  // namespace lossatlas
