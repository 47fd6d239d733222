#include "core/subspace_points.h"

#include <ATen/Parallel.h>

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
// Of a point's tensors: beyond it every operator has work enough for all threads, and points on one thread
// each would take long and much memory.
constexpr int64_t kMostPointBytes = int64_t{256} << 20;
// What a forward pass takes at once for a byte of its input, by experience with images.
constexpr int64_t kBytesOfInput = 32;

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
                               Precision precision, bool side_by_side)
    : objective_(std::move(objective)), subspace_(std::move(subspace)), precision_(precision) {
  const bool may = side_by_side && !EnvironmentSays("LOSSATLAS_POINTS", "libtorch");
  if (!may || !RunsBesideItself(*objective_)) num_at_once_ = 1;
  // Vectors are turned once, which takes many points to be worth it.
  may_turn_ = side_by_side;
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
    if (shared.frozen != nullptr) {
      frozen_values_.GiveUp();
    } else {
      turned_.reset();
      may_turn_ = false;
    }
  }
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
  int64_t num_done = 0;
  if (!one_by_one && !num_at_once_ && num_points > 0)
    num_done = EvaluateFirst(shared, coefficients, batch, out);
  if (num_done == num_points) return out;
  if (!one_by_one && *num_at_once_ > 1) {
    EvaluateSideBySide(shared, coefficients, num_done, batch, out);
  } else {
    PointEvaluator evaluator = EvaluatorOf(*objective_, shared, batch, kMostFirstBytes);
    evaluator.Evaluate(coefficients.data(), num_points, out.data());
  }
  return out;
}

int64_t SubspacePoints::EvaluateFirst(const SharedValues& shared, const std::vector<double>& coefficients,
                                      const Batch& batch, std::vector<Evaluation>& out) {
  const int64_t num_threads = at::get_num_threads();
  if (num_threads > 1) replicas_ = MakeReplicas(*objective_, num_threads);
  if (replicas_.empty()) {
    num_at_once_ = 1;
    return 0;
  }
  // Before it is known what they take, only where it is little by all appearance.
  const bool seems_small = kBytesOfInput * batch.bytes() <= kMostPointBytes;
  const int64_t num_tried = seems_small ? std::min(num_threads, static_cast<int64_t>(out.size())) : 1;
  std::vector<Batch> batches(static_cast<size_t>(num_tried), batch);
  int64_t bytes = 0;
  OnWorkers(num_threads, [&](int64_t worker) {
    if (worker >= num_tried) return;
    const size_t place = static_cast<size_t>(worker);
    const MemoryMeter meter;
    PointEvaluator evaluator = EvaluatorOf(replicas_[place], shared, batches[place], 0);
    evaluator.Evaluate(coefficients.data() + place * num_directions(), 1, &out[place]);
    if (worker == 0) bytes = meter.peak_bytes();
  });
  if (bytes <= kMostPointBytes) {
    num_at_once_ = num_threads;
    return num_tried;
  }
  replicas_.clear();
  num_at_once_ = 1;
  return 0;
}

void SubspacePoints::EvaluateSideBySide(const SharedValues& shared, const std::vector<double>& coefficients,
                                        int64_t begin, const Batch& batch, std::vector<Evaluation>& out) {
  const int64_t end = static_cast<int64_t>(out.size());
  const int64_t num_points = end - begin;
  const int64_t num_workers = std::min(*num_at_once_, num_points);
  const int64_t most_bytes = kMostFirstBytes / *num_at_once_;
  std::atomic<int64_t> next{begin};
  // A batch remembers what it was asked.
  std::vector<Batch> batches(static_cast<size_t>(num_workers), batch);
  const auto run = [&](int64_t worker) {
    const size_t place = static_cast<size_t>(worker);
    PointEvaluator evaluator = EvaluatorOf(replicas_[place], shared, batches[place], most_bytes);
    // As many as are made together, unless that left some workers without any.
    const int64_t rounds = num_workers * evaluator.points_at_once();
    const int64_t num_rounds = (num_points + rounds - 1) / rounds;
    const int64_t step = (num_points + num_workers * num_rounds - 1) / (num_workers * num_rounds);
    for (int64_t p = next.fetch_add(step); p < end; p = next.fetch_add(step)) {
      const int64_t count = std::min(step, end - p);
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
