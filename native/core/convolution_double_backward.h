// Second derivatives of convolutions by the kernels of first derivatives, and only those that are asked for.
// libtorch's own compute the gradient of an input nobody asked for, and that of the weight by a forward
// convolution whose kernel is as large as the output (pytorch#22577).
#pragma once

namespace lossatlas {

// Once per process. LOSSATLAS_CONVOLUTION=libtorch leaves libtorch's own in place.
void InstallConvolutionDoubleBackward();

}  // namespace lossatlas
