// Losses at the points of a subspace, one after the other.
#pragma once
#include <optional>
#include <vector>

#include "core/channels_last.h"
#include "core/first_outputs.h"
#include "core/frozen_prefix.h"
#include "core/objective.h"
#include "core/precision.h"
#include "core/scoped_state.h"
#include "core/subspace.h"

namespace lossatlas {

// What the points share of their forward passes over one batch: at most one of the two.
struct SharedValues {
  const FrozenPrefix* prefix = nullptr;
  const std::vector<c10::IValue>* frozen = nullptr;  // what the prefix gives
  const FirstOutputs::Terms* terms = nullptr;        // of the first layers
};

// The model is in the state of the points while it lives.
class PointEvaluator {
 public:
  // All that is given has to outlive it. `turned`: how the vectors of the subspace lie; null for as they are.
  // `most_bytes`: what the first layers may take of several points.
  PointEvaluator(const Objective& objective, const Subspace& subspace, const ChannelsLast* turned,
                 Precision precision, const Batch& batch, const SharedValues& shared, int64_t most_bytes);

  // Points of the first layers that are made together.
  int64_t points_at_once() const { return at_once_; }

  // coefficients is [num_points][directions] row by row; `out` has room for the points. Each is computed from
  // the origin, so nothing drifts, and is the same to the bit in whatever company.
  void Evaluate(const double* coefficients, int64_t num_points, Evaluation* out);

 private:
  // `first`: what the first layers give there, where they are shared.
  Evaluation At(const double* coefficients, std::vector<at::Tensor> first);
  // Of the model in the state of the point.
  at::Tensor Output(std::vector<at::Tensor> first) const;
  // Into point_.
  void SetPoint(const double* coefficients);
  // The origin with all directions but the first: what the points of a row of a grid share.
  const at::Tensor& RowOf(const double* coefficients);
  // [point][layer]
  std::vector<std::vector<at::Tensor>> FirstAt(const double* coefficients, int64_t num_points) const;

  const Objective& objective_;
  const Subspace& subspace_;
  Precision precision_;
  const Batch& batch_;
  SharedValues shared_;
  int64_t at_once_ = 1;
  at::Tensor row_;
  std::vector<double> row_coefficients_;  // of which row_ is; none at first
  at::Tensor point_;
  std::vector<at::Tensor> leaves_;
  ScopedState state_;
};

}  // namespace lossatlas
