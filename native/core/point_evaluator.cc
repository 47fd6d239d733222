#include "core/point_evaluator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/combination.h"
#include "core/winograd_operators.h"

namespace lossatlas {
namespace {

constexpr int64_t kMostAtOnce = 8;

std::vector<at::Tensor> Leaves(const ParameterLayout& layout, const ChannelsLast* turned,
                               const at::Tensor& point) {
  if (turned == nullptr) return MakeLeaves(layout, point, false);
  std::vector<at::Tensor> out = turned->Split(point);
  for (at::Tensor& leaf : out) leaf = leaf.detach();
  return out;
}

int64_t AtOnce(const FirstOutputs::Terms& terms, const std::vector<LayerEnd>& ends, int64_t most_bytes) {
  int64_t bytes = 0;
  for (size_t layer = 0; layer < terms.size(); ++layer)
    bytes += static_cast<int64_t>(terms[layer][0].nbytes()) / (ends[layer].pools ? 4 : 1);
  return std::clamp<int64_t>(most_bytes / std::max<int64_t>(bytes, 1), 1, kMostAtOnce);
}

}  // namespace

PointEvaluator::PointEvaluator(const Objective& objective, const Subspace& subspace,
                               const ChannelsLast* turned, Precision precision, const Batch& batch,
                               const SharedValues& shared, int64_t most_bytes)
    : objective_(objective),
      subspace_(subspace),
      precision_(precision),
      batch_(batch),
      shared_(shared),
      point_(at::empty_like(subspace.origin)),
      leaves_(Leaves(*objective.model->layout(), turned, point_)),
      state_(*objective.model, leaves_, objective.mode, TensorsOf(subspace.buffers.get())) {
  if (subspace.directions.size() > 1) row_ = at::empty_like(subspace.origin);
  if (shared.terms != nullptr)
    at_once_ = AtOnce(*shared.terms, objective.model->first_layers()->ends(), most_bytes);
}

void PointEvaluator::Evaluate(const double* coefficients, int64_t num_points, Evaluation* out) {
  const size_t width = subspace_.directions.size();
  for (int64_t begin = 0; begin < num_points; begin += at_once_) {
    const int64_t count = std::min(at_once_, num_points - begin);
    const double* rows = coefficients + static_cast<size_t>(begin) * width;
    std::vector<std::vector<at::Tensor>> first(static_cast<size_t>(count));
    if (shared_.terms != nullptr) first = FirstAt(rows, count);
    for (int64_t i = 0; i < count; ++i) {
      const size_t place = static_cast<size_t>(i);
      out[begin + i] = At(rows + place * width, std::move(first[place]));
    }
  }
}

std::vector<std::vector<at::Tensor>> PointEvaluator::FirstAt(const double* coefficients,
                                                             int64_t num_points) const {
  const FirstOutputs::Terms& terms = *shared_.terms;
  const std::vector<LayerEnd>& ends = objective_.model->first_layers()->ends();
  std::vector<std::vector<at::Tensor>> out(static_cast<size_t>(num_points));
  for (size_t layer = 0; layer < terms.size(); ++layer) {
    // The terms are read once for all of them.
    std::vector<at::Tensor> outputs = Combine(terms[layer], coefficients, num_points, ends[layer]);
    for (size_t i = 0; i < out.size(); ++i) out[i].push_back(std::move(outputs[i]));
  }
  return out;
}

void PointEvaluator::SetPoint(const double* coefficients) {
  if (subspace_.directions.empty()) {
    point_.copy_(subspace_.origin);
  } else {
    at::add_out(point_, RowOf(coefficients), subspace_.directions[0], coefficients[0]);
  }
}

const at::Tensor& PointEvaluator::RowOf(const double* coefficients) {
  const std::vector<double> own(coefficients + 1, coefficients + subspace_.directions.size());
  if (std::ranges::all_of(own, [](double a) { return a == 0; })) return subspace_.origin;
  if (own == row_coefficients_) return row_;
  row_coefficients_ = own;
  const at::Tensor* from = &subspace_.origin;
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i] == 0) continue;
    at::add_out(row_, *from, subspace_.directions[i + 1], own[i]);
    from = &row_;
  }
  return row_;
}

at::Tensor PointEvaluator::Output(std::vector<at::Tensor> first) const {
  if (shared_.frozen != nullptr) return RunForwardAfter(objective_, batch_, *shared_.prefix, *shared_.frozen);
  if (shared_.terms != nullptr) return RunForwardAfter(objective_, batch_, std::move(first));
  return RunForward(objective_, batch_, BatchNormForm::kFolded);
}

Evaluation PointEvaluator::At(const double* coefficients, std::vector<at::Tensor> first) {
  Model& model = *objective_.model;
  SetPoint(coefficients);
  if (model.rounds_parameters()) model.Reinstall(leaves_);
  if (!subspace_.buffer_directions.empty()) {
    std::vector<const BufferState*> buffers{subspace_.buffers.get()};
    for (const std::shared_ptr<BufferState>& direction : subspace_.buffer_directions)
      buffers.push_back(direction.get());
    std::vector<double> weights{1.0};
    weights.insert(weights.end(), coefficients, coefficients + subspace_.directions.size());
    state_.SetBuffers(CombineBuffers(buffers, weights).tensors);
  }
  LossTerms loss;
  std::optional<Evaluation> evaluation;
  {
    const ScopedPrecision scope(precision_, model.options().device());
    const ScopedWinograd winograd(/*in_bfloat16=*/precision_ == Precision::kBfloat16);
    const at::Tensor output = Output(std::move(first));
    if (!winograd.filtered() || at::isfinite(output).all().item<bool>())
      evaluation = Measure(objective_, output, batch_, loss);
  }
  // An infinite pixel spoils its whole tile, and transforms overflow earlier: libtorch has the last word.
  if (!evaluation) {
    state_.ResetBuffers();
    const ScopedPrecision scope(precision_, model.options().device());
    evaluation = Measure(objective_, RunForward(objective_, batch_, BatchNormForm::kFolded), batch_, loss);
  }
  state_.ResetBuffers();
  return *evaluation;
}

}  // namespace lossatlas
