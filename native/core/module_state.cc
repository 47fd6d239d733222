#include "core/module_state.h"

#include <set>

#include "core/error.h"

namespace lossatlas {
namespace {

bool Contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// As Python names it: archives put classes under `__torch__`, and variants of one under `___torch_mangle_N`.
std::string ClassName(const c10::ClassTypePtr& type) {
  if (!type->name()) return "";
  std::string text;
  for (const std::string& atom : type->name()->atoms()) {
    if (atom == "__torch__" || atom.rfind("___torch_mangle_", 0) == 0) continue;
    text += (text.empty() ? "" : ".") + atom;
  }
  return text;
}

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
           std::vector<std::string> modules, std::set<const void*>& seen, ModuleState& out) {
  // A submodule that is registered twice is visited once: its tensors are the same.
  if (!seen.insert(object.get()).second) return;
  const c10::ClassTypePtr type = object->type();
  modules.push_back(ClassName(type));
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string leaf = type->getAttributeName(i);
    const c10::IValue& value = object->getSlot(i);
    if (value.isTensor() && value.toTensor().defined()) {
      (type->is_parameter(i) ? out.parameters : out.others)
          .push_back({prefix + leaf, modules, leaf, {object, i, {}}});
    } else if (value.isTensorList()) {
      for (size_t item = 0; item < value.toTensorList().size(); ++item) {
        out.others.push_back({prefix + leaf + "." + std::to_string(item), modules, leaf, {object, i, item}});
      }
    } else if (value.isBool() || value.isInt() || value.isDouble()) {
      out.attributes.push_back({object, i, leaf == "training" && value.isBool()});
    } else if (value.isObject() && value.toObject()->type()->is_module()) {
      Visit(value.toObject(), prefix + leaf + ".", modules, seen, out);
    } else {
      RefuseNestedTensors(value, prefix + leaf);
    }
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

ModuleState FindState(const torch::jit::Module& module) {
  ModuleState out;
  std::set<const void*> seen;
  Visit(module._ivalue(), "", {}, seen, out);
  return out;
}

TieKey KeyOf(const at::Tensor& tensor) {
  return {tensor.storage().data(), tensor.storage_offset(), tensor.sizes().vec(), tensor.strides().vec()};
}

Role RoleOf(const std::string& owner_class, const std::string& leaf) {
  if (Contains(owner_class, "Norm") || Contains(owner_class, "norm")) return Role::kNorm;
  if (leaf == "bias" || leaf.rfind("bias_", 0) == 0 || Contains(leaf, "_bias")) return Role::kBias;
  return Role::kWeight;
}

}  // namespace lossatlas
