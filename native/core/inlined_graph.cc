#include "core/inlined_graph.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
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

// Where the attribute is of a module, whose mode is switched as a whole.
bool IsMode(const torch::jit::Node& node) {
  const auto type = node.input(0)->type()->cast<c10::ClassType>();
  return type && type->is_module() && node.s(c10::attr::name) == "training";
}

// Puts False for every module's `training`, and lets go of the branches that this rules out. False where the
// forward pass itself assigns it.
bool FixEvalMode(torch::jit::Graph& graph) {
  std::vector<torch::jit::Node*> reads;
  bool assigns = false;
  ForEachNode(graph.block(), [&](torch::jit::Node* node) {
    if (node->kind() == c10::prim::GetAttr && IsMode(*node)) reads.push_back(node);
    assigns = assigns || (node->kind() == c10::prim::SetAttr && IsMode(*node));
  });
  if (assigns) return false;
  for (torch::jit::Node* read : reads) {
    const torch::jit::WithInsertPoint before(read);
    read->output()->replaceAllUsesWith(graph.insertConstant(false));
  }
  return true;
}

// Scripted convolutions have a bias that may be None. Whether it is does not change.
void ResolveOptionals(const torch::jit::Module& module, torch::jit::Graph& graph) {
  std::vector<torch::jit::Node*> reads;
  ForEachNode(graph.block(), [&](torch::jit::Node* node) {
    const bool is_read = node->kind() == c10::prim::GetAttr;
    if (is_read && node->output()->type()->kind() == c10::TypeKind::OptionalType) reads.push_back(node);
  });
  for (torch::jit::Node* read : reads) {
    const std::optional<c10::IValue> value = AttributeOf(module, graph, read->output());
    if (!value || !(value->isNone() || value->isTensor())) continue;
    const torch::jit::WithInsertPoint after(read->next());
    if (value->isNone()) {
      read->output()->replaceAllUsesWith(graph.insertConstant(c10::IValue()));
    } else {
      read->output()->setType(c10::TensorType::get());
    }
  }
}

// In eval mode dropout gives back the very tensor that it is given, which its schema does not say: who writes
// to the one writes to the other.
void RemoveDropout(torch::jit::Graph& graph) {
  std::vector<torch::jit::Node*> found;
  ForEachNode(graph.block(), [&](torch::jit::Node* node) {
    if (IsDropout(*node) && torch::jit::constant_as<bool>(node->input(2)) == false) found.push_back(node);
  });
  for (torch::jit::Node* node : found) {
    node->output()->replaceAllUsesWith(node->input(0));
    node->destroy();
  }
}

}  // namespace

void ForEachNode(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit) {
  for (torch::jit::Node* node : block->nodes()) {
    for (torch::jit::Block* inner : node->blocks()) ForEachNode(inner, visit);
    visit(node);
  }
}

bool ReadsArguments(const torch::jit::Graph& graph, size_t num_added) {
  for (size_t i = 1; i + num_added < graph.inputs().size(); ++i) {
    if (graph.inputs()[i]->hasUses()) return true;
  }
  return false;
}

bool IsDropout(const torch::jit::Node& node) {
  static const std::set<std::string> kKinds = {"aten::dropout", "aten::feature_dropout",
                                               "aten::alpha_dropout", "aten::feature_alpha_dropout"};
  std::string kind = node.kind().toQualString();
  // In place.
  if (kind.ends_with('_')) kind.pop_back();
  return kKinds.contains(kind);
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

std::shared_ptr<torch::jit::Graph> InlinedEvalForward(const torch::jit::Module& module) {
  std::shared_ptr<torch::jit::Graph> graph = InlinedForward(module);
  if (!FixEvalMode(*graph)) return nullptr;
  ResolveOptionals(module, *graph);
  torch::jit::ConstantPropagationImmutableTypes(graph);
  RemoveDropout(*graph);
  torch::jit::EliminateDeadCode(graph);
  return graph;
}

std::shared_ptr<torch::jit::Graph> CopyOfNodes(const torch::jit::Graph& graph,
                                               const std::set<const torch::jit::Node*>& nodes,
                                               const std::vector<torch::jit::Value*>& outputs) {
  using torch::jit::Node;
  using torch::jit::Value;
  auto out = std::make_shared<torch::jit::Graph>();
  std::map<const Value*, Value*> values;
  for (const Value* input : graph.inputs())
    values[input] = out->addInput()->copyMetadata(const_cast<Value*>(input));
  for (const Node* node : graph.nodes()) {
    if (!nodes.contains(node)) continue;
    Node* copy = out->appendNode(
        out->createClone(const_cast<Node*>(node), [&](Value* value) { return values.at(value); }));
    for (size_t i = 0; i < node->outputs().size(); ++i) values[node->output(i)] = copy->output(i);
  }
  std::vector<Value*> copied;
  for (const Value* output : outputs) copied.push_back(values.at(output));
  out->registerOutput(out->appendNode(out->createTuple(copied))->output());
  out->lint();
  return out;
}

std::optional<std::vector<const c10::TensorImpl*>> TensorsOfAttribute(const torch::jit::Module& module,
                                                                      const torch::jit::Graph& graph,
                                                                      const torch::jit::Value* value) {
  const std::optional<c10::IValue> found = AttributeOf(module, graph, value);
  if (!found) return {};
  std::vector<const c10::TensorImpl*> out;
  if (found->isObject()) return out;
  found->visit([&](const c10::IValue& item) {
    if (item.isTensor()) out.push_back(item.toTensor().unsafeGetTensorImpl());
    return false;
  });
  return out;
}

}  // namespace lossatlas
