#include "core/torchscript_model.h"

#include <torch/csrc/jit/passes/inliner.h>

#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "core/device.h"
#include "core/error.h"
#include "core/failure.h"

namespace lossatlas {
namespace {

// Tied parameters come out of the archive as tensors over one storage, or as one tensor.
using TieKey = std::tuple<const void*, int64_t, std::vector<int64_t>, std::vector<int64_t>>;

TieKey KeyOf(const at::Tensor& t) {
  return {t.storage().data(), t.storage_offset(), t.sizes().vec(), t.strides().vec()};
}

bool Contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// The owner's class name decides what a parameter is; a free scale without a known owner counts as weight.
Role RoleOf(const std::string& owner_class, const std::string& leaf) {
  if (Contains(owner_class, "Norm") || Contains(owner_class, "norm")) return Role::kNorm;
  if (leaf == "bias" || leaf.rfind("bias_", 0) == 0 || Contains(leaf, "_bias")) return Role::kBias;
  return Role::kWeight;
}

struct FoundTensor {
  std::string name;
  std::string owner_class;
  std::string leaf;
  TensorPlace place;
};

struct Found {
  std::vector<FoundTensor> parameters;
  std::vector<FoundTensor> others;  // buffers, and items of lists, which may be parameters again
  std::vector<AttributePlace> attributes;
};

// Tensors in tuples, dictionaries and nested lists could not be replaced, and would silently stay as they
// are.
void RefuseNestedTensors(const c10::IValue& value, const std::string& name) {
  if (!value.isList() && !value.isTuple() && !value.isGenericDict()) return;
  value.visit([&](const c10::IValue& item) {
    if (!item.isTensor()) return false;
    throw Error(code::kModelLoad,
                "The model keeps tensors in the attribute '" + name +
                    "', a tuple, dictionary or nested list. Register them as parameters or buffers.");
  });
}

void Visit(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& prefix,
           std::set<const void*>& seen, Found& out) {
  // A submodule that is registered twice is visited once: its tensors are the same.
  if (!seen.insert(object.get()).second) return;
  const c10::ClassTypePtr type = object->type();
  const std::string owner = type->name() ? type->name()->qualifiedName() : "";
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string leaf = type->getAttributeName(i);
    const c10::IValue& value = object->getSlot(i);
    if (value.isTensor() && value.toTensor().defined()) {
      (type->is_parameter(i) ? out.parameters : out.others)
          .push_back({prefix + leaf, owner, leaf, {object, i, {}}});
    } else if (value.isTensorList()) {
      for (size_t item = 0; item < value.toTensorList().size(); ++item) {
        out.others.push_back({prefix + leaf + "." + std::to_string(item), owner, leaf, {object, i, item}});
      }
    } else if (value.isBool() || value.isInt() || value.isDouble()) {
      out.attributes.push_back({object, i, leaf == "training" && value.isBool()});
    } else if (value.isObject() && value.toObject()->type()->is_module()) {
      Visit(value.toObject(), prefix + leaf + ".", seen, out);
    } else {
      RefuseNestedTensors(value, prefix + leaf);
    }
  }
}

Found FindState(const torch::jit::Module& module) {
  Found out;
  std::set<const void*> seen;
  Visit(module._ivalue(), "", seen, out);
  return out;
}

std::string DescribeInputs(const std::vector<c10::IValue>& inputs) {
  std::string text;
  for (const c10::IValue& input : inputs) {
    const at::Tensor& tensor = input.toTensor();
    text += text.empty() ? "an input [" : " and [";
    for (int64_t i = 0; i < tensor.dim(); ++i) text += (i > 0 ? ", " : "") + std::to_string(tensor.size(i));
    text += "] of " + TypeName(tensor.scalar_type());
  }
  return text;
}

// RAII: cuDNN off; the switch is the process's, as libtorch has it.
class ScopedNoCuDnn {
 public:
  explicit ScopedNoCuDnn(bool off) : before_(at::globalContext().userEnabledCuDNN()) {
    if (off) at::globalContext().setUserEnabledCuDNN(false);
  }
  ~ScopedNoCuDnn() { at::globalContext().setUserEnabledCuDNN(before_); }
  ScopedNoCuDnn(const ScopedNoCuDnn&) = delete;
  ScopedNoCuDnn& operator=(const ScopedNoCuDnn&) = delete;

