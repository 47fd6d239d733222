// What is measured besides the loss, of (output, target), as sums over samples so that batches add up.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.h"

namespace lossatlas {

struct MetricSum {
  double sum = 0;
  double count = 0;  // what the sum is divided by to be the mean
};

class Metric {
 public:
  virtual ~Metric() = default;
  virtual MetricSum Compute(const at::Tensor& output, const Batch& batch) const = 0;
  // Whether it runs code of the user's, which may keep something from one call to the next.
  virtual bool is_scripted() const { return false; }
};

// Share of samples whose label is among the k largest outputs; ties count for the label, as in torch.topk
// they may or may not. ERR_CRITERION unless output is [N, C, ...] and the target holds class indices.
std::shared_ptr<Metric> MakeTopKMetric(int64_t k, int64_t ignore_index);

// A TorchScript module (output, target) → scalar (a mean over the batch) or one value a sample.
// ERR_MODEL_LOAD where the file cannot be loaded; computing throws ERR_CRITERION.
std::shared_ptr<Metric> LoadMetric(const std::string& path, at::TensorOptions options);

}  // namespace lossatlas
