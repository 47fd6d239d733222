// The forward method with all that it calls in one graph.
#pragma once
#include <functional>
#include <memory>

#include "core/torch.h"

namespace lossatlas {

// A copy. Throws std::runtime_error where calls nest too deep or multiply without end, and what libtorch
// throws where the graph cannot be read.
std::shared_ptr<torch::jit::Graph> InlinedForward(const torch::jit::Module& module);

// Inner blocks first.
void ForEachNode(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit);

}  // namespace lossatlas