 private:
  bool before_;
};

torch::jit::Module LoadModule(const std::string& path, c10::Device device) {
  try {
    return torch::jit::load(path, device);
  } catch (const c10::Error& e) {
    throw Error(code::kModelLoad, "libtorch cannot load '" + path +
                                      "' as TorchScript: " + FirstLine(e.what_without_backtrace()));
  } catch (const std::exception& e) {
    throw Error(code::kModelLoad,
                "libtorch cannot load '" + path + "' as TorchScript: " + FirstLine(e.what()));
  }
}

}  // namespace

at::Tensor TensorPlace::Get() const {
  const c10::IValue& value = object->getSlot(index);
  return item ? value.toTensorList().get(*item) : value.toTensor();
}

void TensorPlace::Set(const at::Tensor& tensor) const {
  if (item) {
    object->getSlot(index).toTensorList().set(*item, tensor);
  } else {
    object->setSlot(index, tensor);
  }
}

TorchScriptModel::TorchScriptModel(const std::string& path, const LoadOptions& options)
    : module_(LoadModule(path, options.device)) {
  if (!module_.find_method("forward")) {
    throw Error(code::kModelLoad,
                "The module in '" + path +
                    "' has no forward method. Save a module whose forward() maps inputs to outputs.");
  }
  CollectSlots(options);
  FreeTracedMode(options.free_mode);
  InspectGraph();
}

void TorchScriptModel::CollectSlots(const LoadOptions& options) {
  const Found found = FindState(module_);
  if (found.parameters.empty()) {
    throw Error(code::kNoParameters,
                "The model has no parameters: it was frozen or optimised for inference (torch.jit.freeze, "
                "optimize_for_inference), or its weights are constants. Save the unfrozen module.");
  }
  std::vector<ParameterInfo> infos;
  std::map<TieKey, size_t> known;
  auto converted = [&](const at::Tensor& tensor) {
    return options.dtype && tensor.is_floating_point() ? tensor.detach().to(*options.dtype) : tensor.detach();
  };
  // A parameter that is not differentiated stands with the buffers: kept, restored, never perturbed.
  std::map<TieKey, size_t> known_buffers;
  auto add_buffer = [&](const FoundTensor& f, const at::Tensor& tensor) {
    const auto [known_place, is_new] = known_buffers.try_emplace(KeyOf(tensor), buffer_tensors_.size());
    if (is_new) {
      buffer_tensors_.push_back(converted(tensor));
      buffers_.push_back({f.name, tensor.sizes().vec(), TypeName(buffer_tensors_.back().scalar_type())});
    }
    buffer_slots_.push_back({f.place, known_place->second});
  };
  for (const FoundTensor& f : found.parameters) {
    const at::Tensor tensor = f.place.Get();
    if (!tensor.is_floating_point() || !(tensor.requires_grad() || options.include_frozen)) {
      add_buffer(f, tensor);
      continue;
    }
    const auto [known_place, is_new] = known.try_emplace(KeyOf(tensor), parameters_.size());
    if (is_new) {
      infos.push_back({f.name, tensor.sizes().vec(), 0, 0, RoleOf(f.owner_class, f.leaf)});
      parameters_.push_back(converted(tensor));
    }
    parameter_slots_.push_back({f.place, known_place->second});
  }
  for (const FoundTensor& f : found.others) {
    const at::Tensor tensor = f.place.Get();
    const auto parameter = known.find(KeyOf(tensor));
    if (parameter == known.end()) {
      add_buffer(f, tensor);
    } else {
      parameter_slots_.push_back({f.place, parameter->second});
    }
  }
  for (const Slot& slot : parameter_slots_) slot.place.Set(parameters_[slot.target]);
  for (const Slot& slot : buffer_slots_) slot.place.Set(buffer_tensors_[slot.target]);
  attributes_ = found.attributes;
  if (parameters_.empty()) {
    throw Error(code::kNoParameters,
                "None of the model's " + std::to_string(found.parameters.size()) +
                    " parameters has requires_grad. Load it with parameters: 'all' to analyse them anyway.");
  }
  const c10::ScalarType type = parameters_.front().scalar_type();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const c10::ScalarType other = parameters_[i].scalar_type();
    if (other != type || (type != c10::kFloat && type != c10::kDouble)) {
      throw Error(code::kModelLoad,
                  "Parameter '" + infos[i].name + "' is " + TypeName(other) +
                      ". Load the model with dtype: 'float32' or 'float64' to convert all parameters.");
    }
  }
  layout_ = std::make_shared<ParameterLayout>(std::move(infos));
  options_ = parameters_.front().options().requires_grad(false);
}

