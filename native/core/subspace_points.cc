#include "core/subspace_points.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/combination.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

// origin + Σ a_i d_i into `point`, one pass over memory for each pair of directions.
void SetPoint(at::Tensor& point, const at::Tensor& origin, const std::vector<at::Tensor>& directions,
              const double* a) {
  if (directions.empty()) {
    point.copy_(origin);
    return;
  }
  at::add_out(point, origin, directions[0], a[0]);
  for (size_t i = 1; i < directions.size(); ++i) point.add_(directions[i], a[i]);
}

// What the first layers give at several points, made together: the terms are read once for all of them.
class FirstAtPoints {
 public:
  FirstAtPoints(const FirstOutputs::Terms& terms, const std::vector<LayerEnd>& ends,
                const std::vector<double>& coefficients, int64_t num_points)
      : terms_(terms), ends_(ends), coefficients_(coefficients), num_points_(num_points) {
    int64_t bytes = 0;
    for (size_t layer = 0; layer < terms.size(); ++layer)
      bytes += static_cast<int64_t>(terms[layer][0].nbytes()) / (ends[layer].pools ? 4 : 1);
    at_once_ = std::clamp<int64_t>(kMostBytes / std::max<int64_t>(bytes, 1), 1, kMostPoints);
  }

  // Of the points in their order.
  std::vector<at::Tensor> Take(int64_t point) {
    if (point >= begin_ + static_cast<int64_t>(made_.size())) Make(point);
    return std::move(made_[static_cast<size_t>(point - begin_)]);
  }

 private:
  static constexpr int64_t kMostPoints = 8;
  static constexpr int64_t kMostBytes = int64_t{128} << 20;

  void Make(int64_t point) {
    begin_ = point;
    const int64_t count = std::min(at_once_, num_points_ - point);
    made_.assign(static_cast<size_t>(count), {});
    for (size_t layer = 0; layer < terms_.size(); ++layer) {
      const size_t width = terms_[layer].size() - 1;
      const double* rows = coefficients_.data() + static_cast<size_t>(point) * width;
      std::vector<at::Tensor> outputs = Combine(terms_[layer], rows, count, ends_[layer]);
      for (size_t i = 0; i < made_.size(); ++i) made_[i].push_back(std::move(outputs[i]));
    }
  }

  const FirstOutputs::Terms& terms_;
  const std::vector<LayerEnd>& ends_;
  const std::vector<double>& coefficients_;
  int64_t num_points_;
  int64_t at_once_ = 1;
  int64_t begin_ = 0;
  std::vector<std::vector<at::Tensor>> made_;
};

}  // namespace

std::vector<Evaluation> SubspacePoints::Evaluate(const std::vector<double>& coefficients, int64_t num_points,
                                                 const Batch& batch) {
  at::NoGradGuard no_grad;
  const std::vector<c10::IValue>* frozen = frozen_values_.Of(*objective_, subspace_, precision_, batch);
  if (frozen != nullptr) {
    try {
      std::vector<Evaluation> out = EvaluateFrom(coefficients, num_points, batch, frozen);
      if (frozen_values_.AreIntact(batch)) return out;
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception&) {
      // Something that the rest cannot do with what was kept, or an error that comes again.
    }
    frozen_values_.GiveUp();
  }
  return EvaluateFrom(coefficients, num_points, batch, nullptr);
}

std::vector<Evaluation> SubspacePoints::EvaluateFrom(const std::vector<double>& coefficients,
                                                     int64_t num_points, const Batch& batch,
                                                     const std::vector<c10::IValue>* frozen) {
  const Objective& objective = *objective_;
  Model& model = *objective.model;
  // States do not nest.
  // Where BatchNorm is folded, the first layers are no longer linear, and little beside what is won.
  const bool folds = objective.mode == Mode::kEval && model.FoldsBatchNorm();
  const bool combines = frozen == nullptr && !folds;
  const FirstOutputs::Terms* terms = combines ? first_outputs_.Of(objective, subspace_, batch) : nullptr;
  at::Tensor point = at::empty_like(subspace_.origin);
  const std::vector<at::Tensor> leaves = MakeLeaves(*model.layout(), point, false);
  ScopedState state(model, leaves, objective.mode, TensorsOf(subspace_.buffers.get()));
  std::vector<const BufferState*> buffers{subspace_.buffers.get()};
  for (const std::shared_ptr<BufferState>& direction : subspace_.buffer_directions)
    buffers.push_back(direction.get());
  std::optional<FirstAtPoints> first;
  if (terms != nullptr) first.emplace(*terms, model.first_layers()->ends(), coefficients, num_points);
  std::vector<Evaluation> out;
  out.reserve(static_cast<size_t>(num_points));
  for (int64_t p = 0; p < num_points; ++p) {
    const double* a = coefficients.data() + static_cast<size_t>(p) * num_directions();
    SetPoint(point, subspace_.origin, subspace_.directions, a);
    if (model.rounds_parameters()) model.Reinstall(leaves);
    if (!subspace_.buffer_directions.empty()) {
      std::vector<double> weights{1.0};
      weights.insert(weights.end(), a, a + num_directions());
      state.SetBuffers(CombineBuffers(buffers, weights).tensors);
    }
    LossTerms loss;
    at::Tensor output;
    {
      const ScopedPrecision scope(precision_, model.options().device());
      if (frozen != nullptr) {
        output = RunForwardAfter(objective, batch, *frozen_values_.prefix(), *frozen);
      } else if (first) {
        output = RunForwardAfter(objective, batch, first->Take(p));
      } else {
        output = RunForward(objective, batch, BatchNormForm::kFolded);
      }
    }
    out.push_back(Measure(objective, output, batch, loss));
    state.ResetBuffers();
  }
  return out;
}

}  // namespace lossatlas
