// Second derivatives of BatchNorm in eval mode by the kernels of first ones. libtorch's own pass over the
// activations some twenty times.
#pragma once

namespace lossatlas {

// Once per process. LOSSATLAS_BATCH_NORM=libtorch leaves libtorch's own in place.
void InstallBatchNormDoubleBackward();

}  // namespace lossatlas
