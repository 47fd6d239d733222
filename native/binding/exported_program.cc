#include "binding/exported_program.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace lossatlas {
namespace {

[[noreturn]] void Wrong(const char* what) {
  throw Error(code::kInvalidArgument, std::string("the program's ") + what + " is malformed");
}

Napi::Object ObjectOf(const Napi::Value& value, const char* what) {
  if (!value.IsObject()) Wrong(what);
  return value.As<Napi::Object>();
}

Napi::Array ArrayOf(const Napi::Value& value, const char* what) {
  if (!value.IsArray()) Wrong(what);
  return value.As<Napi::Array>();
}

std::string StringOf(const Napi::Value& value, const char* what) {
  if (!value.IsString()) Wrong(what);
  return value.As<Napi::String>().Utf8Value();
}

double NumberOf(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) Wrong(what);
  return value.As<Napi::Number>().DoubleValue();
}

int64_t IntegerOf(const Napi::Value& value, const char* what) {
  const double number = NumberOf(value, what);
  if (!(std::abs(number) < 9007199254740992.0) || number != std::floor(number)) Wrong(what);
  return static_cast<int64_t>(number);
}

template <class Read>
auto Map(const Napi::Value& value, const char* what, Read read) {
  const Napi::Array array = ArrayOf(value, what);
  std::vector<decltype(read(value))> out;
  for (uint32_t i = 0; i < array.Length(); ++i) out.push_back(read(array.Get(i)));
  return out;
}

std::vector<std::string> StringsOf(const Napi::Value& value, const char* what) {
  return Map(value, what, [what](const Napi::Value& item) { return StringOf(item, what); });
}

std::vector<int64_t> IntegersOf(const Napi::Value& value, const char* what) {
  return Map(value, what, [what](const Napi::Value& item) { return IntegerOf(item, what); });
}

// `names` in the order of the enumeration.
template <class Kind>
Kind KindOf(const Napi::Object& object, std::initializer_list<const char*> names) {
  const std::string kind = StringOf(object.Get("kind"), "kind");
  int index = 0;
  for (const char* name : names) {
    if (kind == name) return static_cast<Kind>(index);
    ++index;
  }
  Wrong("kind");
}

c10::ScalarType TypeOf(const Napi::Value& value) {
  const int64_t type = IntegerOf(value, "dtype");
  if (type < 0 || type >= static_cast<int64_t>(c10::ScalarType::Undefined)) Wrong("dtype");
  return static_cast<c10::ScalarType>(type);
}

at::Tensor Bytes(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    Wrong("storage");
  const Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  at::Tensor out = at::empty({static_cast<int64_t>(array.ByteLength())}, at::TensorOptions(c10::kByte));
  if (array.ByteLength() > 0) std::memcpy(out.data_ptr(), array.Data(), array.ByteLength());
  return out;
}

GraphArgument ReadArgument(const Napi::Value& value, int depth = 0) {
  constexpr int kDeepest = 64;
  if (depth > kDeepest) Wrong("nesting");
  const Napi::Object object = ObjectOf(value, "argument");
  GraphArgument out;
  out.kind =
      KindOf<GraphArgument::Kind>(object, {"none", "value", "int", "float", "bool", "string", "scalarType",
                                           "device", "complex", "list", "tuple", "dict"});
  if (object.Has("text")) out.text = StringOf(object.Get("text"), "argument");
  if (object.Has("number")) out.number = NumberOf(object.Get("number"), "argument");
  if (object.Has("imaginary")) out.imaginary = NumberOf(object.Get("imaginary"), "argument");
  if (object.Has("keys")) out.keys = StringsOf(object.Get("keys"), "argument");
  if (object.Has("items")) {
    out.items = Map(object.Get("items"), "argument",
                    [depth](const Napi::Value& item) { return ReadArgument(item, depth + 1); });
  }
  if (out.kind == GraphArgument::Kind::kScalarType) TypeOf(object.Get("number"));
  if (out.kind == GraphArgument::Kind::kDict && out.keys.size() != out.items.size()) Wrong("argument");
  return out;
}

