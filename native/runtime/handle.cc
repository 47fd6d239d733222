#include "runtime/handle.h"

#include "core/error.h"
#include "runtime/addon_data.h"

namespace lossatlas {
namespace {

constexpr napi_type_tag kTag = {0x6c6f737361746c61ULL, 0x9f1d4b7a3c5e8026ULL};

struct Box {
  HandleKind kind;
  std::shared_ptr<void> object;  // null once disposed
  int64_t bytes;
  std::shared_ptr<std::atomic<int64_t>> live;
};

const char* KindName(HandleKind kind) {
  switch (kind) {
    case HandleKind::kModel:
      return "model";
    case HandleKind::kVector:
      return "vector";
    case HandleKind::kBatch:
      return "batch";
    case HandleKind::kObjective:
      return "objective";
    case HandleKind::kGraph:
      return "curvature graph";
    case HandleKind::kBasis:
      return "Krylov basis";
    case HandleKind::kBuffers:
      return "set of buffers";
    case HandleKind::kMetric:
      return "metric";
    case HandleKind::kSpace:
      return "parameter space";
    case HandleKind::kPullback:
      return "output pullback";
    case HandleKind::kLoss:
      return "loss";
    case HandleKind::kPoints:
      return "subspace";
    case HandleKind::kTrainer:
      return "trainer";
  }
  return "handle";
}

void Empty(Napi::Env env, Box& box) {
  if (!box.object) return;
  box.object.reset();
  --*box.live;
  Napi::MemoryManagement::AdjustExternalMemory(env, -box.bytes);
}

Box& BoxOf(const Napi::Value& value, const char* argument) {
  bool ours = false;
  if (value.IsExternal()) napi_check_object_type_tag(value.Env(), value, &kTag, &ours);
  if (!ours) throw Error(code::kInvalidArgument, std::string(argument) + " is not a lossatlas handle");
  return *value.As<Napi::External<Box>>().Data();
}

}  // namespace

namespace internal {

Napi::Value MakeHandle(Napi::Env env, HandleKind kind, std::shared_ptr<void> object, int64_t bytes) {
  const std::shared_ptr<std::atomic<int64_t>>& live = DataOf(env).live_handles;
  auto* box = new Box{kind, std::move(object), bytes, live};
  const Napi::External<Box> external =
      Napi::External<Box>::New(env, box, [](Napi::Env finalizer_env, Box* dead) {
        Empty(finalizer_env, *dead);
        delete dead;
      });
  ++*live;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  napi_type_tag_object(env, external, &kTag);
  return external;
}

std::shared_ptr<void> GetHandle(const Napi::Value& value, HandleKind kind, const char* argument) {
  const Box& box = BoxOf(value, argument);
  if (box.kind != kind) {
    throw Error(code::kInvalidArgument,
                std::string(argument) + " is a " + KindName(box.kind) + ", not a " + KindName(kind));
  }
  if (!box.object)
    throw Error(code::kDisposed,
                std::string("The ") + KindName(kind) + " was disposed of and cannot be used any more.");
  return box.object;
}

}  // namespace internal

void DisposeHandle(const Napi::Value& value) { Empty(value.Env(), BoxOf(value, "handle")); }

}  // namespace lossatlas
