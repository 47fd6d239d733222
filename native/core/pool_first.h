// Max-pooling before ReLU instead of after it.
#pragma once
#include "core/torch.h"

namespace lossatlas {

// The largest of rectified values is the rectified largest one: where nobody else reads what a layer or a
// BatchNorm gives, nor its ReLU, the ReLU is taken of the fewer values after max-pooling. Derivatives are the
// same too: where the largest one is not positive they are zero either way. How often that was so.
size_t PoolFirst(torch::jit::Graph& graph);

}  // namespace lossatlas
