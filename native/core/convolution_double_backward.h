// Second derivatives of convolutions by the kernels of first derivatives, and only those that are asked for.
// libtorch's own compute the gradient of an input nobody asked for, and that of the weight by a forward
// convolution whose kernel is as large as the output (pytorch#22577).
#pragma once
#include <c10/util/ThreadLocalDebugInfo.h>

namespace lossatlas {

// Once per process: offers libtorch the kernel, which does nothing to threads that do not ask for it.
// LOSSATLAS_CONVOLUTION=libtorch leaves libtorch's own in place.
void InstallConvolutionDoubleBackward();

// RAII: gradients of convolutions that are recorded (create_graph) while it lives, on this thread or on
// those that run backward passes for it, are differentiated so. A graph keeps what it was recorded with.
class ScopedConvolutionDoubleBackward {
 public:
  ScopedConvolutionDoubleBackward();
  ScopedConvolutionDoubleBackward(const ScopedConvolutionDoubleBackward&) = delete;
  ScopedConvolutionDoubleBackward& operator=(const ScopedConvolutionDoubleBackward&) = delete;

 private:
  c10::DebugInfoGuard asked_;
};

}  // namespace lossatlas
