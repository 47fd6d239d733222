#include "core/trainer.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "core/poisoned_loss.h"
#include "core/random.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

using Kind = OptimizerSettings::Kind;

template <class Options>
Options AdamOptionsOf(const OptimizerSettings& settings) {
  return Options()
      .betas({settings.beta1, settings.beta2})
      .eps(settings.epsilon)
      .weight_decay(settings.weight_decay)
      .amsgrad(settings.amsgrad);
}

std::unique_ptr<torch::optim::Optimizer> MakeOptimizer(const OptimizerSettings& settings,
                                                       const std::vector<at::Tensor>& parameters) {
  switch (settings.kind) {
    case Kind::kAdam:
      return std::make_unique<torch::optim::Adam>(parameters,
                                                  AdamOptionsOf<torch::optim::AdamOptions>(settings));
    case Kind::kAdamW:
      return std::make_unique<torch::optim::AdamW>(parameters,
                                                   AdamOptionsOf<torch::optim::AdamWOptions>(settings));
    case Kind::kSgd:
      break;
  }
  return std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(0)
                                                             .momentum(settings.momentum)
                                                             .dampening(settings.dampening)
                                                             .weight_decay(settings.weight_decay)
                                                             .nesterov(settings.nesterov));
}

template <class State>
void ReadAdam(const torch::optim::OptimizerParamState& found, double& step,
              std::vector<at::Tensor>& moments) {
  const auto& state = static_cast<const State&>(found);
  step = static_cast<double>(state.step());
  moments = {state.exp_avg(), state.exp_avg_sq(), state.max_exp_avg_sq()};
}

template <class State>
std::unique_ptr<torch::optim::OptimizerParamState> MakeAdam(double step,
                                                            const std::vector<at::Tensor>& moments) {
  auto state = std::make_unique<State>();
  state->step(static_cast<int64_t>(step));
  state->exp_avg(moments[0]);
  state->exp_avg_sq(moments[1]);
  if (moments.size() > 2) state->max_exp_avg_sq(moments[2]);
  return state;
}

Batch Joined(const Batch& first, const Batch& second) {
  if (first.inputs().size() != second.inputs().size())
    throw Error(code::kInvalidData, "The samples to avoid have another number of inputs than the data.");
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < first.inputs().size(); ++i) {
    const at::Tensor& a = first.inputs()[i];
    const at::Tensor& b = second.inputs()[i];
    if (a.sizes().slice(1) != b.sizes().slice(1) || a.scalar_type() != b.scalar_type())
      throw Error(code::kInvalidData, "The samples to avoid differ from the data in their shape or type.");
    inputs.push_back(at::cat({a, b}));
  }
  return first.WithInputs(std::move(inputs));
}

}  // namespace

OptimizerSettings::Kind ParseOptimizer(const std::string& name) {
  static const std::map<std::string, Kind> kKinds = {
      {"sgd", Kind::kSgd}, {"adam", Kind::kAdam}, {"adamw", Kind::kAdamW}};
  const auto found = kKinds.find(name);
  if (found == kKinds.end()) throw Error(code::kInvalidArgument, "optimizer '" + name + "' is unknown");
  return found->second;
}

size_t NumMoments(const OptimizerSettings& settings) {
  if (settings.kind == Kind::kSgd) return settings.momentum == 0 ? 0 : 1;
  return settings.amsgrad ? 3 : 2;
}

Trainer::Trainer(std::shared_ptr<const Objective> objective, OptimizerSettings settings,
                 const TrainerState& start, const std::vector<size_t>& frozen)
    : objective_(std::move(objective)), settings_(settings) {
  at::NoGradGuard no_grad;
  const ParameterLayout& layout = *objective_->model->layout();
  const std::set<size_t> fixed(frozen.begin(), frozen.end());
  for (const at::Tensor& part : layout.Split(start.theta.detach())) {
    const bool is_trained = !fixed.contains(parameters_.size());
    parameters_.push_back(part.clone(at::MemoryFormat::Contiguous).requires_grad_(is_trained));
    if (is_trained) trained_.push_back(parameters_.back());
  }
  if (trained_.empty()) throw Error(code::kInvalidArgument, "every parameter is frozen");
  for (const at::Tensor& buffer : start.buffers.tensors) buffers_.push_back(buffer.clone());
  optimizer_ = MakeOptimizer(settings_, trained_);
  RestoreMoments(start);
}

void Trainer::RestoreMoments(const TrainerState& start) {
  if (start.steps.empty() || start.moments.size() != NumMoments(settings_)) return;
  std::vector<std::vector<at::Tensor>> parts;
  for (const at::Tensor& moment : start.moments) parts.push_back(objective_->model->layout()->Split(moment));
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (start.steps[i] < 0 || parts.empty()) continue;
    std::vector<at::Tensor> moments;
    for (const std::vector<at::Tensor>& part : parts)
      moments.push_back(part[i].clone(at::MemoryFormat::Contiguous));
    std::unique_ptr<torch::optim::OptimizerParamState> state;
    if (settings_.kind == Kind::kAdam) {
      state = MakeAdam<torch::optim::AdamParamState>(start.steps[i], moments);
    } else if (settings_.kind == Kind::kAdamW) {
      state = MakeAdam<torch::optim::AdamWParamState>(start.steps[i], moments);
    } else {
      auto sgd = std::make_unique<torch::optim::SGDParamState>();
      sgd->momentum_buffer(moments[0]);
      state = std::move(sgd);
    }
    optimizer_->state()[parameters_[i].unsafeGetTensorImpl()] = std::move(state);
  }
}

