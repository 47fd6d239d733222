#include "core/torchscript_model.h"

#include <map>
#include <set>

#include "core/device.h"
#include "core/environment.h"
#include "core/error.h"
#include "core/failure.h"
#include "core/inlined_graph.h"
#include "core/input_arguments.h"

namespace lossatlas {
namespace {

std::string DescribeInputs(const std::vector<at::Tensor>& inputs) {
  std::string text;
  for (const at::Tensor& tensor : inputs) {
    text += text.empty() ? "an input [" : " and [";
    for (int64_t i = 0; i < tensor.dim(); ++i) text += (i > 0 ? ", " : "") + std::to_string(tensor.size(i));
    text += "] of " + TypeName(tensor.scalar_type());
  }
  return text;
}

// RAII: cuDNN off; the switch is the process's, as libtorch has it.
class ScopedNoCuDnn {
 public:
  explicit ScopedNoCuDnn(bool off) : off_(off), before_(at::globalContext().userEnabledCuDNN()) {
    if (off_) at::globalContext().setUserEnabledCuDNN(false);
  }
  ~ScopedNoCuDnn() {
    if (off_) at::globalContext().setUserEnabledCuDNN(before_);
  }
  ScopedNoCuDnn(const ScopedNoCuDnn&) = delete;
  ScopedNoCuDnn& operator=(const ScopedNoCuDnn&) = delete;

 private:
  bool off_;
  bool before_;
};

}  // namespace

TorchScriptModel::TorchScriptModel(torch::jit::Module module, const LoadOptions& options)
    : module_(std::move(module)), lost_dropout_(options.lost_dropout) {
  if (!module_.find_method("forward")) {
    throw Error(code::kModelLoad,
                "The module has no forward method. Save a module whose forward() maps inputs to outputs.");
  }
  CollectSlots(options);
  FreeTracedMode(module_, options.free_mode);
  InspectGraph();
  if (!lost_dropout_.empty()) fixed_modes_.eval = lost_dropout_;
}

void TorchScriptModel::CollectSlots(const LoadOptions& options) {
  const ModuleState found = FindState(module_);
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
      const std::string type = TypeName(buffer_tensors_.back().scalar_type());
      const bool persistent = !options.non_persistent.contains(f.name);
      buffers_.push_back({f.name, tensor.sizes().vec(), type, f.modules, persistent});
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
      infos.push_back({f.name, tensor.sizes().vec(), 0, 0, RoleOf(f.modules.back(), f.leaf), f.modules});
      parameters_.push_back(converted(tensor));
    } else {
      infos[known_place->second].aliases.push_back(f.name);
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
  ChooseTypes(infos);
  layout_ = std::make_shared<ParameterLayout>(std::move(infos));
}

void TorchScriptModel::ChooseTypes(std::vector<ParameterInfo>& infos) {
  input_type_ = parameters_.front().scalar_type();
  const c10::ScalarType vectors = input_type_ == c10::kDouble ? c10::kDouble : c10::kFloat;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const c10::ScalarType type = parameters_[i].scalar_type();
    const bool half = type == c10::kHalf || type == c10::kBFloat16;
    infos[i].dtype = TypeName(type);
    if (type != vectors && !(half && vectors == c10::kFloat)) {
      throw Error(code::kModelLoad,
                  "Parameter '" + infos[i].name + "' is " + TypeName(type) + " and '" + infos[0].name +
                      "' is " + TypeName(input_type_) +
                      ". Load the model with dtype: 'float32' or 'float64' to convert all parameters.");
    }
    rounds_parameters_ = rounds_parameters_ || type != vectors;
  }
  options_ = parameters_.front().options().dtype(vectors).requires_grad(false);
}

void TorchScriptModel::InspectGraph() {
  try {
    fixed_modes_ = FindFixedModes(module_);
  } catch (const std::exception& e) {
    throw Error(code::kModelLoad, std::string("The model's graph cannot be read: ") + FirstLine(e.what()));
  }
}