GraphOutput ReadOutput(const Napi::Value& value) {
  const Napi::Object object = ObjectOf(value, "result");
  GraphOutput out;
  out.kind = KindOf<GraphOutput::Kind>(object, {"none", "tensor", "tensors", "int", "float", "bool"});
  out.names = StringsOf(object.Get("names"), "result");
  const bool is_many = out.kind == GraphOutput::Kind::kTensors || out.kind == GraphOutput::Kind::kNone;
  if (!is_many && out.names.size() != 1) Wrong("result");
  return out;
}

GraphNode ReadNode(const Napi::Value& value) {
  const Napi::Object object = ObjectOf(value, "node");
  GraphNode out;
  out.name = StringOf(object.Get("name"), "node");
  out.overload = StringOf(object.Get("overload"), "node");
  out.is_scalar = object.Get("isScalar").ToBoolean();
  out.inputs = Map(object.Get("inputs"), "node", [](const Napi::Value& item) {
    const Napi::Array pair = ArrayOf(item, "node");
    return std::pair{StringOf(pair.Get(0u), "node"), ReadArgument(pair.Get(1u))};
  });
  out.outputs = Map(object.Get("outputs"), "node", ReadOutput);
  if (!object.Get("outputType").IsNull()) out.output_type = TypeOf(object.Get("outputType"));
  return out;
}

ProgramTensor ReadTensor(const Napi::Value& value, size_t num_storages) {
  const Napi::Object object = ObjectOf(value, "tensor");
  ProgramTensor out;
  out.kind = KindOf<ProgramTensor::Kind>(object, {"parameter", "buffer", "constant"});
  out.name = StringOf(object.Get("name"), "tensor");
  // Modules are built by recursion.
  constexpr int64_t kDeepest = 256;
  if (std::count(out.name.begin(), out.name.end(), '.') > kDeepest) Wrong("tensor");
  out.value = StringOf(object.Get("value"), "tensor");
  const int64_t storage = IntegerOf(object.Get("storage"), "tensor");
  if (storage < 0 || storage >= static_cast<int64_t>(num_storages)) Wrong("tensor");
  out.storage = static_cast<size_t>(storage);
  out.type = TypeOf(object.Get("type"));
  out.sizes = IntegersOf(object.Get("sizes"), "tensor");
  out.strides = IntegersOf(object.Get("strides"), "tensor");
  out.offset = IntegerOf(object.Get("offset"), "tensor");
  out.requires_grad = object.Get("requiresGrad").ToBoolean();
  if (out.sizes.size() != out.strides.size()) Wrong("tensor");
  return out;
}

}  // namespace

ExportedProgram ReadProgram(const Napi::Value& value) {
  const Napi::Object object = ObjectOf(value, "description");
  ExportedProgram out;
  out.storages = Map(object.Get("storages"), "storages", Bytes);
  out.tensors = Map(object.Get("tensors"), "tensors",
                    [&](const Napi::Value& item) { return ReadTensor(item, out.storages.size()); });
  out.classes = Map(object.Get("classes"), "classes", [](const Napi::Value& item) {
    const Napi::Array pair = ArrayOf(item, "classes");
    return std::pair{StringOf(pair.Get(0u), "classes"), StringOf(pair.Get(1u), "classes")};
  });
  out.inputs = StringsOf(object.Get("inputs"), "inputs");
  out.nodes = Map(object.Get("nodes"), "nodes", ReadNode);
  out.output = ReadArgument(object.Get("output"));
  out.lost_dropout = StringOf(object.Get("lostDropout"), "lostDropout");
  out.is_mixed = object.Get("isMixed").ToBoolean();
  const std::vector<std::string> passing = StringsOf(object.Get("nonPersistent"), "nonPersistent");
  out.non_persistent = {passing.begin(), passing.end()};
  return out;
}

}  // namespace lossatlas
