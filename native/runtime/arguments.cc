#include "runtime/arguments.h"

#include <cmath>
#include <cstring>

#include "core/error.h"

namespace lossatlas {
namespace {

[[noreturn]] void Wrong(const char* name, const char* expected) {
  throw Error(code::kInvalidArgument, std::string(name) + " must be " + expected);
}

c10::ScalarType ElementType(napi_typedarray_type type, const char* name) {
  switch (type) {
    case napi_float32_array:
      return c10::kFloat;
    case napi_float64_array:
      return c10::kDouble;
    case napi_int8_array:
      return c10::kChar;
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return c10::kByte;
    case napi_int16_array:
      return c10::kShort;
    case napi_int32_array:
      return c10::kInt;
    case napi_bigint64_array:
      return c10::kLong;
    default:
      Wrong(name,
            "a Float32Array, Float64Array, Int8Array, Uint8Array, Int16Array, Int32Array or BigInt64Array");
  }
}

at::Tensor CopyTypedArray(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray()) Wrong(name, "a typed array");
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  const at::Tensor out =
      at::empty({static_cast<int64_t>(array.ElementLength())}, ElementType(array.TypedArrayType(), name));
  // The array's own pointer: its buffer may be a SharedArrayBuffer, which Node-API does not hand out.
  void* data = nullptr;
  if (napi_get_typedarray_info(value.Env(), value, nullptr, nullptr, &data, nullptr, nullptr) != napi_ok) {
    Wrong(name, "a typed array over memory that Node-API can read");
  }
  if (array.ByteLength() > 0) std::memcpy(out.data_ptr(), data, array.ByteLength());
  return out;
}

}  // namespace

std::string Arguments::String(size_t index, const char* name) const {
  if (!info_[index].IsString()) Wrong(name, "a string");
  return info_[index].As<Napi::String>().Utf8Value();
}

std::optional<std::string> Arguments::MaybeString(size_t index, const char* name) const {
  if (info_[index].IsNull() || info_[index].IsUndefined()) return std::nullopt;
  return String(index, name);
}

bool Arguments::Bool(size_t index, const char* name) const {
  if (!info_[index].IsBoolean()) Wrong(name, "a boolean");
  return info_[index].As<Napi::Boolean>().Value();
}

double Arguments::Number(size_t index, const char* name) const {
  if (!info_[index].IsNumber()) Wrong(name, "a number");
  return info_[index].As<Napi::Number>().DoubleValue();
}

int64_t Arguments::Integer(size_t index, const char* name, int64_t low, int64_t high) const {
  const double value = Number(index, name);
  if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) ||
      value != std::floor(value)) {
    throw Error(code::kInvalidArgument, std::string(name) + " must be an integer from " +
                                            std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int64_t>(value);
}

std::vector<double> Arguments::Doubles(size_t index, const char* name) const {
  const Napi::Value value = info_[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    Wrong(name, "a Float64Array");
  const Napi::Float64Array array = value.As<Napi::Float64Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<std::string> Arguments::Strings(size_t index, const char* name) const {
  const Napi::Array array = ArrayAt(index, name);
  std::vector<std::string> out;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsString()) Wrong(name, "an array of strings");
    out.push_back(item.As<Napi::String>().Utf8Value());
  }
  return out;
}

at::Tensor Arguments::Flat(size_t index, const char* name) const {
  return CopyTypedArray(info_[index], name);
}

std::vector<at::Tensor> Arguments::Tensors(size_t index, const char* name) const {
  const Napi::Array array = ArrayAt(index, name);
  std::vector<at::Tensor> out;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsObject()) Wrong(name, "an array of {data, shape}");
    const Napi::Object object = item.As<Napi::Object>();
    const Napi::Value shape_value = object.Get("shape");
    if (!shape_value.IsArray()) Wrong(name, "an array of {data, shape}");
    const Napi::Array dims = shape_value.As<Napi::Array>();
    std::vector<int64_t> shape;
    int64_t numel = 1;
    for (uint32_t d = 0; d < dims.Length(); ++d) {
      const Napi::Value dim = dims.Get(d);
      const double length = dim.IsNumber() ? dim.As<Napi::Number>().DoubleValue() : -1;
      if (!(length >= 0 && length < 9e15) || length != std::floor(length))
        Wrong(name, "given a shape of whole numbers");
      shape.push_back(static_cast<int64_t>(length));
      if (__builtin_mul_overflow(numel, shape.back(), &numel))
        Wrong(name, "given a shape that a tensor can have");
    }
    const at::Tensor flat = CopyTypedArray(object.Get("data"), name);
    if (flat.numel() != numel) {
      throw Error(code::kInvalidData, std::string(name) + " has " + std::to_string(flat.numel()) +
                                          " elements, its shape wants " + std::to_string(numel));
    }
    out.push_back(flat.view(shape));
  }
  return out;
}

Napi::Array Arguments::ArrayAt(size_t index, const char* name) const {
  if (!info_[index].IsArray()) Wrong(name, "an array");
  return info_[index].As<Napi::Array>();
}

}  // namespace lossatlas
