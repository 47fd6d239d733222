#include "core/exported_program.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <limits>
#include <map>

#include "core/error.h"
#include "core/failure.h"
#include "core/torchscript_file.h"

namespace lossatlas {
namespace {

using torch::jit::Node;
using torch::jit::Value;
using Kind = GraphArgument::Kind;

[[noreturn]] void Refuse(const std::string& problem) {
  throw Error(code::kModelLoad, "The exported program cannot be run: " + problem + ".");
}

// Files know int64's largest value for "to the end", which a double rounds up.
int64_t ToInt(double number) {
  if (number >= 9223372036854775807.0) return std::numeric_limits<int64_t>::max();
  if (number <= -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(number);
}

// A module of Python's as a module of TorchScript.
struct ModuleNode {
  std::string class_name;
  std::vector<std::tuple<std::string, at::Tensor, bool>> tensors;  // the flag: a buffer
  std::vector<std::pair<std::string, ModuleNode>> children;

  ModuleNode& Child(const std::string& name) {
    for (auto& [known, child] : children) {
      if (known == name) return child;
    }
    return children.emplace_back(name, ModuleNode{}).second;
  }
};

std::vector<std::string> SplitPath(const std::string& path) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; start = dot + 1, dot = path.find('.', start))
    parts.push_back(path.substr(start, dot - start));
  parts.push_back(path.substr(start));
  return parts;
}

torch::jit::Module MakeModule(const ModuleNode& node,
                              const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  // A mangled name counts as none; the number behind it is counted up.
  const std::string name = node.class_name.empty() ? "___torch_mangle_0" : node.class_name;
  torch::jit::Module module(c10::QualifiedName("__torch__." + name), unit, /*shouldMangle=*/true);
  for (const auto& [leaf, tensor, is_buffer] : node.tensors)
    module.register_parameter(leaf, tensor, is_buffer);
  for (const auto& [leaf, child] : node.children) module.register_module(leaf, MakeModule(child, unit));
  return module;
}

// Numbers that stand where a tensor is wanted take part in type promotion as Python's numbers do.
at::Tensor WrappedNumber(const c10::Scalar& number) {
  at::Tensor tensor = at::scalar_tensor(number, at::TensorOptions(number.type()));
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

c10::Scalar ToScalar(const GraphArgument& argument) {
  if (argument.kind == Kind::kInt) return ToInt(argument.number);
  if (argument.kind == Kind::kBool) return argument.number != 0;
  if (argument.kind == Kind::kComplex) return c10::complex<double>(argument.number, argument.imaginary);
  return argument.number;
}

bool IsNumber(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kFloat || kind == Kind::kBool || kind == Kind::kComplex;
}

// Whether the type is T, or T or None.
bool IsOrOptional(const c10::TypePtr& type, c10::TypeKind kind) {
  if (type->kind() != c10::TypeKind::OptionalType) return type->kind() == kind;
  return type->expectRef<c10::OptionalType>().getElementType()->kind() == kind;
}

// The item type of a list, or of a list or None; null for anything else.
c10::TypePtr ItemType(const c10::TypePtr& type) {
  const c10::TypePtr list = type->kind() == c10::TypeKind::OptionalType
                                ? type->expectRef<c10::OptionalType>().getElementType()
                                : type;
  return list->kind() == c10::TypeKind::ListType ? list->expectRef<c10::ListType>().getElementType()
                                                 : nullptr;
}

class Builder {
 public:
  Builder(const ExportedProgram& program, c10::Device device, std::optional<c10::ScalarType> dtype)
      : program_(program), device_(device), dtype_(dtype), graph_(std::make_shared<torch::jit::Graph>()) {}

  torch::jit::Module Build() {
    torch::jit::Module module = MakeState();
    AddInputs(module);
    RequireKnownOperators();
    for (const GraphNode& node : program_.nodes) AddNode(node);
    graph_->registerOutput(Convert(program_.output, c10::AnyType::get(), {}));
    torch::jit::EliminateDeadCode(graph_);
    torch::jit::ConstantPooling(graph_);
    torch::jit::Function* forward = module._ivalue()->compilation_unit()->create_function(
        c10::QualifiedName(*module.type()->name(), "forward"), graph_);
    module.type()->addMethod(forward);
    RefuseReachingOperators(module);
    return module;
  }

 private:
  // Parameters and buffers under the names of the state dict; constants go into the graph.
  torch::jit::Module MakeState() {
    ModuleNode root;
    std::map<std::string, std::string> classes(program_.classes.begin(), program_.classes.end());
    root.class_name = classes[""];
    for (const ProgramTensor& tensor : program_.tensors) {
      if (tensor.kind == ProgramTensor::Kind::kConstant) continue;
      const std::vector<std::string> parts = SplitPath(tensor.name);
      ModuleNode* owner = &root;
      std::string path;
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        owner = &owner->Child(parts[i]);
        path += (path.empty() ? "" : ".") + parts[i];
        owner->class_name = classes[path];
      }
      const bool is_buffer = tensor.kind == ProgramTensor::Kind::kBuffer;
      owner->tensors.emplace_back(parts.back(), TensorOf(tensor), is_buffer);
    }
    torch::jit::Module module = MakeModule(root, std::make_shared<torch::jit::CompilationUnit>());
    if (!module.hasattr("training")) module.register_attribute("training", c10::BoolType::get(), false);
    return module;
  }

  // Views of one storage share it, as tied parameters do.
  at::Tensor TensorOf(const ProgramTensor& tensor) {
    const std::pair<size_t, c10::ScalarType> key{tensor.storage, tensor.type};
    auto found = storages_.find(key);
    if (found == storages_.end()) {
      at::Tensor flat = program_.storages.at(tensor.storage).view(tensor.type).to(device_);
      if (dtype_ && flat.is_floating_point()) flat = flat.to(*dtype_);
      found = storages_.emplace(key, flat).first;
    }
    return found->second.as_strided(tensor.sizes, tensor.strides, tensor.offset)
        .requires_grad_(tensor.requires_grad && found->second.is_floating_point());
  }

  void AddInputs(const torch::jit::Module& module) {
    Value* self = graph_->addInput("self")->setType(module.type());
    for (const std::string& name : program_.inputs)
      Define(name, graph_->addInput(name)->setType(c10::TensorType::get()));
    std::map<std::string, Value*> owners{{"", self}};
    for (const ProgramTensor& tensor : program_.tensors) {
      if (tensor.value.empty()) continue;
      if (tensor.kind == ProgramTensor::Kind::kConstant) {
        Define(tensor.value, graph_->insertConstant(TensorOf(tensor).detach()));
        continue;
      }
      std::string path;
      Value* owner = self;
      const std::vector<std::string> parts = SplitPath(tensor.name);
      for (size_t i = 0; i + 1 < parts.size(); ++i) {
        path += (path.empty() ? "" : ".") + parts[i];
        const auto [place, is_new] = owners.try_emplace(path, nullptr);
        if (is_new) place->second = graph_->insertGetAttr(owner, parts[i]);
        owner = place->second;
      }
      Define(tensor.value, graph_->insertGetAttr(owner, parts.back()));
    }
  }

  void RequireKnownOperators() const {
    std::set<std::string> unknown;
    for (const GraphNode& node : program_.nodes) {
      if (node.is_scalar || Find(node)) continue;
      unknown.insert(node.name + (node.overload.empty() ? "" : "." + node.overload));
    }
    if (unknown.empty()) return;
    std::string names;
    for (const std::string& name : unknown) names += (names.empty() ? "" : ", ") + name;
    Refuse("this libtorch has no operator " + names);
  }

  static std::optional<c10::OperatorHandle> Find(const GraphNode& node) {
    return c10::Dispatcher::singleton().findSchema({node.name, node.overload});
  }

  void AddNode(const GraphNode& node) {
    if (node.is_scalar) {
      std::vector<Value*> inputs;
      for (const auto& [name, argument] : node.inputs)
        inputs.push_back(Convert(argument, c10::AnyType::get(), {}));
      Node* added = Insert(node, inputs, node.outputs.size());
      const torch::jit::Operator* chosen = added->maybeOperator();
      const bool fits = chosen != nullptr &&
                        (node.outputs.empty() ||
                         chosen->schema().returns().at(0).type()->isSubtypeOf(*added->output(0)->type()));
      if (!fits) Refuse("there is no arithmetic '" + node.name + "' on these numbers");
      return;
    }
    const c10::FunctionSchema& schema = Find(node)->schema();
    Node* added = Insert(node, Inputs(node, schema), schema.returns().size(), &schema);
    // Arguments of these types must choose the operator that was exported.
    const torch::jit::Operator* chosen = added->maybeOperator();
    if (chosen == nullptr || chosen->schema().operator_name() != schema.operator_name()) {
      Refuse("the arguments of " + c10::toString(schema.operator_name()) +
             " do not fit its schema in this libtorch");
    }
  }

  std::vector<Value*> Inputs(const GraphNode& node, const c10::FunctionSchema& schema) {
    std::map<std::string, const GraphArgument*> given;
    for (const auto& [name, argument] : node.inputs) given[name] = &argument;
    const bool is_factory = std::none_of(schema.arguments().begin(), schema.arguments().end(),
                                         [](const c10::Argument& a) { return ItemOrTensor(a.type()); });
    std::vector<Value*> inputs;
    for (const c10::Argument& argument : schema.arguments()) {
      const auto found = given.find(argument.name());
      const bool is_given = found != given.end() && found->second->kind != Kind::kNone;
      if (is_given) {
        inputs.push_back(Convert(*found->second, argument.type(), argument.N()));
      } else if (is_factory && argument.name() == "device") {
        inputs.push_back(graph_->insertConstant(device_));
      } else if (is_factory && argument.name() == "dtype" && dtype_ && node.output_type &&
                 c10::isFloatingType(*node.output_type)) {
        inputs.push_back(graph_->insertConstant(*dtype_));
      } else if (found == given.end() && argument.default_value()) {
        inputs.push_back(graph_->insertConstant(*argument.default_value()));
      } else if (argument.type()->kind() == c10::TypeKind::OptionalType) {
        inputs.push_back(graph_->insertConstant(c10::IValue()));
      } else {
        Refuse(node.name + " lacks its argument '" + argument.name() + "'");
      }
      if (found != given.end()) given.erase(found);
    }
    if (!given.empty()) Refuse(node.name + " has no argument '" + given.begin()->first + "'");
    return inputs;
  }

  static bool ItemOrTensor(const c10::TypePtr& type) {
    const c10::TypePtr item = ItemType(type);
    return IsOrOptional(item ? item : type, c10::TypeKind::TensorType);
  }

  Node* Insert(const GraphNode& node, const std::vector<Value*>& inputs, size_t num_outputs,
               const c10::FunctionSchema* schema = nullptr) {
    Node* added =
        graph_->insertNode(graph_->create(c10::Symbol::fromQualString(node.name), inputs, num_outputs));
    if (node.outputs.size() > num_outputs) Refuse(node.name + " gives fewer results than the graph takes");
    for (size_t i = 0; i < num_outputs; ++i) {
      if (schema != nullptr) added->output(i)->setType(schema->returns()[i].type());
      if (i < node.outputs.size()) DefineOutput(node.outputs[i], added->output(i));
    }
    return added;
  }

  void DefineOutput(const GraphOutput& output, Value* value) {
    switch (output.kind) {
      case GraphOutput::Kind::kNone:
        return;
      case GraphOutput::Kind::kTensors: {
        Node* unpack = graph_->insertNode(graph_->createListUnpack(value, output.names.size()));
        for (size_t i = 0; i < output.names.size(); ++i) Define(output.names[i], unpack->output(i));
        return;
      }
      case GraphOutput::Kind::kInt:
        value->setType(c10::IntType::get());
        break;
      case GraphOutput::Kind::kFloat:
        value->setType(c10::FloatType::get());
        break;
      case GraphOutput::Kind::kBool:
        value->setType(c10::BoolType::get());
        break;
      case GraphOutput::Kind::kTensor:
        break;
    }
    Define(output.names.at(0), value);
  }

  // `length`: a single number stands for a list of so many.
  Value* Convert(const GraphArgument& argument, const c10::TypePtr& type, std::optional<int32_t> length) {
    const c10::TypePtr item = ItemType(type);
    const bool wants_tensor = IsOrOptional(type, c10::TypeKind::TensorType);
    if (item && length && IsNumber(argument.kind)) {
      GraphArgument list;
      list.kind = Kind::kList;
      list.items.assign(static_cast<size_t>(*length), argument);
      return Convert(list, type, {});
    }
    switch (argument.kind) {
      case Kind::kNone:
        return graph_->insertConstant(c10::IValue());
      case Kind::kValue: {
        Value* value = Lookup(argument.text);
        if (wants_tensor && value->type()->isSubtypeOf(*c10::NumberType::get()))
          return graph_->insert(c10::prim::NumToTensor, {value});
        if (IsOrOptional(type, c10::TypeKind::FloatType) && value->type()->kind() == c10::TypeKind::IntType)
          return graph_->insert(c10::aten::Float, {value});
        return value;
      }
      case Kind::kInt:
      case Kind::kFloat:
      case Kind::kBool:
      case Kind::kComplex:
        if (wants_tensor) return graph_->insertConstant(WrappedNumber(ToScalar(argument)));
        if (IsOrOptional(type, c10::TypeKind::FloatType)) return graph_->insertConstant(argument.number);
        return graph_->insertConstant(c10::IValue(ToScalar(argument)));
      case Kind::kString:
        return graph_->insertConstant(argument.text);
      case Kind::kScalarType:
        return graph_->insertConstant(Converted(static_cast<c10::ScalarType>(ToInt(argument.number))));
      case Kind::kDevice:
        return graph_->insertConstant(device_);
      case Kind::kList:
        return List(argument, item);
      case Kind::kTuple: {
        const std::vector<Value*> items = Items(argument, c10::AnyType::get());
        return graph_->insertNode(graph_->createTuple(items))->output();
      }
      case Kind::kDict: {
        std::vector<Value*> keys;
        for (const std::string& key : argument.keys) keys.push_back(graph_->insertConstant(key));
        const std::vector<Value*> items = Items(argument, c10::AnyType::get());
        const bool uniform = std::all_of(items.begin(), items.end(), [](const Value* value) {
          return value->type()->kind() == c10::TypeKind::TensorType;
        });
        const c10::TypePtr value_type = uniform ? c10::TypePtr(c10::TensorType::get()) : c10::AnyType::get();
        return graph_->insertNode(graph_->createDict(c10::StringType::get(), value_type, keys, items))
            ->output();
      }
    }
    Refuse("it has an argument of an unknown kind");
  }

  std::vector<Value*> Items(const GraphArgument& argument, const c10::TypePtr& type) {
    std::vector<Value*> items;
    for (const GraphArgument& item : argument.items) items.push_back(Convert(item, type, {}));
    return items;
  }

  Value* List(const GraphArgument& argument, const c10::TypePtr& item) {
    if (!item) Refuse("there is a list where none is expected");
    return graph_->insertNode(graph_->createList(item, Items(argument, item)))->output();
  }

  // Where the program is converted, its old types and any narrower ones become the new one.
  c10::ScalarType Converted(c10::ScalarType type) const {
    if (!dtype_ || !c10::isFloatingType(type)) return type;
    const bool narrower = c10::elementSize(type) < c10::elementSize(*dtype_);
    return narrower || type == OwnType() ? *dtype_ : type;
  }

  c10::ScalarType OwnType() const {
    for (const ProgramTensor& tensor : program_.tensors) {
      if (tensor.kind == ProgramTensor::Kind::kParameter && c10::isFloatingType(tensor.type))
        return tensor.type;
    }
    return c10::kFloat;
  }

  void Define(const std::string& name, Value* value) {
    if (!values_.emplace(name, value).second) Refuse("its graph defines '" + name + "' twice");
  }

  Value* Lookup(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) Refuse("its graph uses '" + name + "' before it is defined");
    return found->second;
  }

  const ExportedProgram& program_;
  c10::Device device_;
  std::optional<c10::ScalarType> dtype_;
  std::shared_ptr<torch::jit::Graph> graph_;
  std::map<std::string, Value*> values_;
  std::map<std::pair<size_t, c10::ScalarType>, at::Tensor> storages_;
};

}  // namespace

torch::jit::Module BuildModule(const ExportedProgram& program, c10::Device device,
                               std::optional<c10::ScalarType> dtype) {
  at::NoGradGuard no_grad;
  try {
    return Builder(program, device, dtype).Build();
  } catch (const Error&) {
    throw;
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& e) {
    Refuse(FirstLine(e.what_without_backtrace()));
  } catch (const std::exception& e) {
    Refuse(FirstLine(e.what()));
  }
}

}  // namespace lossatlas
