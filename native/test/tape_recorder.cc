#include "tape_recorder.h"

#include <torch/library.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace lossatlas {
namespace {

using torch::jit::Stack;

struct Call {
  c10::OperatorHandle op;
  Stack inputs;
  Stack outputs;
};
using Tape = std::vector<Call>;

// Below autograd and vmap, where operators are those of a device; in C++ nothing else uses it.
constexpr c10::DispatchKey kKey = c10::DispatchKey::Fake;

thread_local Tape* current = nullptr;

bool WaitsForDevice(const std::string& name) {
  static const std::set<std::string> names = {"aten::item",     "aten::_local_scalar_dense", "aten::equal",
                                              "aten::allclose", "aten::is_nonzero",          "aten::nonzero",
                                              "aten::unique",   "aten::masked_select"};
  return names.count(name) > 0;
}

void OnTape(const c10::OperatorHandle& op, Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard below(kKey);
  if (current == nullptr) {
    op.callBoxed(stack);
    return;
  }
  if (WaitsForDevice(op.operator_name().name))
    throw std::runtime_error(op.operator_name().name + " waits for the device in a recording");
  const auto num_inputs = static_cast<std::ptrdiff_t>(op.schema().arguments().size());
  Call call{op, Stack(stack->end() - num_inputs, stack->end()), {}};
  op.callBoxed(stack);
  const auto num_outputs = static_cast<std::ptrdiff_t>(op.schema().returns().size());
  call.outputs.assign(stack->end() - num_outputs, stack->end());
  current->push_back(std::move(call));
}

TORCH_LIBRARY_IMPL(_, Fake, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&OnTape>());
}

void CopyInto(const at::Tensor& place, const at::Tensor& value) {
  // Views and what was written in place are there already.
  if (!place.defined() || place.numel() == 0 || place.const_data_ptr() == value.const_data_ptr()) return;
  place.copy_(value);
}

void CopyInto(const c10::IValue& place, const c10::IValue& value) {
  if (place.isTensor()) {
    CopyInto(place.toTensor(), value.toTensor());
  } else if (place.isTensorList()) {
    const std::vector<at::Tensor> places = place.toTensorVector();
    const std::vector<at::Tensor> values = value.toTensorVector();
    for (size_t i = 0; i < places.size(); ++i) CopyInto(places[i], values[i]);
  }
}

class Played : public Recording {
 public:
  Played(Tape tape, int& num_replays) : tape_(std::move(tape)), num_replays_(num_replays) {}

  void Replay() override {
    at::NoGradGuard no_grad;
    ++num_replays_;
    for (const Call& call : tape_) {
      Stack stack = call.inputs;
      call.op.callBoxed(&stack);
      for (size_t i = 0; i < call.outputs.size(); ++i) CopyInto(call.outputs[i], stack[i]);
    }
  }

 private:
  Tape tape_;
  int& num_replays_;
};

}  // namespace

std::unique_ptr<Recording> TapeRecorder::Record(const std::function<void()>& work) {
  Tape tape;
  current = &tape;
  try {
    const c10::impl::IncludeDispatchKeyGuard above(kKey);
    work();
  } catch (...) {
    current = nullptr;
    throw;
  }
  current = nullptr;
  ++num_recordings;
  return std::make_unique<Played>(std::move(tape), num_replays);
}

}  // namespace lossatlas
