#include "core/first_outputs.h"

#include "core/kept_memory.h"
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
  const int64_t num_terms = 1 + static_cast<int64_t>(subspace.directions.size());
  if (!FitsAmongKept(KeptBytes(at_origin) * num_terms, batch)) return {};
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
