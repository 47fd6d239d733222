#include "core/frozen_prefix.h"

#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "core/convolution_ends.h"
#include "core/graph_writes.h"
#include "core/inlined_graph.h"

namespace lossatlas {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

// Reads without a cost, which both parts may have.
bool IsRead(const Node& node) {
  return node.kind() == c10::prim::GetAttr || node.kind() == c10::prim::Constant;
}

// All that the node and what is in its blocks takes.
void ForEachInput(Node& node, const std::function<void(Value*)>& visit) {
  for (Value* input : node.inputs()) visit(input);
  for (torch::jit::Block* block : node.blocks()) {
    for (Node* inner : block->nodes()) ForEachInput(*inner, visit);
    for (Value* output : block->outputs()) visit(output);
  }
}

// Whether once is as good as once a point. Errors come at the first.
bool MayRunOnce(const Node& node) {
  if (node.isNondeterministic()) return false;
  if (node.hasSideEffects() && node.kind() != c10::prim::RaiseException) return false;
  for (const torch::jit::Block* block : node.blocks()) {
    for (const Node* inner : block->nodes()) {
      if (!MayRunOnce(*inner)) return false;
    }
  }
  return true;
}

class Splitter {
 public:
  Splitter(const torch::jit::Module& module, const std::shared_ptr<Graph>& graph,
           const std::set<const c10::TensorImpl*>& moving)
      : module_(module), graph_(*graph), moving_(moving), writes_(module, graph) {}

  // False where nothing is gained, or could be kept safely.
  bool Split() {
    if (!writes_.are_known() || writes_.assigns_attributes() || writes_.MayReach(Given())) return false;
    bool is_before = true;
    for (Node* node : graph_.nodes()) {
      if (IsRead(*node)) continue;
      is_before = is_before && MayRunOnce(*node) && !ReadsMoving(*node);
      (is_before ? before_ : after_).push_back(node);
    }
    if (after_.empty() || !HasLayer()) return false;
    FindBorder();
    return FindWritten();
  }

  const std::vector<Node*>& before() const { return before_; }
  const std::vector<Value*>& border() const { return border_; }
  const std::set<size_t>& written() const { return written_; }

 private:
  // The inputs of the graph, and all attributes that it reads.
  std::vector<Value*> Given() const {
    std::vector<Value*> out(graph_.inputs().begin() + 1, graph_.inputs().end());
    ForEachNode(graph_.block(), [&](Node* node) {
      if (node->kind() == c10::prim::GetAttr) out.push_back(node->output());
    });
    return out;
  }

  // What the node reads from attributes; nullopt where that cannot be told.
  std::optional<std::set<const c10::TensorImpl*>> AttributesOf(Node& node) const {
    std::set<const c10::TensorImpl*> out;
    bool is_known = true;
    ForEachInput(node, [&](Value* value) {
      if (value->node()->kind() != c10::prim::GetAttr) return;
      const auto tensors = TensorsOfAttribute(module_, graph_, value);
      if (tensors) out.insert(tensors->begin(), tensors->end());
      is_known = is_known && tensors;
    });
    if (!is_known) return {};
    return out;
  }

  bool ReadsMoving(Node& node) const {
    const auto read = AttributesOf(node);
    return !read || std::any_of(read->begin(), read->end(),
                                [this](const c10::TensorImpl* tensor) { return moving_.contains(tensor); });
  }

  // Else it is but the input in another form.
  bool HasLayer() const {
    return std::any_of(before_.begin(), before_.end(),
                       [this](Node* node) { return !AttributesOf(*node)->empty(); });
  }

  void FindBorder() {
    const std::set<const Node*> before(before_.begin(), before_.end());
    const auto add = [&](Value* value) {
      const bool is_new = std::find(border_.begin(), border_.end(), value) == border_.end();
      if (before.contains(value->node()) && is_new) border_.push_back(value);
    };
    for (Node* node : after_) ForEachInput(*node, add);
    for (Value* output : graph_.outputs()) add(output);
  }

