#include "core/graph_writes.h"

#include <algorithm>
#include <optional>

#include "core/inlined_graph.h"

namespace lossatlas {
namespace {

using torch::jit::Node;
using torch::jit::Value;

bool IsModule(const Value* value) {
  const auto type = value->type()->cast<c10::ClassType>();
  return type && type->is_module();
}

// What the node itself writes to.
std::vector<Value*> WrittenBy(const Node& node) {
  std::vector<Value*> out;
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) return out;
  for (size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
    const c10::AliasInfo* alias = schema->arguments()[i].alias_info();
    if (alias != nullptr && alias->isWrite()) out.push_back(const_cast<Value*>(node.input(i)));
  }
  return out;
}

}  // namespace

bool IsAttribute(const torch::jit::Graph& graph, const Value* value) {
  if (value == graph.inputs().at(0)) return true;
  const Node& node = *value->node();
  return node.kind() == c10::prim::GetAttr && IsModule(node.input(0)) && IsAttribute(graph, node.input(0));
}

GraphWrites::GraphWrites(const torch::jit::Module& module, const std::shared_ptr<torch::jit::Graph>& graph)
    : module_(module), graph_(*graph), aliases_(graph) {
  ForEachNode(graph->block(), [this](Node* node) { Add(*node); });
}

void GraphWrites::Add(const Node& node) {
  static const std::set<std::string> kUnseen = {"prim::CallMethod", "prim::CallFunction", "prim::PythonOp",
                                                "prim::fork",       "prim::awaitable",    "prim::rpc_async",
                                                "prim::Closure",    "aten::set_data"};
  if (kUnseen.contains(node.kind().toQualString())) are_known_ = false;
  if (node.kind() == c10::prim::SetAttr) assigned_.insert(node.s(c10::attr::name));
  for (Value* value : WrittenBy(node)) written_.push_back(value);
}

bool GraphWrites::MayReach(const std::vector<Value*>& values) {
  std::set<const void*> own;
  for (Value* value : values) {
    if (const void* tensor = AttributeTensor(value)) own.insert(tensor);
  }
  return std::any_of(written_.begin(), written_.end(),
                     [&](Value* written) { return Reaches(written, own, values); });
}

bool GraphWrites::Reaches(Value* written, const std::set<const void*>& own,
                          const std::vector<Value*>& values) {
  // libtorch takes any two attributes for one tensor, and counters of BatchNorm are written to. Here
  // parameters and buffers are tensors of their own, and no inputs.
  const void* tensor = AttributeTensor(written);
  if (tensor != nullptr) return own.contains(tensor);
  return std::any_of(values.begin(), values.end(),
                     [&](Value* value) { return aliases_.mayContainAlias(written, value); });
}

bool GraphWrites::MayReach(const Node& node, Value* value) {
  for (Value* written : WrittenBy(node)) {
    if (aliases_.mayContainAlias(written, value)) return true;
  }
  for (const torch::jit::Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) {
      if (MayReach(*inner, value)) return true;
    }
  }
  return false;
}

const void* GraphWrites::AttributeTensor(const Value* value) const {
  while (value->node()->kind() == c10::prim::unchecked_cast ||
         value->node()->kind() == c10::prim::unchecked_unwrap_optional)
    value = value->node()->input(0);
  if (value->node()->kind() != c10::prim::GetAttr || !IsAttribute(graph_, value)) return nullptr;
  if (AssignsAttribute(value->node()->s(c10::attr::name))) return nullptr;
  const std::optional<c10::IValue> found = AttributeOf(module_, graph_, value);
  return found && found->isTensor() ? found->toTensor().unsafeGetTensorImpl() : nullptr;
}

}  // namespace lossatlas