void TorchScriptModel::RequireMode(Mode mode) const {
  const std::string& conflict = mode == Mode::kEval ? fixed_modes_.train : fixed_modes_.eval;
  if (conflict.empty()) return;
  if (FixedMode() == "mixed") {
    throw Error(code::kModeBakedIn,
                "The model's graph fixes '" + fixed_modes_.eval + "' to eval and '" + fixed_modes_.train +
                    "' to train mode, so it fits neither. Export it with torch.jit.script.");
  }
  if (!lost_dropout_.empty()) {
    throw Error(code::kModeBakedIn,
                "mode 'train' was asked for, but the model was exported in eval mode, where '" +
                    lost_dropout_ +
                    "' leaves no trace of a dropout. Call model.train() before torch.export.export, which "
                    "keeps both modes, or use mode: 'eval'. If there is no such dropout, loadModel(path, { "
                    "tracedMode: 'free' }) switches the rest.");
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
  if (!fixed_modes_.eval.empty()) return fixed_modes_.train.empty() ? "eval" : "mixed";
  return fixed_modes_.train.empty() ? "" : "train";
}

ForwardSignature TorchScriptModel::Signature() const {
  const c10::FunctionSchema& schema = module_.get_method("forward").function().getSchema();
  ForwardSignature out;
  // The first is the module itself.
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    out.arguments.push_back(
        {argument.name(), argument.type()->annotation_str(), argument.default_value().has_value()});
  }
  if (!schema.returns().empty()) out.result = schema.returns()[0].type()->annotation_str();
  return out;
}

std::vector<std::string> TorchScriptModel::ImpureOperators() const {
  return {fixed_modes_.impure_operators.begin(), fixed_modes_.impure_operators.end()};
}

at::Tensor TorchScriptModel::Parameters() const {
  at::NoGradGuard no_grad;
  // cat of one tensor could alias it; the caller owns what it gets.
  return layout_->Join(parameters_, options_).to(options_, /*non_blocking=*/false, /*copy=*/true);
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
  Reinstall(parameters);
  Reinstall(buffers, mode, saved);
  return saved;
}

void TorchScriptModel::Reinstall(const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> rounded;
  rounded.reserve(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i)
    rounded.push_back(parameters[i].to(parameters_[i].scalar_type()));
  for (const Slot& slot : parameter_slots_) slot.place.Set(rounded[slot.target]);
}

