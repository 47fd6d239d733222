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
std::vector<Value*> OwnWrites(Node& node) {
  std::vector<Value*> out;
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) return out;
  for (size_t i = 0; i < schema->arguments().size() && i < node.inputs().size(); ++i) {
    const c10::AliasInfo* alias = schema->arguments()[i].alias_info();
    if (alias != nullptr && alias->isWrite()) out.push_back(node.input(i));
  }
  // The running statistics of normalisation in train mode, which the schema does not name.
  static const std::set<std::string> kNorms = {"aten::batch_norm", "aten::instance_norm",
                                               "aten::native_batch_norm", "aten::cudnn_batch_norm"};
  constexpr size_t kMean = 3, kVariance = 4, kTraining = 5;
  if (kNorms.contains(node.kind().toQualString()) && node.inputs().size() > kTraining &&
      torch::jit::constant_as<bool>(node.input(kTraining)) != false) {
    out.push_back(node.input(kMean));
    out.push_back(node.input(kVariance));
  }
  return out;
}

void CollectWrites(Node& node, std::vector<Value*>& out) {
  const std::vector<Value*> own = OwnWrites(node);
  out.insert(out.end(), own.begin(), own.end());
  for (torch::jit::Block* block : node.blocks()) {
    for (Node* inner : block->nodes()) CollectWrites(*inner, out);
  }
}

}  // namespace

bool MayPassOn(const Node& node) {
  static const std::set<std::string> kKinds = {
      "aten::type_as",           "aten::sum_to_size",     "aten::atleast_1d",
      "aten::atleast_2d",        "aten::atleast_3d",      "aten::meshgrid",
      "aten::broadcast_tensors", "aten::cartesian_prod",  "aten::chain_matmul",
      "aten::linalg_multi_dot",  "aten::einsum",          "aten::pixel_shuffle",
      "aten::pixel_unshuffle",   "aten::channel_shuffle", "aten::_cast_Float",
      "aten::_cast_Double",      "aten::_cast_Half"};
  return IsDropout(node) || kKinds.contains(node.kind().toQualString());
}

bool IsAttribute(const torch::jit::Graph& graph, const Value* value) {
  if (value == graph.inputs().at(0)) return true;
  const Node& node = *value->node();
  return node.kind() == c10::prim::GetAttr && IsModule(node.input(0)) && IsAttribute(graph, node.input(0));
}

bool IsUnseen(const Node& node) {
  static const std::set<std::string> kKinds = {"prim::CallMethod", "prim::CallFunction", "prim::PythonOp",
                                               "prim::fork",       "prim::awaitable",    "prim::rpc_async",
                                               "prim::Closure",    "aten::set_data"};
  return kKinds.contains(node.kind().toQualString());
}

GraphWrites::GraphWrites(const torch::jit::Module& module, const std::shared_ptr<torch::jit::Graph>& graph)
    : module_(module), graph_(*graph), aliases_(graph) {
  ForEachNode(graph->block(), [this](Node* node) { Add(*node); });
  AddUnseenAliases(written_);
}

void GraphWrites::Add(Node& node) {
  if (IsUnseen(node)) are_known_ = false;
  if (node.kind() == c10::prim::SetAttr) assigned_.insert(node.s(c10::attr::name));
  if (MayPassOn(node)) passing_on_.push_back(&node);
  for (Value* value : OwnWrites(node)) written_.push_back(value);
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

void GraphWrites::AddUnseenAliases(std::vector<Value*>& values) {
  const auto is_among = [&](Value* value) {
    return std::any_of(values.begin(), values.end(),
                       [&](Value* known) { return aliases_.mayContainAlias(known, value); });
  };
  std::set<const Node*> seen;
  for (bool grows = true; grows;) {
    grows = false;
    for (Node* node : passing_on_) {
      if (seen.contains(node)) continue;
      std::vector<Value*> ends(node->inputs().begin(), node->inputs().end());
      ends.insert(ends.end(), node->outputs().begin(), node->outputs().end());
      if (!std::any_of(ends.begin(), ends.end(), is_among)) continue;
      values.insert(values.end(), ends.begin(), ends.end());
      seen.insert(node);
      grows = true;
    }
  }
}

std::vector<Value*> GraphWrites::WrittenBy(const std::vector<Node*>& nodes) {
  std::vector<Value*> out;
  for (Node* node : nodes) CollectWrites(*node, out);
  AddUnseenAliases(out);
  return out;
}

bool GraphWrites::MayShare(Value* a, Value* b) {
  std::vector<Value*> all{a};
  AddUnseenAliases(all);
  return std::any_of(all.begin(), all.end(),
                     [&](Value* value) { return aliases_.mayContainAlias(value, b); });
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
