#include "core/metric.h"

#include "core/error.h"
#include "core/scripted_function.h"

namespace lossatlas {
namespace {

class TopKMetric final : public Metric {
 public:
  TopKMetric(int64_t k, int64_t ignore_index) : k_(k), ignore_index_(ignore_index) {}

  MetricSum Compute(const at::Tensor& output, const Batch& batch) const override {
    const std::optional<at::Tensor>& target = batch.target();
    if (!target || target->is_floating_point() || output.dim() < 2 || target->dim() + 1 != output.dim()) {
      throw Error(code::kCriterion, "The metric top-" + std::to_string(k_) +
                                        " wants an output [N, C] (or [N, C, ...]) and integer labels.");
    }
    const at::Tensor counted = target->ne(ignore_index_);
    const at::Tensor labels = target->masked_fill(counted.logical_not(), 0).unsqueeze(1);
    // The label's rank is the number of classes above it, or equal and before it, as argmax has it.
    const at::Tensor own = output.gather(1, labels);
    at::Tensor index = at::arange(output.size(1), labels.options());
    for (int64_t d = 2; d < output.dim(); ++d) index = index.unsqueeze(-1);
    const at::Tensor before = output.eq(own).logical_and(index.unsqueeze(0).lt(labels));
    const at::Tensor rank = output.gt(own).logical_or(before).sum(1);
    const at::Tensor finite = at::isnan(output).any(1).logical_not();
    MetricSum out;
    out.sum = rank.lt(k_).logical_and(finite).logical_and(counted).sum().item<double>();
    out.count = static_cast<double>(batch.NumCounted(ignore_index_));
    return out;
  }

 private:
  int64_t k_;
  int64_t ignore_index_;
};

class ModuleMetric final : public Metric {
 public:
  explicit ModuleMetric(ScriptedFunction function) : function_(std::move(function)) {}

  MetricSum Compute(const at::Tensor& output, const Batch& batch) const override {
    const c10::IValue value = function_.Call(output, batch);
    const double samples = static_cast<double>(batch.num_samples());
    if (value.isDouble()) return {value.toDouble() * samples, samples};
    if (value.isTensor()) {
      const at::Tensor tensor = value.toTensor().to(c10::kDouble);
      if (tensor.numel() == 1) return {tensor.item<double>() * samples, samples};
      if (tensor.dim() == 1 && tensor.size(0) == batch.num_samples())
        return {tensor.sum().item<double>(), samples};
    }
    throw Error(code::kCriterion, "The metric '" + function_.path() +
                                      "' must return one number (a mean) or one value a sample.");
  }
  bool is_scripted() const override { return true; }

 private:
  ScriptedFunction function_;
};

}  // namespace

std::shared_ptr<Metric> MakeTopKMetric(int64_t k, int64_t ignore_index) {
  return std::make_shared<TopKMetric>(k, ignore_index);
}

std::shared_ptr<Metric> LoadMetric(const std::string& path, at::TensorOptions options) {
  return std::make_shared<ModuleMetric>(ScriptedFunction("metric", path, options));
}

}  // namespace lossatlas
