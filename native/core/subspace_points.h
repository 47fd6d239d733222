// Losses at the points of a subspace, batch by batch.
#pragma once
#include <memory>
#include <vector>

#include "core/first_outputs.h"
#include "core/frozen_values.h"
#include "core/objective.h"
#include "core/precision.h"
#include "core/subspace.h"

namespace lossatlas {

class SubspacePoints {
 public:
  SubspacePoints(std::shared_ptr<const Objective> objective, Subspace subspace, Precision precision)
      : objective_(std::move(objective)), subspace_(std::move(subspace)), precision_(precision) {}

  size_t num_directions() const { return subspace_.directions.size(); }

  // Losses and metrics at every point p of the subspace over one of the objective's batches; each point is
  // computed from the origin, so nothing drifts, and is the same to the bit in whatever calls it is made.
  // coefficients is [num_points][num_directions] row by row. With no directions: the origin itself.
  std::vector<Evaluation> Evaluate(const std::vector<double>& coefficients, int64_t num_points,
                                   const Batch& batch);

 private:
  // With `frozen` what the frozen prefix gives of this batch, else null.
  std::vector<Evaluation> EvaluateFrom(const std::vector<double>& coefficients, int64_t num_points,
                                       const Batch& batch, const std::vector<c10::IValue>* frozen);

  std::shared_ptr<const Objective> objective_;
  Subspace subspace_;
  Precision precision_;
  FrozenValues frozen_values_;
  FirstOutputs first_outputs_;
};

}  // namespace lossatlas
