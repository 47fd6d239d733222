#include "core/first_layers.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/environment.h"
#include "core/graph_writes.h"
#include "core/inlined_graph.h"
#include "core/pool_first.h"

namespace lossatlas {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// Where layers have them.
enum LayerInput { kInput, kWeight, kBias };

bool IsLayer(const Node& node) {
  static const std::set<std::string> kKinds = {
      "aten::linear",           "aten::conv1d",           "aten::conv2d",
      "aten::conv3d",           "aten::_convolution",     "aten::convolution",
      "aten::conv_transpose1d", "aten::conv_transpose2d", "aten::conv_transpose3d"};
  return kKinds.contains(node.kind().toQualString());
}

// Operators that give the same for the same, write to nothing and read nothing else; branches as long as what
// is in them does.
bool IsPure(const Node& node) {
  static const std::set<std::string> kKinds = {"prim::Constant",
                                               "prim::ListConstruct",
                                               "prim::ListUnpack",
                                               "prim::TupleConstruct",
                                               "prim::TupleUnpack",
                                               "prim::TupleIndex",
                                               "prim::NumToTensor",
                                               "prim::If",
                                               "prim::dtype",
                                               "aten::is_floating_point",
                                               "aten::Int",
                                               "aten::ScalarImplicit",
                                               "aten::IntImplicit",
                                               "aten::__getitem__",
                                               "aten::len",
                                               "aten::dim",
                                               "aten::size",
                                               "aten::numel",
                                               "aten::floordiv",
                                               "aten::floor_divide",
                                               "aten::add",
                                               "aten::sub",
                                               "aten::rsub",
                                               "aten::mul",
                                               "aten::div",
                                               "aten::neg",
                                               "aten::abs",
                                               "aten::square",
                                               "aten::alias",
                                               "aten::detach",
                                               "aten::clone",
                                               "aten::contiguous",
                                               "aten::to",
                                               "aten::view",
                                               "aten::reshape",
                                               "aten::flatten",
                                               "aten::unflatten",
                                               "aten::squeeze",
                                               "aten::unsqueeze",
                                               "aten::permute",
                                               "aten::transpose",
                                               "aten::t",
                                               "aten::expand",
                                               "aten::select",
                                               "aten::slice",
                                               "aten::narrow",
                                               "aten::chunk",
                                               "aten::split",
                                               "aten::cat",
                                               "aten::stack",
                                               "aten::flip",
                                               "aten::pad",
                                               "aten::constant_pad_nd",
                                               "aten::reflection_pad1d",
                                               "aten::reflection_pad2d",
                                               "aten::reflection_pad3d",
                                               "aten::replication_pad1d",
                                               "aten::replication_pad2d",
                                               "aten::replication_pad3d"};
  return kKinds.contains(node.kind().toQualString());
}

bool MayBeTensor(const Value* value) {
  const c10::TypePtr& type = value->type();
  return type->isSubtypeOf(*c10::TensorType::get()) || type->isSubtypeOf(*c10::OptionalType::ofTensor());
}

// What a layer reads: all that its input and its settings are computed from, by pure operators from the
// model's inputs and from constants alone, its weight and its bias.
class Reads {
 public:
  Reads(const Graph& graph, const GraphWrites& writes) : graph_(graph), writes_(writes) {}

  bool AddLayer(Node* layer) {
    nodes_.insert(layer);
    for (size_t i = 0; i < layer->inputs().size(); ++i) {
      Value* value = layer->input(i);
      if (i == kWeight || (i == kBias && !value->mustBeNone()) ? !AddParameter(value) : !AddKnown(value))
        return false;
    }
    return true;
  }

  const std::vector<Value*>& values() const { return values_; }
  const std::set<const Node*>& nodes() const { return nodes_; }

 private:
  bool AddParameter(Value* value) {
    if (!IsAttribute(graph_, value) || !MayBeTensor(value) || IsAssigned(value)) return false;
    values_.push_back(value);
    for (const Node* node = value->node(); node->kind() == c10::prim::GetAttr; node = node->input(0)->node())
      nodes_.insert(node);
    return true;
  }

  bool AddKnown(Value* value) {
    if (!seen_.insert(value).second) return true;
    values_.push_back(value);
    Node* node = value->node();
    if (node->kind() == c10::prim::Param)
      return node == graph_.param_node() && value != graph_.inputs().at(0);
    if (node->kind() == c10::prim::GetAttr) {
      // A number or a flag of the module's, or a list of them.
      const bool is_fixed = IsAttribute(graph_, value) && !IsAssigned(value);
      const auto list = value->type()->cast<c10::ListType>();
      const c10::TypeKind kind = list ? list->getElementType()->kind() : value->type()->kind();
      const bool is_number = kind == c10::TypeKind::IntType || kind == c10::TypeKind::FloatType ||
                             kind == c10::TypeKind::BoolType || kind == c10::TypeKind::StringType;
      if (!is_fixed || !is_number) return false;
      for (const Node* read = node; read->kind() == c10::prim::GetAttr; read = read->input(0)->node())
        nodes_.insert(read);
      return true;
    }
    nodes_.insert(node);
    return AddOperator(node);
  }

  bool AddOperator(Node* node) {
    if (!IsPure(*node)) return false;
    for (Value* input : node->inputs()) {
      if (!AddCaptured(input)) return false;
    }
    for (torch::jit::Block* block : node->blocks()) {
      for (Node* inner : block->nodes()) {
        if (!AddOperator(inner)) return false;
        values_.insert(values_.end(), inner->outputs().begin(), inner->outputs().end());
      }
      for (Value* output : block->outputs()) {
        if (!AddCaptured(output)) return false;
      }
    }
    return true;
  }

