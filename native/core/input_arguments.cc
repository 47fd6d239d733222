#include "core/input_arguments.h"

#include "core/error.h"

namespace lossatlas {
namespace {

using c10::TypeKind;
using c10::TypePtr;

bool IsTensorLike(const TypePtr& type) {
  return type->isSubtypeOf(*c10::OptionalType::ofTensor()) || type->kind() == TypeKind::AnyType;
}

// Tensors within tuples of tuples, too; -1 where it holds something else.
int64_t NumTensors(const TypePtr& type) {
  if (IsTensorLike(type)) return 1;
  if (type->kind() != TypeKind::TupleType) return -1;
  int64_t count = 0;
  for (const TypePtr& item : type->containedTypes()) {
    const int64_t inner = NumTensors(item);
    if (inner < 0) return -1;
    count += inner;
  }
  return count;
}

bool IsTensorList(const TypePtr& type) { return type->isSubtypeOf(*c10::ListType::ofTensors()); }

bool IsTensorDict(const TypePtr& type) {
  if (type->kind() != TypeKind::DictType) return false;
  const auto& dict = type->expectRef<c10::DictType>();
  return dict.getKeyType()->kind() == TypeKind::StringType && IsTensorLike(dict.getValueType());
}

// The model's own arguments: the first one is the module.
c10::ArrayRef<c10::Argument> ArgumentsOf(const c10::FunctionSchema& schema) {
  return c10::ArrayRef<c10::Argument>(schema.arguments()).slice(1);
}

std::string Wanted(const c10::FunctionSchema& schema) {
  std::string text;
  for (const c10::Argument& argument : ArgumentsOf(schema)) {
    text += (text.empty() ? "" : ", ") + argument.name() + ": " + argument.type()->annotation_str();
    if (argument.default_value()) text += " (optional)";
  }
  return "The model's forward takes (" + text + ")";
}

class Arranger {
 public:
  Arranger(const c10::FunctionSchema& schema, const std::vector<at::Tensor>& tensors,
           const std::vector<std::string>& names)
      : schema_(schema),
        tensors_(tensors),
        names_(names),
        used_(tensors.size(), false),
        reserved_(tensors.size(), false) {
    for (size_t i = 0; i < names.size(); ++i) {
      for (const c10::Argument& argument : ArgumentsOf(schema))
        reserved_[i] = reserved_[i] || argument.name() == names[i];
    }
  }

  std::vector<c10::IValue> Arrange() {
    std::vector<c10::IValue> out;
    const auto arguments = ArgumentsOf(schema_);
    for (size_t i = 0; i < arguments.size(); ++i) out.push_back(Value(arguments, i));
    for (size_t i = 0; i < used_.size(); ++i) {
      if (used_[i]) continue;
      Refuse(names_.empty()
                 ? "the data has " + std::to_string(tensors_.size()) + " inputs, which are too many"
                 : "it has no place for the input '" + names_[i] + "'");
    }
    return out;
  }

 private:
  c10::IValue Value(c10::ArrayRef<c10::Argument> arguments, size_t index) {
    const c10::Argument& argument = arguments[index];
    const TypePtr& type = argument.type();
    if (IsTensorDict(type)) return Dictionary(argument);
    if (IsTensorList(type)) return List(argument, NumNeeded(arguments.slice(index + 1)));
    const int64_t count = NumTensors(type);
    if (count < 0) {
      if (argument.default_value()) return *argument.default_value();
      Refuse("'" + argument.name() + "' is no tensor, and has no default");
    }
    if (type->kind() == TypeKind::TupleType) return Tuple(type, argument);
    const std::optional<size_t> place = Find(argument);
    if (place) return Take(*place);
    if (argument.default_value()) return *argument.default_value();
    if (type->kind() == TypeKind::OptionalType) return {};
    Missing(argument);
  }

  c10::IValue Tuple(const TypePtr& type, const c10::Argument& argument) {
    std::vector<c10::IValue> items;
    for (const TypePtr& item : type->containedTypes()) {
      if (item->kind() == TypeKind::TupleType) {
        items.push_back(Tuple(item, argument));
        continue;
      }
      const std::optional<size_t> place = Next();
      if (!place) Missing(argument);
      items.push_back(Take(*place));
    }
    return c10::ivalue::Tuple::create(std::move(items));
  }

  c10::IValue List(const c10::Argument& argument, size_t leave) {
    c10::List<at::Tensor> items;
    if (const std::optional<size_t> own = OwnName(argument)) {
      items.push_back(Take(*own));
      return items;
    }
    if (!names_.empty()) leave = 0;  // what belongs to other arguments is named so
    for (std::optional<size_t> place = Next(); place && NumLeft() > leave; place = Next())
      items.push_back(Take(*place));
    if (items.empty() && argument.default_value()) return *argument.default_value();
    if (items.empty()) Missing(argument);
    return items;
  }

  c10::IValue Dictionary(const c10::Argument& argument) {
    if (names_.empty()) {
      Refuse("'" + argument.name() +
             "' is a dictionary: give the data set's inputs by name, as in dataset({ inputs: { name: … } })");
    }
    c10::Dict<std::string, at::Tensor> items;
    for (std::optional<size_t> place = Next(); place; place = Next())
      items.insert(names_[*place], Take(*place));
    return items;
  }

  // Tensors that the arguments cannot do without.
  static size_t NumNeeded(c10::ArrayRef<c10::Argument> arguments) {
    size_t count = 0;
    for (const c10::Argument& argument : arguments) {
      const bool optional = argument.default_value() || argument.type()->kind() == TypeKind::OptionalType;
      if (!optional) count += static_cast<size_t>(std::max<int64_t>(NumTensors(argument.type()), 1));
    }
    return count;
  }

  std::optional<size_t> OwnName(const c10::Argument& argument) const {
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!used_[i] && names_[i] == argument.name()) return i;
    }
    return std::nullopt;
  }

  std::optional<size_t> Find(const c10::Argument& argument) const {
    return names_.empty() ? Next() : OwnName(argument);
  }

  // The first that no argument is called by.
  std::optional<size_t> Next() const {
    for (size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i] && !reserved_[i]) return i;
    }
    return std::nullopt;
  }

  size_t NumLeft() const { return static_cast<size_t>(std::count(used_.begin(), used_.end(), false)); }

  at::Tensor Take(size_t place) {
    used_[place] = true;
    return tensors_[place];
  }

  [[noreturn]] void Missing(const c10::Argument& argument) const {
    Refuse(std::string("the data has no input ") + (names_.empty() ? "left for '" : "named '") +
           argument.name() + "'");
  }

  [[noreturn]] void Refuse(const std::string& problem) const {
    throw Error(code::kForward, Wanted(schema_) + "; " + problem + ".");
  }

  const c10::FunctionSchema& schema_;
  const std::vector<at::Tensor>& tensors_;
  const std::vector<std::string>& names_;
  std::vector<bool> used_;
  std::vector<bool> reserved_;
};

}  // namespace

std::vector<c10::IValue> ArrangeInputs(const c10::FunctionSchema& schema,
                                       const std::vector<at::Tensor>& tensors,
                                       const std::vector<std::string>& names) {
  return Arranger(schema, tensors, names).Arrange();
}

}  // namespace lossatlas
