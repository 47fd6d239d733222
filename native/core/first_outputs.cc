#include "core/first_outputs.h"

#include "core/objective.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

std::vector<at::Tensor> OutputsAt(const Objective& objective, const at::Tensor& theta,
                                  const std::vector<at::Tensor>& buffers, const Batch& batch) {
  Model& model = *objective.model;
  const ScopedState state(model, MakeLeaves(*model.layout(), theta, false), objective.mode, buffers);
  return model.FirstOutputs(batch);
}

// Buffers that a layer takes for its weight or bias are part of what it is linear in.
std::vector<at::Tensor> BuffersAlong(const Objective& objective, const Subspace& subspace, size_t direction) {
  if (!subspace.buffer_directions.empty()) return subspace.buffer_directions[direction]->tensors;
  std::vector<at::Tensor> out;
  for (const at::Tensor& buffer : objective.model->BufferTensors()) out.push_back(at::zeros_like(buffer));
  return out;
}

// Of all batches up to this one, if they are all like it.
bool Fit(const std::vector<at::Tensor>& outputs, size_t num_directions, const Batch& batch) {
  double bytes = 0;
  for (const at::Tensor& output : outputs) bytes += static_cast<double>(output.nbytes());
  const double samples = static_cast<double>(batch.first_sample() + batch.num_samples());
  const double all =
      bytes * static_cast<double>(1 + num_directions) * samples / static_cast<double>(batch.num_samples());
  return all <= static_cast<double>(FirstOutputs::kMostBytes);
}

FirstOutputs::Terms Compute(const Objective& objective, const Subspace& subspace, const Batch& batch) {
  FirstOutputs::Terms out;
  std::vector<at::Tensor> at_origin;
  try {
    at_origin = OutputsAt(objective, subspace.origin, TensorsOf(subspace.buffers.get()), batch);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {
    // The whole forward pass says what is wrong.
    return {};
  }
  if (!Fit(at_origin, subspace.directions.size(), batch)) return {};
  for (at::Tensor& tensor : at_origin) out.push_back({std::move(tensor)});
  for (size_t i = 0; i < subspace.directions.size(); ++i) {
    const std::vector<at::Tensor> along =
        OutputsAt(objective, subspace.directions[i], BuffersAlong(objective, subspace, i), batch);
    for (size_t layer = 0; layer < out.size(); ++layer)
      out[layer].push_back(along[layer].any().item<bool>() ? along[layer] : at::Tensor());
  }
  return out;
}

}  // namespace

const FirstOutputs::Terms* FirstOutputs::Of(const Objective& objective, const Subspace& subspace,
                                            const Batch& batch) {
  if (subspace.directions.empty() || objective.model->first_layers() == nullptr) return nullptr;
  auto known = batches_.find(batch.index());
  if (known == batches_.end())
    known = batches_.emplace(batch.index(), Compute(objective, subspace, batch)).first;
  return known->second.empty() ? nullptr : &known->second;
}

}  // namespace lossatlas
