#include "core/curvature_product.h"

#include <ATen/LegacyVmapMode.h>

#include "core/error.h"
#include "core/memory_meter.h"
#include "core/scoped_state.h"

namespace lossatlas {
namespace {

// RAII: operators see the batch dimension of at::_add_batch_dim.
class ScopedVmap {
 public:
  ScopedVmap() : level_(at::impl::VmapMode::increment_nesting()) {}
  ~ScopedVmap() { at::impl::VmapMode::decrement_nesting(); }
  ScopedVmap(const ScopedVmap&) = delete;
  ScopedVmap& operator=(const ScopedVmap&) = delete;
  int64_t level() const { return level_; }

 private:
  int64_t level_;
};

}  // namespace

GradientGraph::GradientGraph(const Objective& objective, const at::Tensor& theta, const BufferState* buffers,
                             const Batch& batch)
    : layout_(objective.model->layout()), options_(theta.options()) {
  // The graph keeps θ alive and unchanged: the caller's tensor may be written to later.
  leaves_ = MakeLeaves(*layout_, theta.clone(), true);
  const MemoryMeter meter;
  const ScopedState state(*objective.model, leaves_, objective.mode, TensorsOf(buffers));
  const LossTerms terms = RunLoss(objective, batch);
  evaluation_ = ReadTerms(terms);
  if (terms.sum.requires_grad()) {
    const torch::autograd::variable_list gradients = torch::autograd::grad(
        {terms.sum}, leaves_, {}, /*retain_graph=*/true, /*create_graph=*/true, /*allow_unused=*/true);
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined() || !gradients[i].requires_grad()) continue;
      gradients_.push_back(gradients[i]);
      places_.push_back(i);
    }
  }
  graph_bytes_ = meter.live_bytes();
}

std::vector<at::Tensor> GradientGraph::Apply(const std::vector<at::Tensor>& vectors, bool keep,
                                             bool batched) {
  if (batched && keep && vectors.size() > 1 && !gradients_.empty()) {
    try {
      return ApplyBatched(vectors);
    } catch (const c10::Error&) {
      // An operator without a batching rule; one after the other works, or says what is wrong.
    }
  }
  std::vector<at::Tensor> products;
  products.reserve(vectors.size());
  for (size_t i = 0; i < vectors.size(); ++i)
    products.push_back(ApplyOne(vectors[i], keep || i + 1 < vectors.size()));
  if (!keep) gradients_.clear();
  return products;
}

at::Tensor GradientGraph::ApplyOne(const at::Tensor& vector, bool keep) {
  if (gradients_.empty()) return at::zeros({layout_->size()}, options_);
  const std::vector<at::Tensor> parts = layout_->Split(vector);
  torch::autograd::variable_list seeds;
  seeds.reserve(places_.size());
  for (size_t place : places_) seeds.push_back(parts[place]);
  const torch::autograd::variable_list products =
      torch::autograd::grad(gradients_, leaves_, seeds, keep, /*create_graph=*/false, /*allow_unused=*/true);
  at::NoGradGuard no_grad;
  return layout_->Join(products, options_);
}

std::vector<at::Tensor> GradientGraph::ApplyBatched(const std::vector<at::Tensor>& vectors) {
  const int64_t count = static_cast<int64_t>(vectors.size());
  const at::Tensor block = at::stack(vectors);  // [k, n]
  torch::autograd::variable_list products;
  {
    const ScopedVmap vmap;
    torch::autograd::variable_list seeds;
    const std::vector<ParameterInfo>& infos = layout_->parameters();
    for (size_t place : places_) {
      std::vector<int64_t> shape = infos[place].shape;
      shape.insert(shape.begin(), count);
      const at::Tensor part = block.narrow(1, infos[place].offset, infos[place].numel).reshape(shape);
      seeds.push_back(at::_add_batch_dim(part, 0, vmap.level()));
    }
    products = torch::autograd::grad(gradients_, leaves_, seeds, /*retain_graph=*/true,
                                     /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t i = 0; i < products.size(); ++i) {
      if (products[i].defined()) products[i] = at::_remove_batch_dim(products[i], vmap.level(), count, 0);
    }
  }
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < products.size(); ++i) {
    parts.push_back(products[i].defined() ? products[i].reshape({count, -1})
                                          : at::zeros({count, layout_->parameters()[i].numel}, options_));
  }
  const at::Tensor joined = at::cat(parts, 1);
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(joined[i].contiguous());
  return out;
}

}  // namespace lossatlas
