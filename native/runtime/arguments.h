// Checked access to what JavaScript passed. TypeScript interprets options; this protects memory.
#pragma once
#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "core/torch.h"
#include "runtime/handle.h"

namespace lossatlas {

class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  Napi::Env env() const { return info_.Env(); }
  Napi::Value at(size_t index) const { return info_[index]; }

  std::string String(size_t index, const char* name) const;
  // null and undefined give nullopt.
  std::optional<std::string> MaybeString(size_t index, const char* name) const;
  bool Bool(size_t index, const char* name) const;
  double Number(size_t index, const char* name) const;
  // A safe integer in [low, high].
  int64_t Integer(size_t index, const char* name, int64_t low, int64_t high) const;
  // A copy of a Float64Array.
  std::vector<double> Doubles(size_t index, const char* name) const;
  std::vector<std::string> Strings(size_t index, const char* name) const;
  // A copy of {data: TypedArray, shape: number[]} on the host.
  std::vector<at::Tensor> Tensors(size_t index, const char* name) const;
  // A copy of a typed array as a 1-D tensor on the host.
  at::Tensor Flat(size_t index, const char* name) const;

  template <class T>
  std::shared_ptr<T> Handle(size_t index, const char* name) const {
    return GetHandle<T>(info_[index], name);
  }
  // null and undefined give a null pointer.
  template <class T>
  std::shared_ptr<T> MaybeHandle(size_t index, const char* name) const {
    if (info_[index].IsNull() || info_[index].IsUndefined()) return nullptr;
    return GetHandle<T>(info_[index], name);
  }
  template <class T>
  std::vector<std::shared_ptr<T>> Handles(size_t index, const char* name) const {
    const Napi::Array array = ArrayAt(index, name);
    std::vector<std::shared_ptr<T>> out;
    for (uint32_t i = 0; i < array.Length(); ++i) out.push_back(GetHandle<T>(array.Get(i), name));
    return out;
  }

 private:
  Napi::Array ArrayAt(size_t index, const char* name) const;

  const Napi::CallbackInfo& info_;
};

}  // namespace lossatlas
