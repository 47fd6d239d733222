// Losses of (output, target), as sums over samples so that batches of different sizes add up exactly.
#pragma once
#include <memory>
#include <string>

#include "core/batch.h"
#include "core/scripted_function.h"

namespace lossatlas {

struct Criterion {
  enum class Kind {
    kCrossEntropy,
    kMeanSquaredError,
    kBinaryCrossEntropyWithLogits,
    kNegativeLogLikelihood,
    kL1,
    kHuber,
    kModelOutput,
    kScripted
  };

  Kind kind = Kind::kCrossEntropy;
  double label_smoothing = 0.0;
  int64_t ignore_index = -100;  // PyTorch's default
  double delta = 1.0;           // Huber
  // The user's own: (output, target) → one value a sample, or a scalar that is the batch's mean or sum.
  std::shared_ptr<ScriptedFunction> scripted = nullptr;
  bool scripted_sums = false;
};

Criterion::Kind ParseCriterion(const std::string& name);

struct LossTerms {
  at::Tensor sum;      // float64 scalar, differentiable
  double count = 0;    // what the sum is divided by to be PyTorch's mean: targets, elements or samples
  at::Tensor correct;  // int64 scalar; undefined where the criterion has no accuracy
  double num_answers = 0;
  at::Tensor each;  // the losses of [N, ...] class indices; undefined for other targets
};

// Throws ERR_CRITERION where output and target do not fit, ERR_LABEL_RANGE.
LossTerms ComputeLoss(const Criterion& criterion, const at::Tensor& output, const Batch& batch);

}  // namespace lossatlas
