// Huang et al. 2019 (arXiv 1906.03291): labels that a model is to avoid.
#pragma once
#include "core/batch.h"
#include "core/criterion.h"

namespace lossatlas {

// Σ −log(1 − p(x, y)) over class indices [N] (or [N, ...]), with logits or log-probabilities [N, C] (or
// [N, C, ...]). From the log-odds of y against the other classes, so that it is exact for p → 0 and for
// p → 1. ERR_CRITERION for another criterion than cross-entropy and nll, for other targets, or for one class.
LossTerms ComputeAvoidance(const Criterion& criterion, const at::Tensor& output, const Batch& batch);

}  // namespace lossatlas
