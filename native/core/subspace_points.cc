#include "core/subspace_points.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/environment.h"
#include "core/memory_meter.h"
#include "core/workers.h"

namespace lossatlas {
namespace {

// Of the first layers at points that are made together.
constexpr int64_t kMostFirstBytes = int64_t{128} << 20;
// Batches whose points are recorded: what is computed of one stays on the device.
constexpr size_t kMostRecorded = 16;

// Whether nothing but the model keeps one pass from running beside another.
bool RunsBesideItself(const Objective& objective) {
  if (objective.criterion.scripted != nullptr) return false;
  if (objective.mode == Mode::kTrain && objective.model->DrawsAtRandom()) return false;
  return std::ranges::none_of(objective.metrics, [](const auto& metric) { return metric->is_scripted(); });
}

std::vector<Objective> MakeReplicas(const Objective& objective, int64_t count) {
  std::vector<Objective> out;
  for (int64_t i = 0; i < count; ++i) {
    Objective replica = objective;
    replica.model = objective.model->Replica();
    if (replica.model == nullptr) return {};
    out.push_back(std::move(replica));
  }
  return out;
}

}  // namespace

SubspacePoints::SubspacePoints(std::shared_ptr<const Objective> objective, Subspace subspace,
                               Precision precision, int64_t points_at_once)
    : objective_(std::move(objective)),
      subspace_(std::move(subspace)),
      // Vectors are turned once, which takes many points to be worth it.
      may_turn_(points_at_once > 1),
      precision_(precision),
      points_at_once_(points_at_once) {
  if (EnvironmentSays("LOSSATLAS_POINTS", "libtorch") || !RunsBesideItself(*objective_)) points_at_once_ = 1;
}

std::vector<Evaluation> SubspacePoints::Evaluate(const std::vector<double>& coefficients, int64_t num_points,
                                                 const Batch& batch, bool one_by_one) {
  at::NoGradGuard no_grad;
  for (;;) {
    const SharedValues shared = SharedOf(batch);
    if (may_turn_ && !turned_) Turn();
    try {
      std::vector<Evaluation> out = EvaluateWith(shared, coefficients, num_points, batch, one_by_one);
      if (shared.frozen == nullptr || frozen_values_.AreIntact(batch)) return out;
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception&) {
      // Something that the model cannot do with what was made of it, or an error that comes again.
      if (shared.frozen == nullptr && !turned_) throw;
    }
    recorded_.clear();
    if (shared.frozen != nullptr) {
      frozen_values_.GiveUp();
    } else {
      turned_.reset();
      may_turn_ = false;
    }
  }
}

bool SubspacePoints::ComesAgain(const Batch& batch) {
  const c10::TensorImpl* first = batch.inputs().front().unsafeGetTensorImpl();
  return std::exchange(came_before_[batch.index()], first) == first;
}

bool SubspacePoints::EvaluateRecorded(const SharedValues& shared, const std::vector<double>& coefficients,
                                      const Batch& batch, std::vector<Evaluation>& out) {
  if (!RecordedPoints::CanRecord(*objective_, subspace_)) return false;
  const std::shared_ptr<Recorder> recorder = RecorderFor(subspace_.origin.device());
  if (recorder == nullptr) return false;
  const int64_t num_points = static_cast<int64_t>(out.size());
  auto found = recorded_.find(batch.index());
  const bool comes_again = ComesAgain(batch);
  if (found == recorded_.end() && comes_again && can_record_ && recorded_.size() < kMostRecorded) {
    found = recorded_.try_emplace(batch.index(), *objective_, subspace_, precision_, batch, shared, recorder)
                .first;
  }
  if (found != recorded_.end() && found->second.IsOf(batch)) {
    found->second.Evaluate(coefficients.data(), num_points, out.data());
    // What one batch cannot, none can.
    can_record_ = can_record_ && !found->second.has_failed();
  } else {
    RecordedPoints(*objective_, subspace_, precision_, batch, shared, nullptr)
        .Evaluate(coefficients.data(), num_points, out.data());
  }
  return true;
}

SharedValues SubspacePoints::SharedOf(const Batch& batch) {
  const Objective& objective = *objective_;
  SharedValues out;
  out.frozen = frozen_values_.Of(objective, subspace_, precision_, batch);
  if (out.frozen != nullptr) {
    out.prefix = frozen_values_.prefix();
    return out;
  }
  // Where BatchNorm is folded, the first layers are no longer linear, and little beside what is won.
  const bool folds = objective.mode == Mode::kEval && objective.model->FoldsBatchNorm();
  if (!folds) out.terms = first_outputs_.Of(objective, subspace_, batch);
  return out;
}

void SubspacePoints::Turn() {
  may_turn_ = false;
  Model& model = *objective_->model;
  if (objective_->mode != Mode::kEval) return;
  // Which bfloat16 copies of the weights would not gain from.
  if (precision_ != Precision::kFull) return;
  std::vector<bool> which = model.TakesChannelsLast();
  if (std::ranges::none_of(which, [](bool takes) { return takes; })) return;
  turned_.emplace(model.layout(), std::move(which));
  turned_subspace_ = subspace_;
  turned_subspace_.origin = turned_->Turn(subspace_.origin);
  for (at::Tensor& direction : turned_subspace_.directions) direction = turned_->Turn(direction);
}

PointEvaluator SubspacePoints::EvaluatorOf(const Objective& objective, const SharedValues& shared,
                                           const Batch& batch, int64_t most_bytes) const {
  return PointEvaluator(objective, turned_ ? turned_subspace_ : subspace_, turned_ ? &*turned_ : nullptr,
                        precision_, batch, shared, most_bytes);
}

std::vector<Evaluation> SubspacePoints::EvaluateWith(const SharedValues& shared,
                                                     const std::vector<double>& coefficients,
                                                     int64_t num_points, const Batch& batch,
                                                     bool one_by_one) {
  std::vector<Evaluation> out(static_cast<size_t>(num_points));
  if (num_points == 0) return out;
  if (points_at_once_ > 1 && replicas_.empty()) {
    replicas_ = MakeReplicas(*objective_, points_at_once_);
    if (replicas_.empty()) points_at_once_ = 1;
  }
  if (!one_by_one && points_at_once_ > 1) {
    EvaluateSideBySide(shared, coefficients, batch, out);
    return out;
  }
  if (EvaluateRecorded(shared, coefficients, batch, out)) return out;
  std::optional<MemoryMeter> meter;
  if (subspace_.directions.empty()) meter.emplace();
  PointEvaluator evaluator = EvaluatorOf(*objective_, shared, batch, kMostFirstBytes);
  evaluator.Evaluate(coefficients.data(), num_points, out.data());
  if (meter) point_bytes_ = std::max(point_bytes_, meter->peak_bytes());
  return out;
}

void SubspacePoints::EvaluateSideBySide(const SharedValues& shared, const std::vector<double>& coefficients,
                                        const Batch& batch, std::vector<Evaluation>& out) {
  const int64_t num_points = static_cast<int64_t>(out.size());
  const int64_t num_workers = std::min(points_at_once_, num_points);
  const int64_t most_bytes = kMostFirstBytes / points_at_once_;
  std::atomic<int64_t> next{0};
  // A batch remembers what it was asked.
  std::vector<Batch> batches(static_cast<size_t>(num_workers), batch);
  const auto run = [&](int64_t worker) {
    const size_t place = static_cast<size_t>(worker);
    PointEvaluator evaluator = EvaluatorOf(replicas_[place], shared, batches[place], most_bytes);
    // As many as are made together, unless that left some workers without any.
    const int64_t rounds = num_workers * evaluator.points_at_once();
    const int64_t num_rounds = (num_points + rounds - 1) / rounds;
    const int64_t step = (num_points + num_workers * num_rounds - 1) / (num_workers * num_rounds);
    for (int64_t p = next.fetch_add(step); p < num_points; p = next.fetch_add(step)) {
      const int64_t count = std::min(step, num_points - p);
      evaluator.Evaluate(coefficients.data() + static_cast<size_t>(p) * num_directions(), count,
                         out.data() + p);
    }
  };
  if (num_workers == 1) {
    // A single point: computed as in company.
    OnWorkers(2, [&](int64_t worker) {
      if (worker == 0) run(0);
    });
  } else {
    OnWorkers(num_workers, run);
  }
}

}  // namespace lossatlas