void TorchScriptModel::Reinstall(const std::vector<at::Tensor>& buffers, Mode mode, const Saved& saved) {
  mode_ = mode;
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

std::unique_ptr<Model> TorchScriptModel::Replica() const {
  if (!options_.device().is_cpu()) return nullptr;
  c10::IValue::HashIdentityIValueMap copies;
  for (const std::vector<at::Tensor>* tensors : {&parameters_, &buffer_tensors_}) {
    for (const at::Tensor& tensor : *tensors) copies.emplace(tensor, tensor);
  }
  std::unique_ptr<TorchScriptModel> out(new TorchScriptModel(*this));
  try {
    out->module_ = torch::jit::Module(c10::IValue(module_._ivalue()).deepcopy(copies).toObject());
    const auto move = [&](c10::intrusive_ptr<c10::ivalue::Object>& object) {
      object = copies.at(c10::IValue(object)).toObject();
    };
    for (Slot& slot : out->parameter_slots_) move(slot.place.object);
    for (Slot& slot : out->buffer_slots_) move(slot.place.object);
    for (AttributePlace& place : out->attributes_) move(place.object);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {
    // An object of a class that says nothing of how it is copied.
    return nullptr;
  }
  out->input_guard_ = {};
  return out;
}

// What `rewrite` makes of the graph, made when it is first asked for. Null where libtorch's analyses refuse
// the graph: the plain forward pass needs none of them.
template <class Pointer, class Rewrite>
static auto RewrittenOnce(std::optional<Pointer>& form, const Rewrite& rewrite) {
  if (form) return form->get();
  form.emplace();
  try {
    *form = rewrite();
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {
  }
  return form->get();
}

const FoldedForward* TorchScriptModel::Folded() {
  if (input_type_ == c10::kHalf || input_type_ == c10::kBFloat16) return nullptr;
  return RewrittenOnce(folded_, [&] { return FoldForward(module_); });
}

std::vector<c10::IValue> TorchScriptModel::ArgumentsOf(const std::vector<at::Tensor>& inputs,
                                                       const Batch& batch) const {
  const torch::jit::Method forward = module_.get_method("forward");
  const c10::FunctionSchema& schema = forward.function().getSchema();
  std::vector<c10::IValue> arguments = ArrangeInputs(schema, inputs, batch.input_names());
  arguments.insert(arguments.begin(), module_._ivalue());
  schema.checkAndNormalizeInputs(arguments, {});
  return arguments;
}

bool TorchScriptModel::LaysOut(bool takes_channels_last) const {
  const bool is_fast = input_type_ == c10::kFloat && options_.device().is_cpu();
  return is_fast && takes_channels_last && !channels_last_fails_;
}

std::vector<bool> TorchScriptModel::TakesChannelsLast() {
  const FoldedForward* folded = Folded();
  if (folded == nullptr || !LaysOut(folded->takes_channels_last())) return {};
  const std::set<const c10::TensorImpl*> weights = folded->ImageWeights(module_);
  std::vector<bool> out;
  for (const at::Tensor& tensor : parameters_)
    out.push_back(tensor.dim() == 4 && weights.contains(tensor.unsafeGetTensorImpl()));
  return out;
}

std::vector<at::Tensor> TorchScriptModel::LaidOut(const std::vector<at::Tensor>& inputs,
                                                  bool takes_channels_last) const {
  if (!LaysOut(takes_channels_last)) return inputs;
  std::vector<at::Tensor> out;
  for (const at::Tensor& input : inputs)
    out.push_back(input.dim() == 4 ? input.contiguous(at::MemoryFormat::ChannelsLast) : input);
  return out;
}

c10::IValue TorchScriptModel::RunFolded(const FoldedForward& folded, const std::vector<at::Tensor>& inputs,
                                        const Batch& batch) {
  if (channels_last_fails_) return folded.Run(ArgumentsOf(inputs, batch));
  try {
    return folded.Run(ArgumentsOf(LaidOut(inputs, folded.takes_channels_last()), batch));
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {
    // A view that this layout does not allow, or an error that comes again.
    c10::IValue result = folded.Run(ArgumentsOf(inputs, batch));
    channels_last_fails_ = true;
    return result;
  }
}

template <class Run>
auto TorchScriptModel::Guarded(const Batch& batch, InputUse use, const Run& run) {
  // cuDNN's recurrent layers have no second derivative, and in eval mode not even a first.
  const ScopedNoCuDnn cudnn(fixed_modes_.has_recurrent && options_.device().is_cuda());
  try {
    const InputGuard::Lent inputs = input_guard_.Lend(batch.inputs(), use);
    auto result = run(inputs.tensors);
    input_guard_.TakeBack(inputs, use);
    return result;
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& e) {
    if (std::string(e.what()).find("more than 1 value per channel") != std::string::npos) {
      throw Error(
          code::kForward,
          "BatchNorm in train mode needs more than one value a channel, and this batch has one sample: "
          "choose a batchSize of at least 2 that leaves no last batch of one.");
    }
    throw Error(code::kForward,
                "The model's forward pass failed on " + DescribeInputs(batch.inputs()) + ": " +
                    LastLine(e.what()) +
                    ". Give inputs of the number, shapes and types that it was trained on (the data "
                    "set's option scale turns bytes into floats).");
  }
}

c10::IValue TorchScriptModel::Forward(const Batch& batch, BatchNormForm form) {
  const bool folds = form == BatchNormForm::kFolded && mode_ == Mode::kEval;
  const FoldedForward* folded = folds ? Folded() : nullptr;
  if (folded != nullptr) {
    return Guarded(batch, InputUse::kPart,
                   [&](const std::vector<at::Tensor>& inputs) { return RunFolded(*folded, inputs, batch); });
  }
  const auto run = [&](const std::vector<at::Tensor>& inputs) {
    const torch::jit::Method forward = module_.get_method("forward");
    return forward(ArrangeInputs(forward.function().getSchema(), inputs, batch.input_names()));
  };
  return Guarded(batch, InputUse::kWhole, run);
}

const FirstLayers* TorchScriptModel::first_layers() {
  if (rounds_parameters_ || !options_.device().is_cpu()) return nullptr;
  return RewrittenOnce(first_layers_, [&] { return FindFirstLayers(module_); });
}

std::vector<at::Tensor> TorchScriptModel::FirstOutputs(const Batch& batch) {
  return Guarded(batch, InputUse::kPart, [&](const std::vector<at::Tensor>& inputs) {
    return first_layers()->Outputs(ArgumentsOf(inputs, batch));
  });
}

c10::IValue TorchScriptModel::ForwardAfter(const Batch& batch, std::vector<at::Tensor> first) {
  const InputUse use = first_layers()->reads_arguments() ? InputUse::kPart : InputUse::kNone;
  return Guarded(batch, use, [&](const std::vector<at::Tensor>& inputs) {
    return first_layers()->Run(ArgumentsOf(inputs, batch), std::move(first));
  });
}

std::unique_ptr<FrozenPrefix> TorchScriptModel::SplitAtMoving(const std::vector<bool>& moving_parameters,
                                                              const std::vector<bool>& moving_buffers) {
  if (EnvironmentSays("LOSSATLAS_FROZEN_PREFIX", "libtorch")) return nullptr;
  std::set<const c10::TensorImpl*> moving;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (moving_parameters[i]) moving.insert(parameters_[i].unsafeGetTensorImpl());
  }
  for (size_t i = 0; i < buffer_tensors_.size(); ++i) {
    if (moving_buffers[i]) moving.insert(buffer_tensors_[i].unsafeGetTensorImpl());
  }
  std::optional<std::unique_ptr<FrozenPrefix>> prefix;
  RewrittenOnce(prefix, [&]() -> std::unique_ptr<FrozenPrefix> {
    const FoldedForward* folded = Folded();
    const std::shared_ptr<torch::jit::Graph> graph =
        folded == nullptr ? InlinedEvalForward(module_) : folded->CopyGraph();
    if (graph == nullptr) return nullptr;
    const bool takes_channels_last = folded != nullptr && folded->takes_channels_last();
    return lossatlas::SplitAtMoving(module_, graph, moving, takes_channels_last);
  });
  return std::move(*prefix);
}

std::vector<c10::IValue> TorchScriptModel::PrefixValues(const FrozenPrefix& prefix, const Batch& batch) {
  return Guarded(batch, InputUse::kPart, [&](const std::vector<at::Tensor>& inputs) {
    return prefix.Values(ArgumentsOf(LaidOut(inputs, prefix.takes_channels_last()), batch));
  });
}

c10::IValue TorchScriptModel::ForwardAfter(const Batch& batch, const FrozenPrefix& prefix,
                                           const std::vector<c10::IValue>& values) {
  const bool reads = prefix.reads_arguments();
  return Guarded(batch, reads ? InputUse::kPart : InputUse::kNone,
                 [&](const std::vector<at::Tensor>& inputs) {
                   const bool lays_out = reads && prefix.takes_channels_last();
                   return prefix.Run(ArgumentsOf(LaidOut(inputs, lays_out), batch), values);
                 });
}

}  // namespace lossatlas
