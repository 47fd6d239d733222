#include "core/pool_first.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/inlined_graph.h"

namespace lossatlas {
namespace {

using torch::jit::Node;
using torch::jit::Value;

// Its output is a new tensor, which nothing else can write to but through this value.
bool MakesTensor(const Node& node) {
  static const std::set<std::string> kKinds = {"aten::linear",    "aten::conv1d",       "aten::conv2d",
                                               "aten::conv3d",    "aten::_convolution", "aten::convolution",
                                               "aten::batch_norm"};
  return kKinds.contains(node.kind().toQualString());
}

// The only user of a value that is given to it first.
Node* UserOf(const Value* value) {
  const std::vector<torch::jit::Use>& uses = value->uses();
  return uses.size() == 1 && uses[0].offset == 0 ? uses[0].user : nullptr;
}

}  // namespace

size_t PoolFirst(torch::jit::Graph& graph) {
  std::vector<std::pair<Node*, Node*>> found;
  ForEachNode(graph.block(), [&](Node* relu) {
    if (relu->kind() != c10::aten::relu && relu->kind() != c10::aten::relu_) return;
    Node* pool = UserOf(relu->output());
    if (pool == nullptr || pool->kind() != c10::aten::max_pool2d) return;
    if (!MakesTensor(*relu->input()->node()) || UserOf(relu->input()) != relu) return;
    if (pool->owningBlock() == relu->owningBlock()) found.emplace_back(relu, pool);
  });
  for (const auto& [relu, pool] : found) {
    pool->output()->replaceAllUsesWith(relu->output());
    pool->replaceInput(0, relu->input());
    relu->replaceInput(0, pool->output());
    relu->moveAfter(pool);
  }
  return found.size();
}

}  // namespace lossatlas
