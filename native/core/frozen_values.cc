#include "core/frozen_values.h"

#include <set>

#include "core/kept_memory.h"
#include "core/objective.h"
#include "core/pooling.h"
#include "core/scoped_state.h"
#include "core/winograd_operators.h"

namespace lossatlas {
namespace {

// Of one tensor each, those that are not zero along some direction.
void Mark(const std::vector<at::Tensor>& direction, std::vector<bool>& moving) {
  for (size_t i = 0; i < direction.size(); ++i)
    moving[i] = moving[i] || (direction[i].is_floating_point() && direction[i].any().item<bool>());
}

std::unique_ptr<FrozenPrefix> FindPrefix(const Objective& objective, const Subspace& subspace) {
  Model& model = *objective.model;
  std::vector<bool> parameters(model.layout()->parameters().size(), false);
  for (const at::Tensor& direction : subspace.directions) Mark(model.layout()->Split(direction), parameters);
  std::vector<bool> buffers(model.buffers().size(), false);
  for (const std::shared_ptr<BufferState>& direction : subspace.buffer_directions)
    Mark(direction->tensors, buffers);
  return model.SplitAtMoving(parameters, buffers);
}

std::vector<at::Tensor> TensorsIn(const std::vector<c10::IValue>& values) {
  std::vector<at::Tensor> out;
  for (const c10::IValue& value : values) {
    value.visit([&out](const c10::IValue& item) {
      if (item.isTensor() && item.toTensor().defined()) out.push_back(item.toTensor());
      return false;
    });
  }
  return out;
}

// What is written to is copied for each point: no other kept value may be of the same memory.
bool MayBeCopied(const std::vector<c10::IValue>& values, const std::set<size_t>& written,
                 const Batch& batch) {
  for (const size_t i : written) {
    const at::Tensor& tensor = values[i].toTensor();
    for (size_t j = 0; j < values.size(); ++j) {
      if (j == i) continue;
      for (const at::Tensor& other : TensorsIn({values[j]})) {
        if (tensor.is_alias_of(other)) return false;
      }
    }
    for (const at::Tensor& input : batch.inputs()) {
      if (tensor.is_alias_of(input)) return false;
    }
  }
  return true;
}

}  // namespace

FrozenValues::Kept FrozenValues::Compute(const Objective& objective, const Subspace& subspace,
                                         Precision precision, const FrozenPrefix& prefix,
                                         const Batch& batch) {
  Model& model = *objective.model;
  // A copy of the origin: whatever the model does to its parameters is done to that.
  const ScopedState state(model, MakeLeaves(*model.layout(), subspace.origin.clone(), false), objective.mode,
                          TensorsOf(subspace.buffers.get()));
  const ScopedPrecision scope(precision, model.options().device());
  // As at the points: the same bits, whether there is room for these values or not.
  const ScopedWinograd winograd(precision == Precision::kBfloat16);
  const ScopedPooling pooling;
  Kept out;
  try {
    out.values = model.PrefixValues(prefix, batch);
  } catch (const std::exception&) {
    // The whole forward pass says what is wrong, or needs less memory.
    return {};
  }
  out.tensors = TensorsIn(out.values);
  if (!FitsAmongKept(KeptBytes(out.tensors), batch) || !MayBeCopied(out.values, prefix.written(), batch))
    return {};
  for (const at::Tensor& tensor : out.tensors) out.versions.push_back(tensor._version());
  return out;
}

const std::vector<c10::IValue>* FrozenValues::Of(const Objective& objective, const Subspace& subspace,
                                                 Precision precision, const Batch& batch) {
  if (subspace.directions.empty() || objective.mode != Mode::kEval) return nullptr;
  if (!prefix_) prefix_ = FindPrefix(objective, subspace);
  if (*prefix_ == nullptr) return nullptr;
  auto known = batches_.find(batch.index());
  if (known == batches_.end())
    known = batches_.emplace(batch.index(), Compute(objective, subspace, precision, **prefix_, batch)).first;
  const std::vector<c10::IValue>& values = known->second.values;
  return values.empty() ? nullptr : &values;
}

bool FrozenValues::AreIntact(const Batch& batch) const {
  const Kept& kept = batches_.at(batch.index());
  for (size_t i = 0; i < kept.tensors.size(); ++i) {
    if (kept.tensors[i]._version() != kept.versions[i]) return false;
  }
  return true;
}

void FrozenValues::GiveUp() {
  batches_.clear();
  prefix_.emplace();
}

}  // namespace lossatlas
