#include "core/recorded_function.h"

#include <utility>

namespace lossatlas {
namespace {

// With lazy initialisations out of the way, as PyTorch advises.
constexpr int kCallsBefore = 3;

// The same kernels run, whose sums may be added up in another order each time: of a number, and a hundredth
// of it of the largest one.
double ToleranceOf(c10::ScalarType type) { return type == c10::kDouble ? 1e-11 : 1e-4; }

bool Agree(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b, double tolerance) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].sizes() != b[i].sizes() || a[i].scalar_type() != b[i].scalar_type()) return false;
    const at::Tensor x = a[i].to(c10::kDouble);
    const at::Tensor y = b[i].to(c10::kDouble);
    const at::Tensor allowed = x.abs() * tolerance + x.abs().max() * (tolerance / 100);
    // Of a NaN it is false.
    if (!at::logical_and(at::isfinite(x), (x - y).abs() <= allowed).all().item<bool>()) return false;
  }
  return true;
}

// Others of the size of the inputs, everywhere: what a recording took for constant shows.
std::vector<at::Tensor> OthersThan(const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> out;
  for (const at::Tensor& input : inputs) {
    if (!input.is_floating_point()) {
      out.push_back(input);
      continue;
    }
    const at::Tensor shift =
        at::arange(1, input.numel() + 1, input.options().dtype(c10::kDouble)).sqrt().frac();
    out.push_back(input * -0.5 + shift.add(0.1).mul(0.3).view_as(input).to(input.scalar_type()));
  }
  return out;
}

}  // namespace

RecordedFunction::RecordedFunction(std::shared_ptr<Recorder> recorder, c10::ScalarType type, Compute compute)
    : recorder_(std::move(recorder)), compute_(std::move(compute)), tolerance_(ToleranceOf(type)) {}

RecordedFunction::Tensors RecordedFunction::operator()(const Tensors& inputs) {
  if (recording_ != nullptr && Fits(inputs)) return Replay(*recording_, inputs);
  Tensors outputs = compute_(inputs);
  if (recorder_ == nullptr || ++num_calls_ < kCallsBefore) return outputs;
  if (Record(std::exchange(recorder_, nullptr), inputs, outputs)) return outputs;
  has_failed_ = true;
  recording_.reset();
  inputs_.clear();
  outputs_.clear();
  // What it wrote was of other inputs.
  return compute_(inputs);
}

bool RecordedFunction::Record(const std::shared_ptr<Recorder>& recorder, const Tensors& inputs,
                              const Tensors& outputs) {
  try {
    Tensors others;
    {
      at::NoGradGuard no_grad;
      for (const at::Tensor& input : inputs) inputs_.push_back(input.detach().clone());
      others = OthersThan(inputs);
    }
    std::unique_ptr<Recording> recording = recorder->Record([this] { outputs_ = compute_(inputs_); });
    const Tensors expected = compute_(others);
    at::NoGradGuard no_grad;
    if (!Agree(expected, Replay(*recording, others), tolerance_) ||
        !Agree(outputs, Replay(*recording, inputs), tolerance_))
      return false;
    recording_ = std::move(recording);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

RecordedFunction::Tensors RecordedFunction::Replay(Recording& recording, const Tensors& inputs) {
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < inputs.size(); ++i) inputs_[i].copy_(inputs[i]);
  recording.Replay();
  Tensors out;
  for (const at::Tensor& output : outputs_) out.push_back(output.detach().clone());
  return out;
}

bool RecordedFunction::Fits(const Tensors& inputs) const {
  if (inputs.size() != inputs_.size()) return false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].sizes() != inputs_[i].sizes() || inputs[i].scalar_type() != inputs_[i].scalar_type())
      return false;
  }
  return true;
}

}  // namespace lossatlas
