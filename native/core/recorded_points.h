// Losses at the points of a subspace over one batch, each point one recording.
#pragma once
#include <memory>

#include "core/point_evaluator.h"
#include "core/recorded_function.h"

namespace lossatlas {

class RecordedPoints {
 public:
  // Whether a point is the same kernels each time: no metric of one's own, no dropout masks, no running
  // statistics that move with the point.
  static bool CanRecord(const Objective& objective, const Subspace& subspace);

  // All that is given has to outlive it, but for the batch, whose tensors are kept. Of what points share, the
  // frozen prefix is used. Without a recorder points are computed, by the same operators.
  RecordedPoints(const Objective& objective, const Subspace& subspace, Precision precision,
                 const Batch& batch, const SharedValues& shared, std::shared_ptr<Recorder> recorder);
  RecordedPoints(const RecordedPoints&) = delete;
  RecordedPoints& operator=(const RecordedPoints&) = delete;

  bool has_failed() const { return function_.has_failed(); }

  // Whether the batch's tensors are those that are read here.
  bool IsOf(const Batch& batch) const;

  // As PointEvaluator::Evaluate. Points are computed by the same operators before the recording and in it,
  // and the host waits once for all of them.
  void Evaluate(const double* coefficients, int64_t num_points, Evaluation* out);

 private:
  // coefficients: [directions], float64 on the device. Gives the loss's sum, and what was right where there
  // is an accuracy.
  std::vector<at::Tensor> PointAt(const at::Tensor& coefficients);

  const Objective& objective_;
  const Subspace& subspace_;
  Precision precision_;
  Batch batch_;
  SharedValues shared_;
  at::Tensor point_;
  std::vector<at::Tensor> leaves_;
  Evaluation constants_;  // of every point: what does not come from the device
  RecordedFunction function_;
};

}  // namespace lossatlas
