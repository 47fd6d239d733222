// What an analysis needs of a model: parameters over a layout, a forward pass, and a state that can be
// replaced and put back. TorchScript modules implement it; exported programs are built as such.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/first_layers.h"
#include "core/frozen_prefix.h"
#include "core/parameter_layout.h"

namespace lossatlas {

enum class Mode { kEval, kTrain };
Mode ParseMode(const std::string& name);
const char* ModeName(Mode mode);

struct BufferInfo {
  std::string name;
  std::vector<int64_t> shape;
  std::string dtype;
  std::vector<std::string> modules;  // as of a parameter
  bool persistent = true;            // part of a state dict
};

// What the forward method takes and gives; types as TorchScript writes them: Tensor, Dict[str, Tensor].
struct ForwardArgument {
  std::string name;
  std::string type;
  bool optional;  // it has a default
};
struct ForwardSignature {
  std::vector<ForwardArgument> arguments;
  std::string result;
};

// How BatchNorm in eval mode is computed, which changes values by rounding alone. Folded: inside the
// convolutions before it, in float32 on the CPU with the channels of images next to each other in memory, and
// ReLUs after max-pooling; plain where that cannot be.
enum class BatchNormForm { kPlain, kFolded };

class Model {
 public:
  // The state that Install replaced.
  struct Saved {
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> buffers;
    std::vector<c10::IValue>
        attributes;  // numbers and flags that a forward pass may change, the mode among them
  };

  virtual ~Model() = default;

  const std::shared_ptr<const ParameterLayout>& layout() const { return layout_; }
  // dtype and device of vectors. A model of bfloat16 or float16 has float32 vectors, so that a point is more
  // exact than the parameters that are rounded from it.
  at::TensorOptions options() const { return options_; }
  // What it computes in: the dtype of its inputs.
  c10::ScalarType input_type() const { return input_type_; }
  // Whether installed parameters are rounded copies, which do not follow the tensors that were given.
  bool rounds_parameters() const { return rounds_parameters_; }
  const std::vector<BufferInfo>& buffers() const { return buffers_; }

  // θ* as loaded: a new flat tensor.
  virtual at::Tensor Parameters() const = 0;
  // "eval", "train" or "mixed" where the graph fixes the mode of BatchNorm or dropout (a traced module); else
  // empty.
  virtual std::string FixedMode() const = 0;
  // Operators of the forward pass whose result depends on the mode, or is drawn at random.
  virtual std::vector<std::string> ImpureOperators() const = 0;
  // Whether a forward pass in train mode draws at random.
  virtual bool DrawsAtRandom() const = 0;
  virtual ForwardSignature Signature() const = 0;
  // Throws ERR_MODE_BAKED_IN if the graph fixes another mode.
  virtual void RequireMode(Mode mode) const = 0;

  // Puts `parameters` (one tensor per layout entry), `buffers` and the mode in place; the tensors that were
  // there are returned untouched, so putting them back restores every bit. Parameters are rounded to the
  // model's own types, differentiably where grad mode is on.
  virtual Saved Install(std::vector<at::Tensor> parameters, std::vector<at::Tensor> buffers, Mode mode) = 0;
  virtual void Restore(const Saved& saved) noexcept = 0;
  // Other parameters in the place of the installed ones.
  virtual void Reinstall(const std::vector<at::Tensor>& parameters) = 0;
  // The state as Install left it, after a forward pass may have assigned buffers or attributes.
  virtual void Reinstall(const std::vector<at::Tensor>& buffers, Mode mode, const Saved& saved) = 0;
  virtual std::vector<at::Tensor> BufferTensors() const = 0;
  // The buffers as they stand in the module now: what Install put there, or what a forward pass assigned.
  virtual std::vector<at::Tensor> InstalledBuffers() const = 0;

  // Another one with the same values, which may run on another thread at the same time: they share nothing
  // but tensors, which no pass writes to. Null on a GPU, and where the module holds what cannot be copied.
  // Not while other values are installed.
  virtual std::unique_ptr<Model> Replica() const = 0;

  // Whatever the model returns. ERR_FORWARD.
  virtual c10::IValue Forward(const Batch& batch, BatchNormForm form) = 0;

  // Null where none is known, or where parameters are rounded, so that nothing is linear in them.
  virtual const FirstLayers* first_layers() = 0;
  // Whether a BatchNorm is folded in BatchNormForm::kFolded in eval mode.
  virtual bool FoldsBatchNorm() = 0;
  // Of parameters in their order: whether that form is faster where their channels lie last. None where
  // nothing is. The state is the model's own.
  virtual std::vector<bool> TakesChannelsLast() = 0;
  // Their outputs, with what is installed.
  virtual std::vector<at::Tensor> FirstOutputs(const Batch& batch) = 0;
  // Forward with the outputs of the first layers, after their ends, given. It may write to them. ERR_FORWARD.
  virtual c10::IValue ForwardAfter(const Batch& batch, std::vector<at::Tensor> first) = 0;

  // The beginning of the forward pass in eval mode before all that moves, of parameters and buffers in their
  // order; null where there is none. BatchNorm is folded in it where it can be. The state is the model's own.
  virtual std::unique_ptr<FrozenPrefix> SplitAtMoving(const std::vector<bool>& moving_parameters,
                                                      const std::vector<bool>& moving_buffers) = 0;
  // What the rest needs of it, with what is installed.
  virtual std::vector<c10::IValue> PrefixValues(const FrozenPrefix& prefix, const Batch& batch) = 0;
  // Forward with these values given. ERR_FORWARD.
  virtual c10::IValue ForwardAfter(const Batch& batch, const FrozenPrefix& prefix,
                                   const std::vector<c10::IValue>& values) = 0;

 protected:
  std::shared_ptr<const ParameterLayout> layout_;
  at::TensorOptions options_;
  c10::ScalarType input_type_ = c10::kFloat;
  bool rounds_parameters_ = false;
  std::vector<BufferInfo> buffers_;
};

}  // namespace lossatlas