TrainingStep Trainer::Step(const Batch& batch, const Batch* avoided, const StepOptions& options) {
  Objective objective = *objective_;
  objective.seed = StreamSeed(objective_->seed, options.index);
  TrainingStep out;
  std::vector<at::Tensor> buffers;
  torch::autograd::variable_list gradients;
  {
    const ScopedState state(*objective.model, parameters_, objective.mode, buffers_);
    const at::Tensor output = RunForward(objective, avoided == nullptr ? batch : Joined(batch, *avoided));
    LossTerms terms;
    at::Tensor loss;
    if (avoided == nullptr) {
      out.evaluation = Measure(objective, output, batch, terms);
      loss = terms.sum / terms.count;
    } else {
      const int64_t n = batch.num_samples();
      if (output.dim() == 0 || output.size(0) != n + avoided->num_samples())
        throw Error(code::kCriterion, "Labels can be avoided where the output has a row for each sample.");
      out.evaluation = Measure(objective, output.narrow(0, 0, n), batch, terms);
      const LossTerms avoidance =
          ComputeAvoidance(objective.criterion, output.narrow(0, n, avoided->num_samples()), *avoided);
      out.avoidance_sum = avoidance.sum.item<double>();
      out.avoidance_count = avoidance.count;
      if (avoidance.count == 0)
        throw Error(code::kEmptyData, "Every label to avoid in a batch is the one to ignore.");
      loss = terms.sum * ((1 - options.avoidance_weight) / terms.count) +
             avoidance.sum * (options.avoidance_weight / avoidance.count);
    }
    if (terms.count == 0) {
      throw Error(
          code::kEmptyData,
          "Every target of a batch is the label to ignore (option 'ignoreIndex'), so it has no mean loss.");
    }
    out.objective = loss.item<double>();
    if (!std::isfinite(out.objective)) {
      out.finite = false;
      return out;
    }
    if (!loss.requires_grad())
      throw Error(code::kCriterion, "The loss depends on none of the parameters that are trained.");
    gradients = torch::autograd::grad({loss}, trained_, {}, /*retain_graph=*/false, /*create_graph=*/false,
                                      /*allow_unused=*/true);
    buffers = objective.model->InstalledBuffers();
  }
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients) {
    if (gradient.defined())
      norms.push_back(at::linalg_vector_norm(gradient, 2, c10::nullopt, false, c10::kDouble));
  }
  if (!norms.empty()) out.gradient_norm = at::linalg_vector_norm(at::stack(norms)).item<double>();
  if (!std::isfinite(out.gradient_norm)) {
    out.finite = false;
    return out;
  }
  // As torch.nn.utils.clip_grad_norm_ has it.
  const double factor =
      options.max_norm > 0 ? std::min(1.0, options.max_norm / (out.gradient_norm + 1e-6)) : 1.0;
  for (size_t i = 0; i < trained_.size(); ++i) {
    if (factor < 1 && gradients[i].defined()) gradients[i].mul_(factor);
    trained_[i].mutable_grad() = gradients[i];
  }
  for (torch::optim::OptimizerParamGroup& group : optimizer_->param_groups())
    group.options().set_lr(options.learning_rate);
  try {
    optimizer_->step();
  } catch (const std::runtime_error& error) {
    // A factor of the update, such as the learning rate, that the parameters' type cannot hold:
    // c10/util/TypeCast.h.
    if (std::string(error.what()).find("without overflow") == std::string::npos) throw;
    out.finite = false;
  }
  for (at::Tensor& parameter : trained_) parameter.mutable_grad().reset();
  if (!out.finite) return out;
  for (size_t i = 0; i < buffers.size(); ++i) buffers_[i] = buffers[i].detach();
  return out;
}

TrainerState Trainer::State() const {
  at::NoGradGuard no_grad;
  const ParameterLayout& layout = *objective_->model->layout();
  const at::TensorOptions options = objective_->model->options();
  TrainerState out;
  // cat of one tensor could alias it.
  out.theta = layout.Join(parameters_, options).detach().clone();
  for (const at::Tensor& buffer : buffers_) out.buffers.tensors.push_back(buffer.clone());
  const size_t num_moments = NumMoments(settings_);
  out.steps.assign(parameters_.size(), -1);
  std::vector<std::vector<at::Tensor>> parts(num_moments, std::vector<at::Tensor>(parameters_.size()));
  const auto& states = optimizer_->state();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto found = states.find(parameters_[i].unsafeGetTensorImpl());
    if (found == states.end()) continue;
    std::vector<at::Tensor> moments;
    if (settings_.kind == Kind::kAdam) {
      ReadAdam<torch::optim::AdamParamState>(*found->second, out.steps[i], moments);
    } else if (settings_.kind == Kind::kAdamW) {
      ReadAdam<torch::optim::AdamWParamState>(*found->second, out.steps[i], moments);
    } else {
      out.steps[i] = 1;
      moments = {static_cast<const torch::optim::SGDParamState&>(*found->second).momentum_buffer()};
    }
    for (size_t m = 0; m < num_moments; ++m) parts[m][i] = moments[m];
  }
  for (const std::vector<at::Tensor>& part : parts) out.moments.push_back(layout.Join(part, options).clone());
  return out;
}

}  // namespace lossatlas
