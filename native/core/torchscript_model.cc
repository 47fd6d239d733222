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

struct Found {
  std::string name;
  std::string owner_class;
  std::string leaf;
  c10::intrusive_ptr<c10::ivalue::Object> object;
  size_t index;
};

struct FoundSlots {
  std::vector<Found> parameters;
  std::vector<Found> buffers;
  std::vector<Found> training;
};

void Visit(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& prefix,
           std::set<const void*>& seen, FoundSlots& out) {
  // A submodule that is registered twice is visited once: its tensors are the same.
  if (!seen.insert(object.get()).second) return;
  const c10::ClassTypePtr type = object->type();
  const std::string owner = type->name() ? type->name()->qualifiedName() : "";
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string leaf = type->getAttributeName(i);
    const c10::IValue& value = object->getSlot(i);
    Found found{prefix + leaf, owner, leaf, object, i};
    if (value.isTensor() && value.toTensor().defined()) {
      (type->is_parameter(i) ? out.parameters : out.buffers).push_back(std::move(found));
    } else if (leaf == "training" && value.isBool()) {
      out.training.push_back(std::move(found));
    } else if (value.isObject() && value.toObject()->type()->is_module()) {
      Visit(value.toObject(), prefix + leaf + ".", seen, out);
    }
  }
}

FoundSlots FindSlots(const torch::jit::Module& module) {
  FoundSlots out;
  std::set<const void*> seen;
  Visit(module._ivalue(), "", seen, out);
  return out;
}

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

TorchScriptModel::TorchScriptModel(const std::string& path, const LoadOptions& options)
    : module_(LoadModule(path, options.device)) {
  if (!module_.find_method("forward")) {
    throw Error(code::kModelLoad,
                "The module in '" + path +
                    "' has no forward method. Save a module whose forward() maps inputs to outputs.");
  }
  CollectSlots(options);
  InspectGraph();
}

