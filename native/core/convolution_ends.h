// What ResNets do to a convolution's output, done where it is written: a shortcut that is added, a ReLU.
#pragma once
#include <memory>

#include "core/torch.h"

namespace lossatlas {

// Convolutions over images whose output nobody else reads but a sum, a ReLU, or a ReLU of the sum become one
// operator with it, which has the same bits: Winograd's filtering ends in it (ScopedWinograd), and after
// libtorch's convolutions sum and ReLU are taken in place.
void EndConvolutions(const std::shared_ptr<torch::jit::Graph>& graph);

}  // namespace lossatlas
