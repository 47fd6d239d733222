#include "core/scoped_state.h"

namespace lossatlas {
namespace {

std::mutex& GeneratorMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

ScopedState::ScopedState(Model& model, std::vector<at::Tensor> parameters, Mode mode,
                         const std::vector<at::Tensor>& buffers)
    : model_(model), mode_(mode), values_(buffers.empty() ? model.BufferTensors() : buffers) {
  {
    at::NoGradGuard no_grad;
    for (const at::Tensor& value : values_) buffers_.push_back(value.clone());
  }
  for (const at::Tensor& copy : buffers_) versions_.push_back(static_cast<uint32_t>(copy._version()));
  saved_ = model.Install(std::move(parameters), buffers_, mode);
}

ScopedState::~ScopedState() { model_.Restore(saved_); }

void ScopedState::ResetBuffers() {
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    if (static_cast<uint32_t>(buffers_[i]._version()) == versions_[i]) continue;
    buffers_[i].copy_(values_[i]);
    versions_[i] = static_cast<uint32_t>(buffers_[i]._version());
  }
  model_.Reinstall(buffers_, mode_, saved_);
}

void ScopedState::SetBuffers(std::vector<at::Tensor> values) {
  at::NoGradGuard no_grad;
  values_ = std::move(values);
  for (size_t i = 0; i < buffers_.size(); ++i) {
    buffers_[i].copy_(values_[i]);
    versions_[i] = static_cast<uint32_t>(buffers_[i]._version());
  }
}

ScopedSeed::ScopedSeed(uint64_t seed, c10::Device device) : lock_(GeneratorMutex()) {
  generators_.push_back(at::globalContext().defaultGenerator(c10::Device(c10::kCPU)));
  if (device.is_cuda()) generators_.push_back(at::globalContext().defaultGenerator(device));
  for (at::Generator& generator : generators_) {
    states_.push_back(generator.get_state());
    generator.set_current_seed(seed);
  }
}

ScopedSeed::~ScopedSeed() {
  for (size_t i = 0; i < generators_.size(); ++i) generators_[i].set_state(states_[i]);
}

}  // namespace lossatlas
