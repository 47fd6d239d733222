// Training: parameters, buffers and one of libtorch's optimizers, which a step changes in place.
#pragma once
#include <torch/optim/optimizer.h>

#include <memory>
#include <vector>

#include "core/buffer_state.h"
#include "core/objective.h"

namespace lossatlas {

struct OptimizerSettings {
  enum class Kind { kSgd, kAdam, kAdamW };
  Kind kind = Kind::kSgd;
  double weight_decay = 0;
  // SGD
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
  // Adam and AdamW
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
};

OptimizerSettings::Kind ParseOptimizer(const std::string& name);
// Flat vectors of an optimizer's state: SGD's momentum buffer; Adam's two moments, and the largest second
// one.
size_t NumMoments(const OptimizerSettings& settings);

// What a trainer goes on with, bit for bit.
struct TrainerState {
  at::Tensor theta;  // flat
  BufferState buffers;
  // Of each parameter: steps that its moments have seen (of SGD 1), −1 where it has none.
  std::vector<double> steps;
  std::vector<at::Tensor> moments;  // flat, NumMoments
};

struct TrainingStep {
  Evaluation evaluation;  // before the step
  double avoidance_sum = 0;
  double avoidance_count = 0;
  double objective = 0;      // what was minimised
  double gradient_norm = 0;  // ‖∇‖₂, before clipping
  bool finite = true;        // else nothing was changed, or of an update out of range a part
};

class Trainer {
 public:
  // `frozen`: places of parameters that stay as they are. The state is copied.
  Trainer(std::shared_ptr<const Objective> objective, OptimizerSettings settings, const TrainerState& start,
          const std::vector<size_t>& frozen);

  const Objective& objective() const { return *objective_; }

  struct StepOptions {
    uint64_t index = 0;  // of the step: decides the masks of dropout
    double learning_rate = 0;
    double max_norm = 0;  // of the gradient; 0: no clipping
    double avoidance_weight = 0;
  };
  // One step on the batch's mean loss; with `avoided` on (1 − w)·(mean loss) + w·(mean of −log(1 − p)) of
  // both batches in one forward pass. ERR_EMPTY_DATA where no target counts.
  TrainingStep Step(const Batch& batch, const Batch* avoided, const StepOptions& options);

  TrainerState State() const;

 private:
  void RestoreMoments(const TrainerState& start);

  std::shared_ptr<const Objective> objective_;
  OptimizerSettings settings_;
  std::vector<at::Tensor> parameters_;  // one a layout entry, each with memory of its own
  std::vector<at::Tensor> trained_;     // those that are not frozen
  std::vector<at::Tensor> buffers_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace lossatlas
