#include "core/sample_independence.h"

#include <algorithm>

#include "core/memory_meter.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

constexpr int64_t kMostSamples = 16;

// Other sizes take other kernels, which round otherwise.
double ToleranceOf(const at::Tensor& output) { return output.scalar_type() == c10::kDouble ? 1e-9 : 1e-3; }

bool SumsOverSamples(const Criterion& criterion) {
  return criterion.kind != Criterion::Kind::kScripted && criterion.kind != Criterion::Kind::kModelOutput;
}

}  // namespace

SampleIndependence CheckSampleIndependence(const Objective& objective, const at::Tensor& theta,
                                           const BufferState* buffers, const Batch& batch) {
  SampleIndependence out;
  const int64_t half = std::min(kMostSamples, batch.num_samples()) / 2;
  if (half == 0 || objective.mode != Mode::kEval || !SumsOverSamples(objective.criterion)) return out;
  const std::vector<at::Tensor> leaves = MakeLeaves(*objective.model->layout(), theta, true);
  const ScopedState state(*objective.model, leaves, objective.mode, TensorsOf(buffers));
  try {
    at::Tensor whole;
    int64_t largest = 0;
    {
      const MemoryMeter meter;
      whole = RunForward(objective, batch.Slice(0, 2 * half), BatchNormForm::kFolded);
      out.bytes_per_sample = meter.live_bytes() / (2 * half);
      largest = meter.largest_bytes();
      whole = whole.detach();
    }
    if (whole.dim() == 0 || whole.size(0) != 2 * half) return out;
    at::NoGradGuard no_grad;
    at::Tensor first;
    {
      const MemoryMeter meter;
      first = RunForward(objective, batch.Slice(0, half), BatchNormForm::kFolded);
      // What does not grow with the samples is a weight.
      out.largest_bytes_per_sample = std::max<int64_t>(0, largest - meter.largest_bytes()) / half;
    }
    const at::Tensor second = RunForward(objective, batch.Slice(half, half), BatchNormForm::kFolded);
    if (first.sizes() != second.sizes() || first.size(0) != half) return out;
    const double scale = whole.abs().max().item<double>();
    const double difference = (whole - at::cat({first, second})).abs().max().item<double>();
    // Parts may be of one sample, which a model's squeeze() takes for no batch at all.
    const at::Tensor one = RunForward(objective, batch.Slice(0, 1), BatchNormForm::kFolded);
    if (one.sizes() != whole.narrow(0, 0, 1).sizes()) return out;
    const double of_one = (whole.narrow(0, 0, 1) - one).abs().max().item<double>();
    // A NaN compares as false: there is nothing to tell by.
    out.independent = std::max(difference, of_one) <= ToleranceOf(whole) * scale;
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception&) {
    // A model that wants batches of its own size; whatever else is wrong, the whole batch will show.
    out.independent = false;
  }
  return out;
}

}  // namespace lossatlas
