// RAII: a model at a point θ in a mode, and everything as it was afterwards, on throw too.
#pragma once
#include <mutex>
#include <vector>

#include "core/model.h"

namespace lossatlas {

// Tensors that stand in for the model's own while this lives. The model's own tensors are never written, so
// parameters, buffers, mode and grad flags come back bit for bit, and a retained graph keeps its values.
class ScopedState {
 public:
  // `buffers`: the values of the buffers; empty for the model's own.
  ScopedState(Model& model, std::vector<at::Tensor> parameters, Mode mode,
              const std::vector<at::Tensor>& buffers = {});
  ~ScopedState();
  ScopedState(const ScopedState&) = delete;
  ScopedState& operator=(const ScopedState&) = delete;

  // Undoes what a forward pass did to buffers (BatchNorm statistics) and attributes; cheap when it did
  // nothing.
  void ResetBuffers();
  // Other values of the buffers, to which ResetBuffers then goes back.
  void SetBuffers(std::vector<at::Tensor> values);

 private:
  Model& model_;
  Mode mode_;
  std::vector<at::Tensor> values_;   // never written
  std::vector<at::Tensor> buffers_;  // what the forward pass sees
  std::vector<uint32_t> versions_;
  Model::Saved saved_;
};

// RAII: the host's and the GPU's default generators run from `seed` while this lives, then go on as before.
// The host's generator belongs to the process, so other threads wait.
class ScopedSeed {
 public:
  ScopedSeed(uint64_t seed, c10::Device device);
  ~ScopedSeed();
  ScopedSeed(const ScopedSeed&) = delete;
  ScopedSeed& operator=(const ScopedSeed&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  std::vector<at::Generator> generators_;
  std::vector<at::Tensor> states_;
};

}  // namespace lossatlas
