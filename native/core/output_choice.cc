#include "core/output_choice.h"

#include <vector>

#include "core/error.h"

namespace lossatlas {
namespace {

std::string Describe(const c10::IValue& value) {
  if (value.isTensor()) {
    std::string text = "a tensor [";
    for (const int64_t size : value.toTensor().sizes())
      text += (text.back() == '[' ? "" : ", ") + std::to_string(size);
    return text + "]";
  }
  if (value.isTuple()) return "a tuple of " + std::to_string(value.toTupleRef().elements().size());
  if (value.isList()) return "a list of " + std::to_string(value.toListRef().size());
  if (value.isGenericDict()) {
    std::string keys;
    for (const auto& entry : value.toGenericDict()) {
      if (entry.key().isString()) keys += (keys.empty() ? "'" : ", '") + entry.key().toStringRef() + "'";
    }
    return "a dictionary with " + (keys.empty() ? "no names" : keys);
  }
  return value.tagKind();
}

[[noreturn]] void Refuse(const c10::IValue& output, const std::string& wanted) {
  throw Error(code::kForward, "The model returns " + Describe(output) + "; " + wanted);
}

std::vector<c10::IValue> ItemsOf(const c10::IValue& output) {
  if (output.isTuple()) {
    const auto& elements = output.toTupleRef().elements();
    return std::vector<c10::IValue>(elements.begin(), elements.end());
  }
  if (output.isList()) return output.toListRef().vec();
  return {};
}

const at::Tensor& RequireTensor(const c10::IValue& item, const c10::IValue& output,
                                const std::string& which) {
  if (!item.isTensor() || !item.toTensor().defined())
    Refuse(output, which + " is " + Describe(item) + ", and a tensor is needed.");
  return item.toTensor();
}

}  // namespace

at::Tensor ChooseOutput(const c10::IValue& output, const OutputChoice& choice) {
  if (const auto* index = std::get_if<int64_t>(&choice)) {
    const std::vector<c10::IValue> items = ItemsOf(output);
    if (*index < 0 || *index >= static_cast<int64_t>(items.size()))
      Refuse(output, "there is no output " + std::to_string(*index) + ".");
    return RequireTensor(items[static_cast<size_t>(*index)], output, "its item " + std::to_string(*index));
  }
  if (const auto* key = std::get_if<std::string>(&choice)) {
    if (!output.isGenericDict()) Refuse(output, "there is no output '" + *key + "'.");
    const auto entries = output.toGenericDict();
    const auto found = entries.find(*key);
    if (found == entries.end()) Refuse(output, "there is no output '" + *key + "'.");
    return RequireTensor(found->value(), output, "its entry '" + *key + "'");
  }
  if (output.isTensor()) return output.toTensor();
  const std::vector<c10::IValue> items = ItemsOf(output);
  if (items.empty())
    Refuse(output, "choose one of its outputs with the objective's option 'output', a tensor.");
  return RequireTensor(items.front(), output, "its first item");
}

}  // namespace lossatlas
