// The loss of (model, criterion, mode) at any point θ, over one batch: pure steps.
#pragma once
#include <memory>
#include <vector>

#include "core/batch.h"
#include "core/buffer_state.h"
#include "core/criterion.h"
#include "core/metric.h"
#include "core/model.h"
#include "core/output_choice.h"

namespace lossatlas {

struct Objective {
  std::shared_ptr<Model> model;
  Criterion criterion;
  Mode mode = Mode::kEval;
  OutputChoice output;  // what of the model's output the loss is taken of
  uint64_t seed = 0;    // of dropout in train mode
  std::vector<std::shared_ptr<Metric>> metrics;
};

struct Evaluation {
  double loss_sum = 0;
  double count = 0;
  double num_correct = -1;  // -1: the criterion has no accuracy
  double num_answers = 0;
  std::vector<MetricSum> metrics;
};

// Leaves over the flat point θ (no copy) that the model's forward pass will use.
std::vector<at::Tensor> MakeLeaves(const ParameterLayout& layout, const at::Tensor& theta,
                                   bool requires_grad);

// The model's output; the model must already be in its state. Dropout has masks of the batch's own.
at::Tensor RunForward(const Objective& objective, const Batch& batch,
                      BatchNormForm form = BatchNormForm::kPlain);
// The same from the outputs of the first layers on (see Model::ForwardAfter).
at::Tensor RunForwardAfter(const Objective& objective, const Batch& batch, std::vector<at::Tensor> first);
// The same from what a frozen prefix gives.
at::Tensor RunForwardAfter(const Objective& objective, const Batch& batch, const FrozenPrefix& prefix,
                           const std::vector<c10::IValue>& values);
// RunForward, and the loss.
LossTerms RunLoss(const Objective& objective, const Batch& batch, BatchNormForm form = BatchNormForm::kPlain);

// The loss and the metrics of an output; `terms` keeps the loss as a tensor.
Evaluation Measure(const Objective& objective, const at::Tensor& output, const Batch& batch,
                   LossTerms& terms);

// The buffers after one forward pass in train mode that starts from `buffers`. ERR_MODE_BAKED_IN.
BufferState ForwardBuffers(const Objective& objective, const at::Tensor& theta, const BufferState& buffers,
                           const Batch& batch);

struct GradientResult {
  Evaluation evaluation;
  at::Tensor gradient;  // of the batch's loss *sum*, flat
};
// `buffers` null: the model's own.
GradientResult ComputeGradient(const Objective& objective, const at::Tensor& theta,
                               const BufferState* buffers, const Batch& batch);

// A loss in numbers.
Evaluation ReadTerms(const LossTerms& terms);

inline const std::vector<at::Tensor>& TensorsOf(const BufferState* buffers) {
  static const std::vector<at::Tensor> none;
  return buffers == nullptr ? none : buffers->tensors;
}

}  // namespace lossatlas