namespace {

// An operator that depends on the mode, and the constant that a trace put in the place of self.training.
struct ModeNode {
  torch::jit::Node* node;
  size_t training;  // position of the input that says "training"
  bool fixed_to;
  bool can_be_freed = true;
};

bool IsRecurrent(const torch::jit::Node& node) {
  static const std::set<std::string> kRecurrent = {"aten::lstm", "aten::gru", "aten::rnn_tanh",
                                                   "aten::rnn_relu"};
  return kRecurrent.contains(node.kind().toQualString());
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
    return dropout && *dropout > 0 ? std::optional(ModeNode{node, 4, true, false}) : std::nullopt;
  }
  if (kind == "aten::_transformer_encoder_layer_fwd" || kind == "aten::_native_multi_head_attention")
    return ModeNode{node, 0, false, false};
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
  if (input.probability && torch::jit::constant_as<double>(node->input(*input.probability)) == 0.0) return {};
  // Without running statistics (track_running_stats = False) the batch's own are used in both modes.
  if (Contains(kind, "_norm") && node->input(3)->mustBeNone()) return {};
  return ModeNode{node, input.training, *fixed};
}

void ForEachNode(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit) {
  for (torch::jit::Node* node : block->nodes()) {
    for (torch::jit::Block* inner : node->blocks()) ForEachNode(inner, visit);
    visit(node);
  }
}

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

// Puts self.training back where tracing wrote a constant. In the forward of PyTorch's own layers that is what
// their source says. A class of the user's may have branched on self.training while it was traced, which
// leaves no mark: the switch is then made only if the caller vouches for it.
void TorchScriptModel::FreeTracedMode(bool vouched) {
  constexpr const char* kPyTorchLayers = "__torch__.torch.nn.modules.";
  std::set<torch::jit::Graph*> seen;
  std::vector<std::pair<torch::jit::Graph*, ModeNode>> found;
  bool proven = true;
  for (const torch::jit::Module& module : module_.modules()) {
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
    fixed.node->replaceInput(fixed.training, graph->insertGetAttr(graph->inputs().at(0), "training"));
  }
}

void TorchScriptModel::InspectGraph() {
  std::shared_ptr<torch::jit::Graph> graph;
  try {
    graph = module_.get_method("forward").graph()->copy();
    InlineAll(*graph);
  } catch (const std::exception& e) {
    throw Error(code::kModelLoad, std::string("The model's graph cannot be read: ") + FirstLine(e.what()));
  }
  ForEachNode(graph->block(), [&](torch::jit::Node* node) {
    if (IsRecurrent(*node)) has_recurrent_ = true;
    const std::optional<ModeNode> fixed = FixedModeOf(node);
    if (fixed) (fixed->fixed_to ? baked_train_ : baked_eval_) = node->kind().toQualString();
  });
}

