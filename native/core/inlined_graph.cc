#include "core/inlined_graph.h"

#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace lossatlas {
namespace {

// How many nodes a graph has once its calls are put in place: a short file could have them double at every
// level.
class InlinedSize {
 public:
  // Throws where calls nest too deep.
  size_t Of(const torch::jit::Graph& graph, int depth = 0) {
    constexpr int kDeepest = 256;
    if (depth > kDeepest) throw std::runtime_error("its functions call each other too deep");
    if (const auto known = sizes_.find(&graph); known != sizes_.end()) return known->second;
    size_t own = 0;
    const size_t size = OfBlock(*graph.block(), depth, own);
    own_ += own;
    return sizes_[&graph] = size;
  }
  // As written: each function once.
  size_t own() const { return own_; }

 private:
  static constexpr size_t kLarge = size_t{1} << 40;

  size_t OfBlock(const torch::jit::Block& block, int depth, size_t& own) {
    size_t size = 0;
    for (const torch::jit::Node* node : block.nodes()) {
      ++own;
      ++size;
      for (const torch::jit::Block* inner : node->blocks()) size += OfBlock(*inner, depth, own);
      const torch::jit::Function* callee = Callee(*node);
      const auto* function = dynamic_cast<const torch::jit::GraphFunction*>(callee);
      if (function != nullptr) size += Of(*function->graph(), depth + 1);
      size = std::min(size, kLarge);
    }
    return size;
  }

  static const torch::jit::Function* Callee(const torch::jit::Node& node) {
    if (node.kind() == c10::prim::CallFunction)
      return node.input(0)->type()->expectRef<c10::FunctionType>().function();
    if (node.kind() != c10::prim::CallMethod) return nullptr;
    const auto type = node.input(0)->type()->cast<c10::ClassType>();
    return type ? type->findMethod(node.s(c10::attr::name)) : nullptr;
  }

  std::map<const torch::jit::Graph*, size_t> sizes_;
  size_t own_ = 0;
};

// With the optimising executor off libtorch inlines one level of calls at a time.
void InlineAll(torch::jit::Graph& graph) {
  constexpr int kDeepest = 256;
  for (int level = 0; level < kDeepest; ++level) {
    bool has_calls = false;
    ForEachNode(graph.block(), [&](torch::jit::Node* node) {
      has_calls =
          has_calls || node->kind() == c10::prim::CallMethod || node->kind() == c10::prim::CallFunction;
    });
    if (!has_calls) return;
    torch::jit::Inline(graph);
  }
}

}  // namespace

void ForEachNode(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit) {
  for (torch::jit::Node* node : block->nodes()) {
    for (torch::jit::Block* inner : node->blocks()) ForEachNode(inner, visit);
    visit(node);
  }
}

std::optional<c10::IValue> AttributeOf(const torch::jit::Module& module, const torch::jit::Graph& graph,
                                       const torch::jit::Value* value) {
  if (value == graph.inputs().at(0)) return module._ivalue();
  const torch::jit::Node& node = *value->node();
  if (node.kind() != c10::prim::GetAttr) return {};
  const std::optional<c10::IValue> owner = AttributeOf(module, graph, node.input(0));
  if (!owner || !owner->isObject()) return {};
  return owner->toObject()->getAttr(node.s(c10::attr::name));
}

std::shared_ptr<torch::jit::Graph> InlinedForward(const torch::jit::Module& module) {
  constexpr size_t kMostShared = 16;
  constexpr size_t kFewNodes = 50'000;
  const torch::jit::Method forward = module.get_method("forward");
  InlinedSize inlined;
  if (inlined.Of(*forward.graph()) > kFewNodes + kMostShared * inlined.own())
    throw std::runtime_error("its functions call each other so often that it has no end");
  const std::shared_ptr<torch::jit::Graph> graph = forward.graph()->copy();
  InlineAll(*graph);
  return graph;
}

}  // namespace lossatlas
