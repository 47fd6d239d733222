// Programs of torch.export (.pt2): an ATen graph with its tensors, built as a TorchScript module, so that all
// that holds for one holds for the other: autograd, modes, names, dynamic batch sizes.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// An argument of a node, or a part of the program's output.
struct GraphArgument {
  enum class Kind {
    kNone,
    kValue,  // of the graph, by its name in `text`
    kInt,
    kFloat,
    kBool,
    kString,
    kScalarType,
    kDevice,  // any: the program runs on one device
    kComplex,
    kList,
    kTuple,
    kDict
  };
  Kind kind = Kind::kNone;
  std::string text;
  double number = 0;  // integers beyond int64 are its ends
  double imaginary = 0;
  std::vector<GraphArgument> items;
  std::vector<std::string> keys;  // of a dictionary
};

struct GraphOutput {
  enum class Kind { kNone, kTensor, kTensors, kInt, kFloat, kBool };
  Kind kind = Kind::kTensor;
  std::vector<std::string> names;  // more than one of a list of tensors
};

struct GraphNode {
  std::string name;        // "aten::conv2d"
  std::string overload;    // "padding"; empty for the default
  bool is_scalar = false;  // arithmetic on numbers: arguments by position, no overload
  std::vector<std::pair<std::string, GraphArgument>> inputs;
  std::vector<GraphOutput> outputs;
  std::optional<c10::ScalarType> output_type;  // of its first tensor
};

struct ProgramTensor {
  enum class Kind { kParameter, kBuffer, kConstant };
  Kind kind = Kind::kParameter;
  std::string name;   // in the state dict
  std::string value;  // in the graph; empty where no node uses it
  size_t storage = 0;
  c10::ScalarType type = c10::kFloat;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t offset = 0;
  bool requires_grad = false;
};

struct ExportedProgram {
  std::vector<at::Tensor> storages;  // bytes, on the host
  std::vector<ProgramTensor> tensors;
  std::vector<std::pair<std::string, std::string>>
      classes;                      // of modules, by their path: {"layer1.0", "….Block"}
  std::vector<std::string> inputs;  // values of the graph, which name the arguments
  std::vector<GraphNode> nodes;
  GraphArgument output;
  std::string lost_dropout;  // as LoadOptions
  bool is_mixed = false;     // some parts in train mode and others in eval mode: neither is switched
  std::set<std::string> non_persistent;
};

// With `dtype` every floating-point tensor is converted, and the graph no longer mentions the old type.
// ERR_MODEL_LOAD that names the operators which this libtorch does not know, or what else is wrong.
torch::jit::Module BuildModule(const ExportedProgram& program, c10::Device device,
                               std::optional<c10::ScalarType> dtype);

}  // namespace lossatlas