void TorchScriptModel::RequireMode(Mode mode) const {
  const std::string& conflict = mode == Mode::kEval ? baked_train_ : baked_eval_;
  if (conflict.empty()) return;
  if (FixedMode() == "mixed") {
    throw Error(code::kModeBakedIn,
                "The model's graph fixes '" + baked_eval_ + "' to eval and '" + baked_train_ +
                    "' to train mode, so it fits neither. Export it with torch.jit.script.");
  }
  const std::string fixed = mode == Mode::kEval ? "train" : "eval";
  throw Error(code::kModeBakedIn, "mode '" + std::string(ModeName(mode)) +
                                      "' was asked for, but the model was traced in " + fixed +
                                      " mode: its graph fixes '" + conflict + "' to " + fixed +
                                      ". Export it with torch.jit.script, or call model." +
                                      (mode == Mode::kEval ? "eval()" : "train()") +
                                      " before torch.jit.trace, or use mode: '" + fixed +
                                      "'. If no code of the model's own asks for self.training, "
                                      "loadModel(path, { tracedMode: 'free' }) switches the graph.");
}

std::string TorchScriptModel::FixedMode() const {
  if (!baked_eval_.empty()) return baked_train_.empty() ? "eval" : "mixed";
  return baked_train_.empty() ? "" : "train";
}

at::Tensor TorchScriptModel::Parameters() const {
  at::NoGradGuard no_grad;
  // cat of one tensor could alias it; the caller owns what it gets.
  return layout_->Join(parameters_, options_).clone();
}

std::vector<at::Tensor> TorchScriptModel::BufferTensors() const { return buffer_tensors_; }

std::vector<at::Tensor> TorchScriptModel::InstalledBuffers() const {
  std::vector<at::Tensor> out(buffer_tensors_.size());
  for (const Slot& slot : buffer_slots_) out[slot.target] = slot.place.Get();
  return out;
}

Model::Saved TorchScriptModel::Install(std::vector<at::Tensor> parameters, std::vector<at::Tensor> buffers,
                                       Mode mode) {
  Saved saved{parameters_, buffer_tensors_, {}};
  for (const AttributePlace& place : attributes_)
    saved.attributes.push_back(place.object->getSlot(place.index));
  for (const Slot& slot : parameter_slots_) slot.place.Set(parameters[slot.target]);
  Reinstall(buffers, mode, saved);
  return saved;
}

void TorchScriptModel::Reinstall(const std::vector<at::Tensor>& buffers, Mode mode, const Saved& saved) {
  for (const Slot& slot : buffer_slots_) slot.place.Set(buffers[slot.target]);
  for (size_t i = 0; i < attributes_.size(); ++i) {
    const AttributePlace& place = attributes_[i];
    place.object->setSlot(place.index,
                          place.is_training ? c10::IValue(mode == Mode::kTrain) : saved.attributes[i]);
  }
}

void TorchScriptModel::Restore(const Saved& saved) noexcept {
  for (const Slot& slot : parameter_slots_) slot.place.Set(saved.parameters[slot.target]);
  for (const Slot& slot : buffer_slots_) slot.place.Set(saved.buffers[slot.target]);
  for (size_t i = 0; i < attributes_.size(); ++i) {
    attributes_[i].object->setSlot(attributes_[i].index, saved.attributes[i]);
  }
}

at::Tensor TorchScriptModel::Forward(const std::vector<c10::IValue>& inputs) {
  c10::IValue output;
  // cuDNN's recurrent layers have no second derivative, and in eval mode not even a first.
  const ScopedNoCuDnn cudnn(has_recurrent_);
  try {
    output = module_.forward(inputs);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(code::kForward,
                "The model's forward pass failed on " + DescribeInputs(inputs) + ": " + LastLine(e.what()) +
                    ". Give inputs of the number, shapes and types that it was trained on (the data "
                    "set's option scale turns bytes into floats).");
  }
  if (output.isTuple() && !output.toTupleRef().elements().empty()) output = output.toTupleRef().elements()[0];
  if (!output.isTensor()) {
    throw Error(code::kForward, "The model returns " + output.tagKind() +
                                    "; a tensor (or a tuple that starts with one) is needed.");
  }
  return output.toTensor();
}

}  // namespace lossatlas
