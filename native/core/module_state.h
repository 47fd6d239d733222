// The tensors, flags and numbers that a module of TorchScript holds, and where.
#pragma once
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/parameter_layout.h"
#include "core/torch.h"

namespace lossatlas {

// Where a module holds a tensor: in an attribute, or in a list of one (scripted recurrent layers read their
// weights from a list).
struct TensorPlace {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  size_t index = 0;
  std::optional<size_t> item;

  at::Tensor Get() const;
  void Set(const at::Tensor& tensor) const;
};

// Where a module holds a number or a flag.
struct AttributePlace {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  size_t index = 0;
  bool is_training = false;
};

struct FoundTensor {
  std::string name;
  std::vector<std::string> modules;
  std::string leaf;
  TensorPlace place;
};

struct ModuleState {
  std::vector<FoundTensor> parameters;
  std::vector<FoundTensor> others;  // buffers, and items of lists, which may be parameters again
  std::vector<AttributePlace> attributes;
};

// Throws ERR_MODEL_LOAD for tensors that stand where they could not be replaced.
ModuleState FindState(const torch::jit::Module& module);

// Tied parameters come out of the archive as tensors over one storage, or as one tensor.
using TieKey = std::tuple<const void*, int64_t, std::vector<int64_t>, std::vector<int64_t>>;

TieKey KeyOf(const at::Tensor& tensor);

// The owner's class name decides what a parameter is; a free scale without a known owner counts as weight.
Role RoleOf(const std::string& owner_class, const std::string& leaf);

}  // namespace lossatlas
