// The loss of (model, criterion, mode) at any point θ, over one batch: pure steps.
#pragma once
#include <memory>
#include <vector>

#include "core/batch.h"
#include "core/criterion.h"
#include "core/model.h"

namespace lossatlas {

struct Objective {
  std::shared_ptr<Model> model;
  Criterion criterion;
  Mode mode = Mode::kEval;
  uint64_t seed = 0;  // of dropout in train mode
};

struct Evaluation {
  double loss_sum = 0;
  double count = 0;
  double num_correct = -1;  // -1: the criterion has no accuracy
  double num_answers = 0;
};

// Leaves over the flat point θ (no copy) that the model's forward pass will use.
std::vector<at::Tensor> MakeLeaves(const ParameterLayout& layout, const at::Tensor& theta,
                                   bool requires_grad);

// Forward pass and loss; the model must already be in its state.
LossTerms RunLoss(const Objective& objective, const Batch& batch);

// Losses at origin + Σ_i coefficients[p][i]·directions[i] for every p; each point is computed from the
// origin, so nothing drifts. coefficients is [num_points][directions.size()] row by row. With no directions:
// the origin itself.
std::vector<Evaluation> EvaluatePoints(const Objective& objective, const at::Tensor& origin,
                                       const std::vector<at::Tensor>& directions,
                                       const std::vector<double>& coefficients, int64_t num_points,
                                       const Batch& batch);

struct GradientResult {
  Evaluation evaluation;
  at::Tensor gradient;  // of the batch's loss *sum*, flat
};
GradientResult ComputeGradient(const Objective& objective, const at::Tensor& theta, const Batch& batch);

}  // namespace lossatlas
