// Second derivatives of BatchNorm in eval mode by the kernels of first ones, and only those that are asked
// for. libtorch's own are a long chain of passes over the activations.
#pragma once

namespace lossatlas {

// Once per process. LOSSATLAS_BATCH_NORM=libtorch leaves libtorch's own in place.
void InstallBatchNormDoubleBackward();

}  // namespace lossatlas