void TorchScriptModel::CollectSlots(const LoadOptions& options) {
  const FoundSlots found = FindSlots(module_);
  if (found.parameters.empty()) {
    throw Error(code::kNoParameters,
                "The model has no parameters: it was frozen or optimised for inference (torch.jit.freeze, "
                "optimize_for_inference), or its weights are constants. Save the unfrozen module.");
  }
  std::vector<ParameterInfo> infos;
  std::map<TieKey, size_t> known;
  // A parameter that is not differentiated stands with the buffers: kept, restored, never perturbed.
  auto add_buffer = [&](const Found& f, const at::Tensor& tensor) {
    const bool convert = options.dtype && tensor.is_floating_point();
    buffer_slots_.push_back({f.object, f.index, buffer_tensors_.size()});
    buffer_tensors_.push_back(convert ? tensor.detach().to(*options.dtype) : tensor.detach());
    buffers_.push_back({f.name, tensor.sizes().vec(), TypeName(buffer_tensors_.back().scalar_type())});
    f.object->setSlot(f.index, buffer_tensors_.back());
  };
  for (const Found& f : found.parameters) {
    const at::Tensor tensor = f.object->getSlot(f.index).toTensor();
    if (!tensor.is_floating_point() || !(tensor.requires_grad() || options.include_frozen)) {
      add_buffer(f, tensor);
      continue;
    }
    const auto [place, is_new] = known.try_emplace(KeyOf(tensor), parameters_.size());
    if (is_new) {
      infos.push_back({f.name, tensor.sizes().vec(), 0, 0, RoleOf(f.owner_class, f.leaf)});
      parameters_.push_back(options.dtype ? tensor.detach().to(*options.dtype) : tensor.detach());
    }
    parameter_slots_.push_back({f.object, f.index, place->second});
    f.object->setSlot(f.index, parameters_[place->second]);
  }
  for (const Found& f : found.buffers) add_buffer(f, f.object->getSlot(f.index).toTensor());
  for (const Found& f : found.training) training_slots_.push_back({f.object, f.index, 0});
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

void TorchScriptModel::InspectGraph() {
  std::shared_ptr<torch::jit::Graph> graph;
  try {
    graph = module_.get_method("forward").graph()->copy();
    torch::jit::Inline(*graph);
  } catch (const std::exception& e) {
    throw Error(code::kModelLoad, std::string("The model's graph cannot be read: ") + FirstLine(e.what()));
  }
  // Position of the input that says "training".
  static const std::map<std::string, size_t> kTrainingInput = {
      {"aten::batch_norm", 5},      {"aten::instance_norm", 5},     {"aten::dropout", 2},
      {"aten::feature_dropout", 2}, {"aten::alpha_dropout", 2},     {"aten::dropout_", 2},
      {"aten::native_dropout", 2},  {"aten::native_batch_norm", 5},
  };
  std::function<void(torch::jit::Block*)> visit = [&](torch::jit::Block* block) {
    for (torch::jit::Node* node : block->nodes()) {
      for (torch::jit::Block* inner : node->blocks()) visit(inner);
      const std::string kind = node->kind().toQualString();
      const auto place = kTrainingInput.find(kind);
      if (place == kTrainingInput.end() || node->inputs().size() <= place->second) continue;
      const std::optional<bool> fixed = torch::jit::constant_as<bool>(node->input(place->second));
      if (!fixed) continue;
      // Instance norm always uses the batch's own statistics: not a question of mode.
      if (kind == "aten::instance_norm") continue;
      if (Contains(kind, "dropout") && torch::jit::constant_as<double>(node->input(1)).value_or(1.0) == 0.0)
        continue;
      (*fixed ? baked_train_ : baked_eval_) = kind;
    }
  };
  visit(graph->block());
}

void TorchScriptModel::RequireMode(Mode mode) const {
  const std::string& conflict = mode == Mode::kEval ? baked_train_ : baked_eval_;
  if (conflict.empty()) return;
  const std::string fixed = mode == Mode::kEval ? "train" : "eval";
  throw Error(code::kModeBakedIn, "mode '" + std::string(ModeName(mode)) +
                                      "' was asked for, but the model was traced in " + fixed +
                                      " mode: its graph fixes '" + conflict + "' to " + fixed +
                                      ". Export it with torch.jit.script, or call model." +
                                      (mode == Mode::kEval ? "eval()" : "train()") +
                                      " before torch.jit.trace, or use mode: '" + fixed + "'.");
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

Model::Saved TorchScriptModel::Install(std::vector<at::Tensor> parameters, std::vector<at::Tensor> buffers,
                                       Mode mode) {
  Saved saved{parameters_, buffer_tensors_, {}};
  for (const Slot& slot : training_slots_) {
    saved.training.push_back(slot.object->getSlot(slot.index).toBool());
    slot.object->setSlot(slot.index, mode == Mode::kTrain);
  }
  for (const Slot& slot : parameter_slots_) slot.object->setSlot(slot.index, parameters[slot.target]);
  for (const Slot& slot : buffer_slots_) slot.object->setSlot(slot.index, buffers[slot.target]);
  return saved;
}

void TorchScriptModel::Restore(const Saved& saved) noexcept {
  for (size_t i = 0; i < training_slots_.size(); ++i) {
    training_slots_[i].object->setSlot(training_slots_[i].index, static_cast<bool>(saved.training[i]));
  }
  for (const Slot& slot : parameter_slots_) slot.object->setSlot(slot.index, saved.parameters[slot.target]);
  for (const Slot& slot : buffer_slots_) slot.object->setSlot(slot.index, saved.buffers[slot.target]);
}

at::Tensor TorchScriptModel::Forward(const std::vector<c10::IValue>& inputs) {
  c10::IValue output;
  try {
    output = module_.forward(inputs);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(code::kForward, "The model's forward pass failed on this input: " + LastLine(e.what()));
  }
  if (output.isTuple() && !output.toTupleRef().elements().empty()) output = output.toTupleRef().elements()[0];
  if (!output.isTensor()) {
    throw Error(code::kForward, "The model returns " + output.tagKind() +
                                    "; a tensor (or a tuple that starts with one) is needed.");
  }
  return output.toTensor();
}

}  // namespace lossatlas
