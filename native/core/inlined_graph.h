// The forward method with all that it calls in one graph.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// A copy. Throws std::runtime_error where calls nest too deep or multiply without end, and what libtorch
// throws where the graph cannot be read.
std::shared_ptr<torch::jit::Graph> InlinedForward(const torch::jit::Module& module);

// The same in eval mode: `training` of every module is False, and branches that this rules out, and dropout,
// are gone. Null where the forward pass itself assigns it.
std::shared_ptr<torch::jit::Graph> InlinedEvalForward(const torch::jit::Module& module);

// A graph of these nodes of a graph's outermost block, with the same inputs; it gives a tuple of `outputs`.
std::shared_ptr<torch::jit::Graph> CopyOfNodes(const torch::jit::Graph& graph,
                                               const std::set<const torch::jit::Node*>& nodes,
                                               const std::vector<torch::jit::Value*>& outputs);

// Whether the graph reads what the forward method takes: its inputs but for the module and the last
// `num_added`.
bool ReadsArguments(const torch::jit::Graph& graph, size_t num_added);

// Dropout of any kind: (input, probability, train).
bool IsDropout(const torch::jit::Node& node);

// Inner blocks first.
void ForEachNode(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit);

// What `value` of the module's inlined graph reads from an attribute, as it is now, or the module itself;
// nullopt for anything else.
std::optional<c10::IValue> AttributeOf(const torch::jit::Module& module, const torch::jit::Graph& graph,
                                       const torch::jit::Value* value);

// The tensors in it; none of a number, nullopt of what cannot be told.
std::optional<std::vector<const c10::TensorImpl*>> TensorsOfAttribute(const torch::jit::Module& module,
                                                                      const torch::jit::Graph& graph,
                                                                      const torch::jit::Value* value);

}  // namespace lossatlas