  // What is made inside a branch was added with it.
  bool AddCaptured(Value* value) { return value->node()->owningBlock() != graph_.block() || AddKnown(value); }

  bool IsAssigned(const Value* value) const {
    return writes_.AssignsAttribute(value->node()->s(c10::attr::name));
  }

  const Graph& graph_;
  const GraphWrites& writes_;
  std::vector<Value*> values_;
  std::set<const Node*> nodes_;
  std::set<const Value*> seen_;
};

bool IsAll(const Value* value, int64_t expected, bool may_be_empty = false) {
  std::vector<int64_t> items;
  if (const auto constant = torch::jit::toIValue(value); constant && constant->isIntList()) {
    items = constant->toIntVector();
  } else if (value->node()->kind() == c10::prim::ListConstruct) {
    for (const torch::jit::Use& use : value->uses()) {
      if (use.user->kind() != c10::aten::max_pool2d) return false;
    }
    for (const Value* input : value->node()->inputs()) {
      const auto item = torch::jit::constant_as<int64_t>(input);
      if (!item) return false;
      items.push_back(*item);
    }
  } else {
    return false;
  }
  return (may_be_empty || !items.empty()) &&
         std::all_of(items.begin(), items.end(), [=](int64_t item) { return item == expected; });
}

bool Rectifies(const Node& node) { return node.kind() == c10::aten::relu || node.kind() == c10::aten::relu_; }

bool Pools(const Node& node) {
  return node.kind() == c10::aten::max_pool2d && IsAll(node.inputs()[1], 2) &&
         IsAll(node.inputs()[2], 2, /*may_be_empty=*/true) && IsAll(node.inputs()[3], 0) &&
         IsAll(node.inputs()[4], 1) && torch::jit::constant_as<bool>(node.inputs()[5]) == false;
}

// A layer and the nodes of its end.
struct Chain {
  std::vector<Node*> nodes;
  LayerEnd end;
};

Chain FollowLayer(Node* layer) {
  Chain out{{layer}, {}};
  while (true) {
    const std::vector<torch::jit::Use>& uses = out.nodes.back()->output()->uses();
    if (uses.size() != 1 || uses[0].offset != 0) return out;
    Node* next = uses[0].user;
    if (next->owningBlock() != layer->owningBlock()) return out;
    if (!out.end.rectifies && Rectifies(*next)) {
      out.end.rectifies = true;
    } else if (!out.end.pools && Pools(*next)) {
      out.end.pools = true;
    } else {
      return out;
    }
    out.nodes.push_back(next);
  }
}

// Makes the outputs of the chains inputs of the graph.
void CutOff(const std::shared_ptr<Graph>& graph, const std::vector<Chain>& chains) {
  for (const Chain& chain : chains) {
    Value* input = graph->addInput("first");
    input->setType(c10::TensorType::get());
    chain.nodes.back()->output()->replaceAllUsesWith(input);
    for (auto node = chain.nodes.rbegin(); node != chain.nodes.rend(); ++node) (*node)->destroy();
  }
  torch::jit::EliminateDeadCode(graph);
}

}  // namespace

FirstLayers::FirstLayers(std::shared_ptr<Graph> layers, std::shared_ptr<Graph> rest,
                         std::vector<LayerEnd> ends)
    : ends_(std::move(ends)), reads_arguments_(ReadsArguments(*rest, ends_.size())) {
  layers_ = std::make_unique<torch::jit::GraphFunction>("first_layers", std::move(layers), nullptr);
  rest_ = std::make_unique<torch::jit::GraphFunction>("after_first_layers", std::move(rest), nullptr);
}

std::vector<at::Tensor> FirstLayers::Outputs(std::vector<c10::IValue> arguments) const {
  layers_->run(arguments);
  std::vector<at::Tensor> out;
  for (const c10::IValue& value : arguments.front().toTupleRef().elements()) out.push_back(value.toTensor());
  return out;
}

c10::IValue FirstLayers::Run(std::vector<c10::IValue> arguments, std::vector<at::Tensor> ended) const {
  for (at::Tensor& tensor : ended) arguments.emplace_back(std::move(tensor));
  rest_->run(arguments);
  return std::move(arguments.front());
}

std::unique_ptr<FirstLayers> FindFirstLayers(const torch::jit::Module& module) {
  if (EnvironmentSays("LOSSATLAS_FIRST_LAYER", "libtorch")) return nullptr;
  std::shared_ptr<Graph> graph = InlinedForward(module);
  torch::jit::ConstantPropagationImmutableTypes(graph);
  torch::jit::EliminateDeadCode(graph);
  std::vector<Chain> chains;
  std::set<const Node*> nodes;
  {
    GraphWrites writes(module, graph);
    if (!writes.are_known()) return nullptr;
    // Those inside branches and loops may not run at all.
    for (Node* node : graph->nodes()) {
      if (!IsLayer(*node)) continue;
      Reads reads(*graph, writes);
      if (!reads.AddLayer(node) || writes.MayReach(reads.values())) continue;
      chains.push_back(FollowLayer(node));
      nodes.insert(reads.nodes().begin(), reads.nodes().end());
    }
  }
  if (chains.empty()) return nullptr;
  std::vector<Value*> outputs;
  for (const Chain& chain : chains) outputs.push_back(chain.nodes.front()->output());
  std::shared_ptr<Graph> layers = CopyOfNodes(*graph, nodes, outputs);
  CutOff(graph, chains);
  PoolFirst(*graph);
  graph->lint();
  std::vector<LayerEnd> ends;
  for (const Chain& chain : chains) ends.push_back(chain.end);
  return std::make_unique<FirstLayers>(std::move(layers), graph, std::move(ends));
}

}  // namespace lossatlas
