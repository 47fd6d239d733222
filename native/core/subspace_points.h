// Losses at the points of a subspace, batch by batch.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "core/channels_last.h"
#include "core/first_outputs.h"
#include "core/frozen_values.h"
#include "core/objective.h"
#include "core/point_evaluator.h"
#include "core/precision.h"
#include "core/subspace.h"

namespace lossatlas {

class SubspacePoints {
 public:
  // `side_by_side`: of many points, several at once, each on one thread, where that is faster (see
  // EvaluateFirst); else one after the other on all threads.
  SubspacePoints(std::shared_ptr<const Objective> objective, Subspace subspace, Precision precision,
                 bool side_by_side);

  size_t num_directions() const { return subspace_.directions.size(); }
  // How many points are computed at once; 1 until the first ones were.
  int64_t num_at_once() const { return num_at_once_.value_or(1); }

  // Losses and metrics at every point p of the subspace over one of the objective's batches; each is the same
  // to the bit in whatever calls it is made. coefficients is [num_points][num_directions] row by row. With no
  // directions: the origin itself. `one_by_one`: points that are too few for all threads.
  std::vector<Evaluation> Evaluate(const std::vector<double>& coefficients, int64_t num_points,
                                   const Batch& batch, bool one_by_one);

 private:
  SharedValues SharedOf(const Batch& batch);
  // The subspace with its weights as convolutions read them, where they do.
  void Turn();
  PointEvaluator EvaluatorOf(const Objective& objective, const SharedValues& shared, const Batch& batch,
                             int64_t most_bytes) const;
  std::vector<Evaluation> EvaluateWith(const SharedValues& shared, const std::vector<double>& coefficients,
                                       int64_t num_points, const Batch& batch, bool one_by_one);
  // Decides how many points at once, and returns how many of them it evaluated for that. It depends on the
  // model and the batch, not on which points are asked for.
  int64_t EvaluateFirst(const SharedValues& shared, const std::vector<double>& coefficients,
                        const Batch& batch, std::vector<Evaluation>& out);
  // From point `begin` on.
  void EvaluateSideBySide(const SharedValues& shared, const std::vector<double>& coefficients, int64_t begin,
                          const Batch& batch, std::vector<Evaluation>& out);

  std::shared_ptr<const Objective> objective_;
  Subspace subspace_;
  Subspace turned_subspace_;
  std::optional<ChannelsLast> turned_;
  bool may_turn_ = false;
  Precision precision_;
  FrozenValues frozen_values_;
  FirstOutputs first_outputs_;
  std::optional<int64_t> num_at_once_;
  std::vector<Objective> replicas_;  // with models of their own, one a thread
};

}  // namespace lossatlas
