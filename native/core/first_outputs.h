// What the first layers of a model give at the origin and along the directions of a subspace, kept for all
// points and all calls over the same batches.
#pragma once
#include <map>
#include <vector>

#include "core/batch.h"
#include "core/first_layers.h"
#include "core/subspace.h"

namespace lossatlas {

struct Objective;

class FirstOutputs {
 public:
  // Of one batch: for every layer A, B₁, …, where an undefined B is zero everywhere. Null where they are not
  // used: there is no such layer, the layers do not run on this batch, or they would take too much memory
  // (see FitsAmongKept).
  using Terms = std::vector<std::vector<at::Tensor>>;
  const Terms* Of(const Objective& objective, const Subspace& subspace, const Batch& batch);

 private:
  std::map<int64_t, Terms> batches_;  // by their number; none where they are not used
};

}  // namespace lossatlas
