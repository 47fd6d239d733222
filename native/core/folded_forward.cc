#include "core/folded_forward.h"

#include <torch/csrc/jit/ir/alias_analysis.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/convolution_ends.h"
#include "core/environment.h"
#include "core/graph_writes.h"
#include "core/inlined_graph.h"
#include "core/pool_first.h"

namespace lossatlas {
namespace {

using torch::jit::Node;
using torch::jit::Value;

// Dimensions of its weight; nullopt where the node is no convolution that can be folded into.
std::optional<int64_t> WeightDimensions(const Node& node) {
  const std::string kind = node.kind().toQualString();
  if (kind == "aten::conv1d") return 3;
  if (kind == "aten::conv2d") return 4;
  if (kind == "aten::conv3d") return 5;
  if (kind != "aten::_convolution" && kind != "aten::convolution") return {};
  // A transposed one has its output channels elsewhere.
  if (torch::jit::constant_as<bool>(node.input(6)) != false) return {};
  const Node& stride = *node.input(3)->node();
  if (stride.kind() == c10::prim::ListConstruct) return 2 + static_cast<int64_t>(stride.inputs().size());
  const auto constant = torch::jit::toIValue(node.input(3));
  if (!constant || !constant->isIntList()) return {};
  return 2 + static_cast<int64_t>(constant->toIntVector().size());
}

// A traced module calls the operator that aten::convolution calls, past what stands in for that one. Whether
// something was rewritten.
bool WriteAsScripted(torch::jit::Graph& graph) {
  std::vector<std::pair<Node*, int64_t>> found;
  ForEachNode(graph.block(), [&found](Node* node) {
    const std::optional<int64_t> dimensions = WeightDimensions(*node);
    if (dimensions && std::string(node->kind().toQualString()) == "aten::_convolution")
      found.emplace_back(node, *dimensions);
  });
  for (const auto& [node, dimensions] : found) {
    const torch::jit::WithInsertPoint before(node);
    const std::string kind = "aten::conv" + std::to_string(dimensions - 2) + "d";
    Value* out = graph.insert(c10::Symbol::fromQualString(kind),
                              {node->input(0), node->input(1), node->input(2), node->input(3), node->input(4),
                               node->input(5), node->input(8)});
    node->output()->replaceAllUsesWith(out);
    node->destroy();
  }
  return !found.empty();
}

bool IsNone(const Value* value) { return value->mustBeNone(); }
bool IsTensor(const Value* value) { return value->type()->isSubtypeOf(*c10::TensorType::get()); }
bool IsTensorOrNone(const Value* value) { return IsNone(value) || IsTensor(value); }

// Inputs of batch_norm and native_batch_norm alike.
enum BatchNormInput { kInput, kWeight, kBias, kMean, kVariance, kTraining, kMomentum, kEps };

// The convolution that `node` normalises the output of.
Node* ConvolutionBefore(const Node& node) {
  const std::string kind = node.kind().toQualString();
  if (kind != "aten::batch_norm" && kind != "aten::native_batch_norm") return nullptr;
  for (size_t i = 1; i < node.outputs().size(); ++i) {
    if (node.output(i)->hasUses()) return nullptr;
  }
  if (torch::jit::constant_as<bool>(node.input(kTraining)) != false) return nullptr;
  if (!IsTensor(node.input(kMean)) || !IsTensor(node.input(kVariance))) return nullptr;
  if (!IsTensorOrNone(node.input(kWeight)) || !IsTensorOrNone(node.input(kBias))) return nullptr;
  Node* convolution = node.input(kInput)->node();
  if (convolution->owningBlock() != node.owningBlock() || !WeightDimensions(*convolution)) return nullptr;
  if (!IsTensorOrNone(convolution->input(2))) return nullptr;
  for (const torch::jit::Use& use : convolution->output()->uses()) {
    if (use.user != &node && use.user->kind() != c10::aten::dim) return nullptr;
  }
  return convolution;
}

// BatchNorm's own check of its input, to which the convolution's has as many dimensions.
void AskInputForDimensions(Node* convolution) {
  const std::vector<torch::jit::Use> uses = convolution->output()->uses();
  for (const torch::jit::Use& use : uses) {
    if (use.user->kind() == c10::aten::dim) use.user->replaceInput(use.offset, convolution->input(0));
  }
}

// The convolution stands right before, so that all of the BatchNorm's inputs are known there.
void Fold(torch::jit::Graph& graph, Node* convolution, Node* norm) {
  const torch::jit::WithInsertPoint before(convolution);
  const auto insert = [&graph](c10::Symbol kind, std::vector<torch::jit::NamedValue> inputs) {
    return graph.insert(kind, inputs);
  };
  Value* scale =
      insert(c10::aten::rsqrt, {insert(c10::aten::add, {norm->input(kVariance), norm->input(kEps)})});
  if (!IsNone(norm->input(kWeight))) scale = insert(c10::aten::mul, {norm->input(kWeight), scale});

  std::vector<int64_t> per_channel(static_cast<size_t>(*WeightDimensions(*convolution)), 1);
  per_channel[0] = -1;
  Value* spread = insert(c10::aten::reshape, {scale, per_channel});
  Value* weight = insert(c10::aten::mul, {convolution->input(1), spread});

  Value* bias = convolution->input(2);
  bias = IsNone(bias) ? insert(c10::aten::neg, {norm->input(kMean)})
                      : insert(c10::aten::sub, {bias, norm->input(kMean)});
  bias = insert(c10::aten::mul, {bias, scale});
  if (!IsNone(norm->input(kBias))) bias = insert(c10::aten::add, {bias, norm->input(kBias)});

  convolution->replaceInput(1, weight);
  convolution->replaceInput(2, bias);
  norm->output(0)->replaceAllUsesWith(convolution->output());
  norm->destroy();
}

// Whether nothing but convolutions over images takes it, as their weight, scaled perhaps by Fold.
bool IsImageWeight(const Value* value) {
  constexpr int64_t kDimensions = 4;
  for (const torch::jit::Use& use : value->uses()) {
    const Node& user = *use.user;
    if (user.kind() == c10::aten::mul && use.offset == 0) {
      if (!IsImageWeight(user.output())) return false;
    } else if (use.offset != 1 || WeightDimensions(user) != kDimensions) {
      return false;
    }
  }
  return !value->uses().empty();
}

// What would see, or depend on, how tensors lie in memory.
bool AsksForLayout(torch::jit::Graph& graph) {
  static const std::set<std::string> kKinds = {
      "aten::as_strided",     "aten::as_strided_",   "aten::stride",        "aten::is_contiguous",
      "aten::storage_offset", "aten::resize_",       "aten::resize_as_",    "aten::set_",
      "aten::empty_like",     "aten::empty_strided", "aten::_reshape_alias"};
  bool asks = false;
  ForEachNode(graph.block(),
              [&](Node* node) { asks = asks || kKinds.contains(node->kind().toQualString()); });
  return asks;
}

// Whether something folds.
bool FoldBatchNorm(const std::shared_ptr<torch::jit::Graph>& graph) {
  std::vector<std::pair<Node*, Node*>> found;
  ForEachNode(graph->block(), [&](Node* norm) {
    Node* convolution = ConvolutionBefore(*norm);
    if (convolution != nullptr) found.emplace_back(convolution, norm);
  });
  for (const auto& pair : found) AskInputForDimensions(pair.first);
  {
    // Something in between may write to what the convolution reads: it is moved only where that changes
    // nothing.
    torch::jit::AliasDb aliases(graph);
    // Which does not know of all that may be one tensor.
    bool passes_on = false;
    ForEachNode(graph->block(), [&](Node* node) { passes_on = passes_on || MayPassOn(*node); });
    std::erase_if(found, [&](const auto& pair) {
      if (pair.first->next() == pair.second) return false;
      return passes_on || !aliases.moveBeforeTopologicallyValid(pair.first, pair.second) ||
             pair.first->next() != pair.second;
    });
  }
  for (const auto& [convolution, norm] : found) Fold(*graph, convolution, norm);
  return !found.empty();
}

}  // namespace

FoldedForward::FoldedForward(std::shared_ptr<torch::jit::Graph> graph, bool folds_batch_norm)
    : folds_batch_norm_(folds_batch_norm), takes_channels_last_(folds_batch_norm && !AsksForLayout(*graph)) {
  std::shared_ptr<torch::jit::Graph> ended = graph->copy();
  EndConvolutions(ended);
  function_ = std::make_unique<torch::jit::GraphFunction>("folded_forward", std::move(graph), nullptr);
  ended_ = std::make_unique<torch::jit::GraphFunction>("ended_forward", std::move(ended), nullptr);
}

c10::IValue FoldedForward::Run(std::vector<c10::IValue> arguments) const {
  (at::GradMode::is_enabled() ? function_ : ended_)->run(arguments);
  return std::move(arguments.front());
}

std::shared_ptr<torch::jit::Graph> FoldedForward::CopyGraph() const { return function_->graph()->copy(); }

std::set<const c10::TensorImpl*> FoldedForward::ImageWeights(const torch::jit::Module& module) const {
  const std::shared_ptr<torch::jit::Graph> graph = function_->graph();
  std::set<const c10::TensorImpl*> weights;
  std::set<const c10::TensorImpl*> others;
  bool is_known = true;
  ForEachNode(graph->block(), [&](Node* node) {
    if (node->kind() != c10::prim::GetAttr) return;
    const auto tensors = TensorsOfAttribute(module, *graph, node->output());
    is_known = is_known && tensors;
    if (!tensors) return;
    const bool is_weight = IsTensor(node->output()) && IsImageWeight(node->output());
    (is_weight ? weights : others).insert(tensors->begin(), tensors->end());
  });
  for (const c10::TensorImpl* tensor : others) weights.erase(tensor);
  if (!is_known) weights.clear();
  return weights;
}

std::unique_ptr<FoldedForward> FoldForward(const torch::jit::Module& module) {
  if (EnvironmentSays("LOSSATLAS_FOLDING", "libtorch")) return nullptr;
  std::shared_ptr<torch::jit::Graph> graph = InlinedEvalForward(module);
  if (graph == nullptr) return nullptr;
  const bool was_traced = WriteAsScripted(*graph);
  const bool folds_batch_norm = FoldBatchNorm(graph);
  const bool pools_first = PoolFirst(*graph) > 0;
  if (!was_traced && !folds_batch_norm && !pools_first) return nullptr;
  graph->lint();
  return std::make_unique<FoldedForward>(std::move(graph), folds_batch_norm);
}

}  // namespace lossatlas
