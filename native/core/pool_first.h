// Max-pooling before ReLU instead of after it.
#pragma once
#include "core/torch.h"

namespace lossatlas {

// The largest of rectified values is the rectified largest one: where nobody else reads what a layer or a
// BatchNorm gives, nor its ReLU, the ReLU is taken of the fewer values after max-pooling.
void PoolFirst(torch::jit::Graph& graph);

}  // namespace lossatlas
