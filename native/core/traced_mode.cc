#include "core/traced_mode.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/graph_writes.h"
#include "core/inlined_graph.h"

namespace lossatlas {
namespace {

bool Contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bool IsImpure(const torch::jit::Node& node) {
  static const std::set<std::string> kNames = {"aten::batch_norm",     "aten::native_batch_norm",
                                               "aten::instance_norm",  "aten::dropout",
                                               "aten::native_dropout", "aten::feature_dropout",
                                               "aten::alpha_dropout",  "aten::feature_alpha_dropout",
                                               "aten::dropout_",       "aten::feature_dropout_",
                                               "aten::alpha_dropout_", "aten::rrelu",
                                               "aten::rrelu_",         "aten::rand",
                                               "aten::rand_like",      "aten::randn",
                                               "aten::randn_like",     "aten::randint",
                                               "aten::randint_like",   "aten::randperm",
                                               "aten::bernoulli",      "aten::bernoulli_",
                                               "aten::multinomial",    "aten::normal",
                                               "aten::normal_",        "aten::uniform_",
                                               "aten::poisson",        "aten::exponential_"};
  const std::string kind = node.kind().toQualString();
  if (kind == "aten::scaled_dot_product_attention" && node.inputs().size() > 4) {
    const std::optional<double> dropout = torch::jit::constant_as<double>(node.input(4));
    return !dropout || *dropout > 0;
  }
  return kNames.contains(kind);
}

// Whether something may be drawn where the node runs in train mode.
bool Draws(const torch::jit::Node& node) {
  static const std::set<std::string> kNorms = {"aten::batch_norm", "aten::native_batch_norm",
                                               "aten::instance_norm"};
  if (IsImpure(node)) return !kNorms.contains(node.kind().toQualString());
  return node.isNondeterministic() || IsUnseen(node);
}

// An operator that depends on the mode, and the constant that a trace put in the place of self.training.
struct ModeNode {
  torch::jit::Node* node;
  size_t training;  // position of the input that says "training"
  bool fixed_to;
  bool can_be_freed = true;
  bool is_probability = false;  // the input is a dropout's probability, 0 in eval mode
};

bool IsRecurrent(const torch::jit::Node& node) {
  static const std::set<std::string> kRecurrent = {"aten::lstm", "aten::gru", "aten::rnn_tanh",
                                                   "aten::rnn_relu"};
  return kRecurrent.contains(node.kind().toQualString());
}

bool IsInBranch(const torch::jit::Node& node) {
  for (const torch::jit::Block* block = node.owningBlock(); block->owningNode() != nullptr;
       block = block->owningNode()->owningBlock()) {
    if (block->owningNode()->kind() == c10::prim::If) return true;
  }
  return false;
}

// Whether the node's mode is a constant that matters.
std::optional<ModeNode> FixedModeOf(torch::jit::Node* node) {
  // Position of the input that says "training", and of the probability where 0 makes the mode immaterial.
  struct ModeInput {
    size_t training = 0;
    std::optional<size_t> probability;
  };
  static const std::map<std::string, ModeInput> kModeInputs = {
      {"aten::batch_norm", {5, {}}},
      {"aten::native_batch_norm", {5, {}}},
      {"aten::instance_norm", {5, {}}},
      {"aten::dropout", {2, 1}},
      {"aten::dropout_", {2, 1}},
      {"aten::native_dropout", {2, 1}},
      {"aten::feature_dropout", {2, 1}},
      {"aten::feature_dropout_", {2, 1}},
      {"aten::alpha_dropout", {2, 1}},
      {"aten::alpha_dropout_", {2, 1}},
      {"aten::feature_alpha_dropout", {2, 1}},
      {"aten::feature_alpha_dropout_", {2, 1}},
      {"aten::rrelu", {3, {}}},
      {"aten::rrelu_", {3, {}}},
  };
  const std::string kind = node->kind().toQualString();
  // Attention takes its dropout as a number, and the fast path of an encoder layer only exists in eval mode.
  if (kind == "aten::scaled_dot_product_attention" && node->inputs().size() > 4) {
    const std::optional<double> dropout = torch::jit::constant_as<double>(node->input(4));
    return dropout && *dropout > 0 ? std::optional(ModeNode{node, 4, true, true, true}) : std::nullopt;
  }
  // Where it was scripted it stands in a branch, and the other modes have theirs.
  if (kind == "aten::_transformer_encoder_layer_fwd" || kind == "aten::_native_multi_head_attention")
    return IsInBranch(*node) ? std::nullopt : std::optional(ModeNode{node, 0, false, false});
  ModeInput input;
  if (IsRecurrent(*node)) {
    // Packed sequences have batch_sizes as one input more.
    const bool packed = node->input(3)->type()->kind() == c10::TypeKind::ListType;
    input = packed ? ModeInput{7, 6} : ModeInput{6, 5};
  } else if (const auto place = kModeInputs.find(kind); place != kModeInputs.end()) {
    input = place->second;
  } else {
    return {};
  }
  if (node->inputs().size() <= input.training) return {};
  const std::optional<bool> fixed = torch::jit::constant_as<bool>(node->input(input.training));
  if (!fixed) return {};
  if (input.probability) {
    const auto probability = torch::jit::toIValue(node->input(*input.probability));
    // Computed: scripted attention sets it to 0 in eval mode, and always says "training".
    if (!probability || probability->toDouble() == 0.0) return {};
  }
  // Without running statistics (track_running_stats = False) the batch's own are used in both modes.
  if (Contains(kind, "_norm") && node->input(3)->mustBeNone()) return {};
  return ModeNode{node, input.training, *fixed};
}

}  // namespace

void FreeTracedMode(const torch::jit::Module& root, bool vouched) {
  constexpr const char* kPyTorchLayers = "__torch__.torch.nn.modules.";
  std::set<torch::jit::Graph*> seen;
  std::vector<std::pair<torch::jit::Graph*, ModeNode>> found;
  bool proven = true;
  for (const torch::jit::Module& module : root.modules()) {
    const std::optional<c10::QualifiedName>& name = module.type()->name();
    // Attention that was traced in eval mode has lost its dropout without a mark.
    proven = proven && name && name->qualifiedName().rfind(kPyTorchLayers, 0) == 0 &&
             !Contains(name->qualifiedName(), "Attention") && !Contains(name->qualifiedName(), "Transformer");
    const auto method = module.find_method("forward");
    if (!method) continue;
    torch::jit::Graph* graph = method->graph().get();
    if (!seen.insert(graph).second || !module.type()->findAttribute("training")) continue;
    ForEachNode(graph->block(), [&](torch::jit::Node* node) {
      if (const std::optional<ModeNode> fixed = FixedModeOf(node)) found.emplace_back(graph, *fixed);
    });
  }
  if (!proven && !vouched) return;
  for (const auto& [graph, fixed] : found) {
    if (!fixed.can_be_freed) continue;
    const torch::jit::WithInsertPoint before(fixed.node);
    torch::jit::Value* training = graph->insertGetAttr(graph->inputs().at(0), "training");
    if (fixed.is_probability) {
      torch::jit::Value* probability = fixed.node->input(fixed.training);
      training = graph->insert(c10::aten::mul, {probability, graph->insert(c10::aten::Float, {training})});
    }
    fixed.node->replaceInput(fixed.training, training);
  }
}

FixedModes FindFixedModes(const torch::jit::Module& root) {
  const std::shared_ptr<torch::jit::Graph> graph = InlinedForward(root);
  FixedModes out;
  ForEachNode(graph->block(), [&](torch::jit::Node* node) {
    if (IsRecurrent(*node)) out.has_recurrent = true;
    out.draws = out.draws || Draws(*node);
    if (IsImpure(*node)) out.impure_operators.insert(node->kind().toQualString());
    const std::optional<ModeNode> fixed = FixedModeOf(node);
    if (fixed) (fixed->fixed_to ? out.train : out.eval) = node->kind().toQualString();
  });
  return out;
}

}  // namespace lossatlas
