#include "core/product_sum.h"

#include <atomic>
#include <map>
#include <mutex>

#include "core/workers.h"

namespace lossatlas {
namespace {

void AddTo(std::vector<at::Tensor>& sums, std::vector<at::Tensor> terms) {
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i].defined()) {
      sums[i].add_(terms[i]);
    } else {
      sums[i] = std::move(terms[i]);
    }
  }
}

// Adds terms in their order, whatever the order in which they come; those that are early wait.
class OrderedSum {
 public:
  explicit OrderedSum(std::vector<at::Tensor>& sums) : sums_(sums) {}

  void Add(size_t place, std::vector<at::Tensor> terms) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(place, std::move(terms));
    for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_;
         first = waiting_.begin(), ++next_) {
      AddTo(sums_, std::move(first->second));
      waiting_.erase(first);
    }
  }

 private:
  std::mutex mutex_;
  std::vector<at::Tensor>& sums_;
  std::map<size_t, std::vector<at::Tensor>> waiting_;
  size_t next_ = 0;
};

}  // namespace

void AddProducts(const std::vector<std::shared_ptr<CurvatureGraph>>& graphs,
                 const std::vector<at::Tensor>& vectors, const ProductOptions& options,
                 std::vector<at::Tensor>& sums) {
  if (options.num_workers == 1) {
    for (const std::shared_ptr<CurvatureGraph>& graph : graphs)
      AddTo(sums, graph->Apply(vectors, options.keep, options.batched));
    return;
  }
  OrderedSum sum(sums);
  std::atomic<size_t> next{0};
  OnWorkers(options.num_workers, [&](int64_t) {
    for (size_t i = next++; i < graphs.size(); i = next++)
      sum.Add(i, graphs[i]->Apply(vectors, options.keep, options.batched));
  });
}

}  // namespace lossatlas
