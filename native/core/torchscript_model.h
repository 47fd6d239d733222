// Modules of TorchScript, scripted and traced.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/first_layers.h"
#include "core/folded_forward.h"
#include "core/input_guard.h"
#include "core/model.h"
#include "core/module_state.h"
#include "core/torch.h"
#include "core/traced_mode.h"

namespace lossatlas {

struct LoadOptions {
  c10::Device device = c10::Device(c10::kCPU);
  std::optional<c10::ScalarType> dtype;  // convert floating-point parameters and buffers
  bool include_frozen = false;           // also analyse parameters saved with requires_grad = false
  bool free_mode = false;                // the caller vouches that a traced module may be switched
  // Of an exported program: an operator that lost its dropout when it was exported in eval mode; else empty.
  std::string lost_dropout = {};
  std::set<std::string> non_persistent = {};  // buffers that no state dict has
};

class TorchScriptModel : public Model {
 public:
  // Of a module on the device of `options`. Throws ERR_MODEL_LOAD, ERR_NO_PARAMETERS.
  TorchScriptModel(torch::jit::Module module, const LoadOptions& options);

  at::Tensor Parameters() const override;
  std::string FixedMode() const override;
  std::vector<std::string> ImpureOperators() const override;
  bool DrawsAtRandom() const override { return fixed_modes_.draws; }
  ForwardSignature Signature() const override;
  void RequireMode(Mode mode) const override;
  Saved Install(std::vector<at::Tensor> parameters, std::vector<at::Tensor> buffers, Mode mode) override;
  void Restore(const Saved& saved) noexcept override;
  void Reinstall(const std::vector<at::Tensor>& buffers, Mode mode, const Saved& saved) override;
  std::vector<at::Tensor> BufferTensors() const override;
  std::vector<at::Tensor> InstalledBuffers() const override;
  void Reinstall(const std::vector<at::Tensor>& parameters) override;
  std::unique_ptr<Model> Replica() const override;
  c10::IValue Forward(const Batch& batch, BatchNormForm form) override;
  const FirstLayers* first_layers() override;
  bool FoldsBatchNorm() override { return Folded() != nullptr && Folded()->folds_batch_norm(); }
  std::vector<bool> TakesChannelsLast() override;
  std::vector<at::Tensor> FirstOutputs(const Batch& batch) override;
  c10::IValue ForwardAfter(const Batch& batch, std::vector<at::Tensor> first) override;
  std::unique_ptr<FrozenPrefix> SplitAtMoving(const std::vector<bool>& moving_parameters,
                                              const std::vector<bool>& moving_buffers) override;
  std::vector<c10::IValue> PrefixValues(const FrozenPrefix& prefix, const Batch& batch) override;
  c10::IValue ForwardAfter(const Batch& batch, const FrozenPrefix& prefix,
                           const std::vector<c10::IValue>& values) override;

 private:
  // Of Replica, which gives it objects of its own.
  TorchScriptModel(const TorchScriptModel&) = default;

  // `target` indexes the distinct tensors; tied ones share it.
  struct Slot {
    TensorPlace place;
    size_t target;
  };

  void CollectSlots(const LoadOptions& options);
  void ChooseTypes(std::vector<ParameterInfo>& infos);
  void InspectGraph();
  // What a graph of ours takes: the module, and as many arguments as forward has.
  std::vector<c10::IValue> ArgumentsOf(const std::vector<at::Tensor>& inputs, const Batch& batch) const;
  // A forward pass, or a part of one, on the inputs that `run` is given, with its errors as those of the
  // model.
  template <class Run>
  auto Guarded(const Batch& batch, InputUse use, const Run& run);
  // Null where nothing folds.
  const FoldedForward* Folded();
  c10::IValue RunFolded(const FoldedForward& folded, const std::vector<at::Tensor>& inputs,
                        const Batch& batch);
  bool LaysOut(bool takes_channels_last) const;
  // Images with channels last where that is faster.
  std::vector<at::Tensor> LaidOut(const std::vector<at::Tensor>& inputs, bool takes_channels_last) const;

  torch::jit::Module module_;
  std::vector<Slot> parameter_slots_;
  std::vector<Slot> buffer_slots_;
  std::vector<AttributePlace> attributes_;
  std::vector<at::Tensor> parameters_;  // distinct, in layout order
  std::vector<at::Tensor> buffer_tensors_;
  FixedModes fixed_modes_;
  std::string lost_dropout_;
  Mode mode_ = Mode::kEval;  // as installed
  InputGuard input_guard_;
  bool channels_last_fails_ = false;  // of the folded form
  // Made at the first use, and good for replicas too; null where nothing folds.
  std::optional<std::shared_ptr<const FoldedForward>> folded_;
  // Likewise; null where there are none.
  std::optional<std::shared_ptr<const FirstLayers>> first_layers_;
};

}  // namespace lossatlas
