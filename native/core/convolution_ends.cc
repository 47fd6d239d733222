#include "core/convolution_ends.h"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/library.h>

#include <optional>
#include <set>
#include <vector>

#include "core/graph_writes.h"
#include "core/inlined_graph.h"
#include "core/winograd_operators.h"

namespace lossatlas {
namespace {

using torch::jit::Node;
using torch::jit::Value;

at::Tensor EndedConv2d(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias,
                       at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                       int64_t groups, const std::optional<at::Tensor>& added, bool adds_in_place,
                       bool rectifies) {
  const at::Tensor term = added.value_or(at::Tensor());
  at::Tensor out = WinogradEnded({x, w}, bias.value_or(at::Tensor()), {term, rectifies}, stride, padding,
                                 dilation, groups);
  if (out.defined()) return out;
  out = at::conv2d(x, w, bias, stride, padding, dilation, groups);
  if (term.defined()) {
    const bool fits = out.sizes() == term.sizes() && out.scalar_type() == term.scalar_type();
    out = adds_in_place || fits ? out.add_(term) : at::add(out, term);
  }
  return rectifies ? out.relu_() : out;
}

TORCH_LIBRARY(lossatlas, library) {
  library.def(
      torch::schema("ended_conv2d(Tensor x, Tensor weight, Tensor? bias, int[] stride, int[] padding, "
                    "int[] dilation, int groups, Tensor? added, bool adds_in_place, bool rectifies) "
                    "-> Tensor",
                    c10::AliasAnalysisKind::FROM_SCHEMA),
      &EndedConv2d);
}

// aten::conv2d, whose first inputs are those of ended_conv2d; its padding may be a word.
bool IsConvolution(const Node& node) {
  return node.kind() == c10::aten::conv2d && node.input(4)->type()->kind() == c10::TypeKind::ListType;
}

bool IsRelu(const Node* node) {
  return node != nullptr && (node->kind() == c10::aten::relu || node->kind() == c10::aten::relu_);
}

// Which input of `node` is added to the value; nullopt where it is no such sum.
std::optional<size_t> PlaceOfAdded(const Value* value, const Node* node) {
  if (node == nullptr || node->inputs().size() != 3) return {};
  const bool in_place = node->kind() == c10::aten::add_;
  if (!in_place && node->kind() != c10::aten::add) return {};
  const auto alpha = torch::jit::toIValue(node->input(2));
  if (!alpha || !alpha->isScalar() || !alpha->toScalar().equal(1)) return {};
  const size_t place = node->input(0) == value ? 1 : 0;
  if (in_place && place == 0) return {};
  if (!node->input(place)->type()->isSubtypeOf(*c10::TensorType::get())) return {};
  return place;
}

// A convolution and what ends it, one after the other.
struct Chain {
  std::vector<Node*> nodes;
  std::optional<size_t> added;  // an input of the second: of a node, since values are replaced on the way
  bool rectifies = false;

  bool adds_in_place() const { return nodes[1]->kind() == c10::aten::add_; }
};

class Chains {
 public:
  explicit Chains(const std::shared_ptr<torch::jit::Graph>& graph) : aliases_(graph) {
    // What the aliases do not know of may be written to in between.
    ForEachNode(graph->block(), [this](Node* node) { may_move_ = may_move_ && !MayPassOn(*node); });
  }

  std::optional<Chain> Of(Node* convolution) {
    if (!IsConvolution(*convolution)) return {};
    Chain out{{convolution}};
    Node* next = UserOf(convolution);
    out.added = PlaceOfAdded(convolution->output(), next);
    if (out.added) {
      if (!MovesBefore(convolution, next)) return {};
      out.nodes.push_back(next);
      next = UserOf(next);
    }
    if (IsRelu(next) && (out.added ? MovesAfter(next, out.nodes[1]) : MovesBefore(convolution, next))) {
      out.nodes.push_back(next);
      out.rectifies = true;
    }
    if (out.nodes.size() == 1) return {};
    taken_.insert(out.nodes.begin(), out.nodes.end());
    return out;
  }

 private:
  // The only one, in the same block, that ends no other convolution: two may be added to each other.
  Node* UserOf(Node* node) const {
    const std::vector<torch::jit::Use>& uses = node->output()->uses();
    if (uses.size() != 1 || uses[0].user->owningBlock() != node->owningBlock()) return nullptr;
    return taken_.contains(uses[0].user) ? nullptr : uses[0].user;
  }
  bool MovesBefore(Node* node, Node* place) {
    if (node->next() == place) return true;
    return may_move_ && aliases_.moveBeforeTopologicallyValid(node, place) && node->next() == place;
  }
  bool MovesAfter(Node* node, Node* place) {
    if (place->next() == node) return true;
    return may_move_ && aliases_.moveAfterTopologicallyValid(node, place) && place->next() == node;
  }

  torch::jit::AliasDb aliases_;
  bool may_move_ = true;
  std::set<const Node*> taken_;
};

void Replace(torch::jit::Graph& graph, const Chain& chain) {
  Node* last = chain.nodes.back();
  const torch::jit::WithInsertPoint before(last);
  const auto of_convolution = chain.nodes.front()->inputs();
  std::vector<torch::jit::NamedValue> inputs(of_convolution.begin(), of_convolution.end());
  inputs.emplace_back(chain.added ? torch::jit::NamedValue(chain.nodes[1]->input(*chain.added))
                                  : torch::jit::NamedValue(c10::IValue()));
  inputs.emplace_back(c10::IValue(chain.adds_in_place()));
  inputs.emplace_back(c10::IValue(chain.rectifies));
  Value* out = graph.insert(c10::Symbol::fromQualString("lossatlas::ended_conv2d"), inputs);
  last->output()->replaceAllUsesWith(out);
  for (auto node = chain.nodes.rbegin(); node != chain.nodes.rend(); ++node) (*node)->destroy();
}

}  // namespace

void EndConvolutions(const std::shared_ptr<torch::jit::Graph>& graph) {
  std::vector<Chain> found;
  {
    Chains chains(graph);
    std::vector<Node*> nodes;
    ForEachNode(graph->block(), [&](Node* node) { nodes.push_back(node); });
    for (Node* node : nodes) {
      if (std::optional<Chain> chain = chains.Of(node)) found.push_back(std::move(*chain));
    }
  }
  for (const Chain& chain : found) Replace(*graph, chain);
  graph->lint();
}

}  // namespace lossatlas
