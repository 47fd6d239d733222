// Native objects in JavaScript: type-tagged externals that can be disposed of before the collector comes.
//
// Lifetime rules:
// - Dispose drops the handle's share; a task in flight holds its own and finishes.
// - What a handle keeps alive is told to V8, so that dropped handles are collected before memory runs out.
#pragma once
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

namespace lossatlas {

class Batch;
struct BufferState;
class CurvatureGraph;
class KrylovBasis;
class Metric;
class Model;
struct Objective;
class OutputPullback;
class ParameterSpace;
struct ParameterVector;
class ScriptedFunction;
class SubspacePoints;
class Trainer;

enum class HandleKind {
  kModel,
  kVector,
  kBatch,
  kObjective,
  kGraph,
  kBasis,
  kBuffers,
  kMetric,
  kSpace,
  kPullback,
  kLoss,
  kPoints,
  kTrainer
};

template <class T>
struct HandleTraits;
template <>
struct HandleTraits<Model> {
  static constexpr HandleKind kKind = HandleKind::kModel;
};
template <>
struct HandleTraits<ParameterVector> {
  static constexpr HandleKind kKind = HandleKind::kVector;
};
template <>
struct HandleTraits<Batch> {
  static constexpr HandleKind kKind = HandleKind::kBatch;
};
template <>
struct HandleTraits<Objective> {
  static constexpr HandleKind kKind = HandleKind::kObjective;
};
template <>
struct HandleTraits<CurvatureGraph> {
  static constexpr HandleKind kKind = HandleKind::kGraph;
};
template <>
struct HandleTraits<KrylovBasis> {
  static constexpr HandleKind kKind = HandleKind::kBasis;
};
template <>
struct HandleTraits<BufferState> {
  static constexpr HandleKind kKind = HandleKind::kBuffers;
};
template <>
struct HandleTraits<Metric> {
  static constexpr HandleKind kKind = HandleKind::kMetric;
};
template <>
struct HandleTraits<ParameterSpace> {
  static constexpr HandleKind kKind = HandleKind::kSpace;
};
template <>
struct HandleTraits<OutputPullback> {
  static constexpr HandleKind kKind = HandleKind::kPullback;
};
template <>
struct HandleTraits<ScriptedFunction> {
  static constexpr HandleKind kKind = HandleKind::kLoss;
};
template <>
struct HandleTraits<SubspacePoints> {
  static constexpr HandleKind kKind = HandleKind::kPoints;
};
template <>
struct HandleTraits<Trainer> {
  static constexpr HandleKind kKind = HandleKind::kTrainer;
};

namespace internal {
Napi::Value MakeHandle(Napi::Env env, HandleKind kind, std::shared_ptr<void> object, int64_t bytes);
std::shared_ptr<void> GetHandle(const Napi::Value& value, HandleKind kind, const char* argument);
}  // namespace internal

// `bytes`: what the object keeps alive and no other handle accounts for.
template <class T>
Napi::Value MakeHandle(Napi::Env env, std::shared_ptr<T> object, int64_t bytes) {
  return internal::MakeHandle(env, HandleTraits<T>::kKind, std::move(object), bytes);
}

// Throws ERR_INVALID_ARGUMENT for anything that is not a handle of this kind, ERR_DISPOSED after Dispose.
template <class T>
std::shared_ptr<T> GetHandle(const Napi::Value& value, const char* argument) {
  return std::static_pointer_cast<T>(internal::GetHandle(value, HandleTraits<T>::kKind, argument));
}

// Disposing twice is no error.
void DisposeHandle(const Napi::Value& value);

}  // namespace lossatlas
