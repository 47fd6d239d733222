// Losses at the points of a subspace, batch by batch.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/channels_last.h"
#include "core/first_outputs.h"
#include "core/frozen_values.h"
#include "core/objective.h"
#include "core/point_evaluator.h"
#include "core/precision.h"
#include "core/recorded_points.h"
#include "core/subspace.h"

namespace lossatlas {

class SubspacePoints {
 public:
  SubspacePoints(const SubspacePoints&) = delete;
  SubspacePoints& operator=(const SubspacePoints&) = delete;
  // `points_at_once`: of many points, so many at once, each on one thread, if the model can run beside
  // itself; 1: one after the other on all threads.
  SubspacePoints(std::shared_ptr<const Objective> objective, Subspace subspace, Precision precision,
                 int64_t points_at_once);

  size_t num_directions() const { return subspace_.directions.size(); }
  int64_t points_at_once() const { return points_at_once_; }
  // What the tensors of a point took at the most; known of the origin alone, where there are no directions.
  int64_t point_bytes() const { return point_bytes_; }

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
  // As recordings, or by the operators of those; false where that is not asked for.
  bool EvaluateRecorded(const SharedValues& shared, const std::vector<double>& coefficients,
                        const Batch& batch, std::vector<Evaluation>& out);
  // Whether the batch's tensors are those that it had before: data that is read anew for each pass lies
  // elsewhere each time.
  bool ComesAgain(const Batch& batch);
  void EvaluateSideBySide(const SharedValues& shared, const std::vector<double>& coefficients,
                          const Batch& batch, std::vector<Evaluation>& out);

  std::shared_ptr<const Objective> objective_;
  Subspace subspace_;
  Subspace turned_subspace_;
  std::optional<ChannelsLast> turned_;
  bool may_turn_ = false;
  Precision precision_;
  FrozenValues frozen_values_;
  FirstOutputs first_outputs_;
  int64_t points_at_once_;
  int64_t point_bytes_ = 0;
  std::map<int64_t, RecordedPoints> recorded_;             // by the batch's index
  std::map<int64_t, const c10::TensorImpl*> came_before_;  // likewise; never read
  bool can_record_ = true;
  std::vector<Objective> replicas_;  // with models of their own, one a point
};

}  // namespace lossatlas