  // A tensor that is written to is copied for every point, if no other value sees it.
  bool FindWritten() {
    const std::vector<Value*> writes = writes_.WrittenBy(after_);
    for (size_t i = 0; i < border_.size(); ++i) {
      const bool is_written = std::any_of(writes.begin(), writes.end(),
                                          [&](Value* value) { return writes_.MayShare(value, border_[i]); });
      if (!is_written) continue;
      if (!border_[i]->type()->isSubtypeOf(*c10::TensorType::get())) return false;
      for (size_t j = 0; j < border_.size(); ++j) {
        if (j != i && writes_.MayShare(border_[i], border_[j])) return false;
      }
      written_.insert(i);
    }
    return true;
  }

  const torch::jit::Module& module_;
  Graph& graph_;
  const std::set<const c10::TensorImpl*>& moving_;
  GraphWrites writes_;
  std::vector<Node*> before_;
  std::vector<Node*> after_;
  std::vector<Value*> border_;
  std::set<size_t> written_;
};

std::shared_ptr<Graph> PrefixOf(const Graph& graph, const Splitter& splitter) {
  std::set<const Node*> nodes(splitter.before().begin(), splitter.before().end());
  for (const Node* node : graph.nodes()) {
    if (IsRead(*node)) nodes.insert(node);
  }
  std::shared_ptr<Graph> prefix = CopyOfNodes(graph, nodes, splitter.border());
  torch::jit::EliminateDeadCode(prefix);
  return prefix;
}

// The values at the border become further inputs.
void CutOff(const std::shared_ptr<Graph>& graph, const Splitter& splitter) {
  for (Value* value : splitter.border()) {
    Value* input = graph->addInput("kept");
    input->setType(value->type());
    value->replaceAllUsesWith(input);
  }
  for (auto node = splitter.before().rbegin(); node != splitter.before().rend(); ++node) (*node)->destroy();
  torch::jit::EliminateDeadCode(graph);
  graph->lint();
}

}  // namespace

FrozenPrefix::FrozenPrefix(std::shared_ptr<Graph> prefix, std::shared_ptr<Graph> rest,
                           std::set<size_t> written, bool takes_channels_last)
    : written_(std::move(written)), takes_channels_last_(takes_channels_last) {
  // The last output of the prefix is a tuple of what was added to the rest's inputs.
  reads_arguments_ = ReadsArguments(*rest, prefix->outputs().at(0)->node()->inputs().size());
  prefix_ = std::make_unique<torch::jit::GraphFunction>("frozen_prefix", std::move(prefix), nullptr);
  rest_ = std::make_unique<torch::jit::GraphFunction>("after_frozen_prefix", std::move(rest), nullptr);
}

std::vector<c10::IValue> FrozenPrefix::Values(std::vector<c10::IValue> arguments) const {
  prefix_->run(arguments);
  return arguments.front().toTupleRef().elements().vec();
}

c10::IValue FrozenPrefix::Run(std::vector<c10::IValue> arguments,
                              const std::vector<c10::IValue>& values) const {
  for (size_t i = 0; i < values.size(); ++i)
    arguments.push_back(written_.contains(i) ? c10::IValue(values[i].toTensor().clone()) : values[i]);
  rest_->run(arguments);
  return std::move(arguments.front());
}

std::unique_ptr<FrozenPrefix> SplitAtMoving(const torch::jit::Module& module,
                                            const std::shared_ptr<Graph>& graph,
                                            const std::set<const c10::TensorImpl*>& moving,
                                            bool takes_channels_last) {
  Splitter splitter(module, graph, moving);
  if (!splitter.Split()) return nullptr;
  std::shared_ptr<Graph> prefix = PrefixOf(*graph, splitter);
  CutOff(graph, splitter);
  EndConvolutions(graph);
  return std::make_unique<FrozenPrefix>(std::move(prefix), graph, splitter.written(), takes_channels_last);
}

}  // namespace lossatlas
