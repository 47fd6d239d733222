// What the points of a subspace share of their forward passes in eval mode, kept for all points and all calls
// over the same batches.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/batch.h"
#include "core/frozen_prefix.h"
#include "core/precision.h"
#include "core/subspace.h"

namespace lossatlas {

struct Objective;

class FrozenValues {
 public:
  // Of one batch; null where nothing is shared, where the pass fails, or where it would take too much memory
  // (see FitsAmongKept).
  const std::vector<c10::IValue>* Of(const Objective& objective, const Subspace& subspace,
                                     Precision precision, const Batch& batch);
  // Whether nobody has written to what Of gave of this batch: what a graph does not show shows in the
  // tensors.
  bool AreIntact(const Batch& batch) const;
  // From now on nothing is shared.
  void GiveUp();
  // Of the subspace and the objective that Of was last asked for; not null where Of was not.
  const FrozenPrefix* prefix() const { return prefix_ ? prefix_->get() : nullptr; }

 private:
  struct Kept {
    std::vector<c10::IValue> values;  // none where they are not used
    std::vector<at::Tensor> tensors;  // in them
    std::vector<uint32_t> versions;
  };
  static Kept Compute(const Objective& objective, const Subspace& subspace, Precision precision,
                      const FrozenPrefix& prefix, const Batch& batch);

  std::optional<std::unique_ptr<FrozenPrefix>> prefix_;
  std::map<int64_t, Kept> batches_;  // by their number
};

}  // namespace lossatlas
