#include "core/frozen_values.h"

#include "core/kept_outputs.h"
#include "core/objective.h"
#include "core/pooling.h"
#include "core/scoped_state.h"

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

int64_t BytesOf(const std::vector<c10::IValue>& values) {
  int64_t bytes = 0;
  for (const c10::IValue& value : values) {
    value.visit([&bytes](const c10::IValue& item) {
      if (item.isTensor() && item.toTensor().defined())
        bytes += static_cast<int64_t>(item.toTensor().nbytes());
      return false;
    });
  }
  return bytes;
}

std::vector<c10::IValue> Compute(const Objective& objective, const Subspace& subspace, Precision precision,
                                 const FrozenPrefix& prefix, const Batch& batch) {
  Model& model = *objective.model;
  const ScopedState state(model, MakeLeaves(*model.layout(), subspace.origin, false), objective.mode,
                          TensorsOf(subspace.buffers.get()));
  const ScopedPrecision scope(precision, model.options().device());
  const ScopedPooling pooling;
  std::vector<c10::IValue> values;
  try {
    values = model.PrefixValues(prefix, batch);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {
    // The whole forward pass says what is wrong.
    return {};
  }
  if (!FitsAmongKept(BytesOf(values), batch)) values.clear();
  return values;
}

}  // namespace

const std::vector<c10::IValue>* FrozenValues::Of(const Objective& objective, const Subspace& subspace,
                                                 Precision precision, const Batch& batch) {
  if (subspace.directions.empty() || objective.mode != Mode::kEval) return nullptr;
  if (!prefix_) prefix_ = FindPrefix(objective, subspace);
  if (*prefix_ == nullptr) return nullptr;
  auto known = batches_.find(batch.index());
  if (known == batches_.end())
    known = batches_.emplace(batch.index(), Compute(objective, subspace, precision, **prefix_, batch)).first;
  return known->second.empty() ? nullptr : &known->second;
}

}  // namespace lossatlas
