#include "core/curvature_graph.h"

#include <ATen/LegacyVmapMode.h>

#include "core/error.h"

namespace lossatlas {
namespace {

// Of one graph: single vectors and one size of blocks are what analyses multiply.
constexpr size_t kMostRecorded = 4;

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

std::vector<at::Tensor> CurvatureGraph::Apply(const std::vector<at::Tensor>& vectors, bool keep,
                                              bool batched) {
  const std::shared_ptr<Recorder> recorder = keep ? RecorderFor(options_.device()) : nullptr;
  if (recorder == nullptr) {
    recorded_.clear();
    return Compute(vectors, keep, batched);
  }
  const std::pair<size_t, bool> kind{vectors.size(), batched};
  auto found = recorded_.find(kind);
  if (found == recorded_.end()) {
    const auto compute = [this, batched](const std::vector<at::Tensor>& inputs) {
      return Compute(inputs, /*keep=*/true, batched);
    };
    found = recorded_
                .try_emplace(kind, recorded_.size() < kMostRecorded ? recorder : nullptr,
                             c10::typeMetaToScalarType(options_.dtype()), compute)
                .first;
  }
  return found->second(vectors);
}

std::vector<at::Tensor> CurvatureGraph::Compute(const std::vector<at::Tensor>& vectors, bool keep,
                                                bool batched) {
  if (batched && can_batch_ && vectors.size() > 1) {
    try {
      std::vector<at::Tensor> products = ApplyBatched(vectors);
      has_batched_ = true;
      if (!keep) Free();
      return products;
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error&) {
      // Something else is wrong, or cannot be recorded.
      if (has_batched_) throw;
      // An operator without a batching rule; one after the other works, or says what is wrong.
      can_batch_ = false;
    }
  }
  std::vector<at::Tensor> products;
  products.reserve(vectors.size());
  for (size_t i = 0; i < vectors.size(); ++i) {
    const Tensors product = Multiply(layout_->Split(vectors[i]), keep || i + 1 < vectors.size());
    at::NoGradGuard no_grad;
    products.push_back(layout_->Join(product, options_));
  }
  if (!keep) Free();
  return products;
}

std::vector<at::Tensor> CurvatureGraph::ApplyBatched(const std::vector<at::Tensor>& vectors) {
  const int64_t count = static_cast<int64_t>(vectors.size());
  const at::Tensor block = at::stack(vectors);  // [k, n]
  const std::vector<ParameterInfo>& infos = layout_->parameters();
  Tensors products;
  {
    const ScopedVmap vmap;
    Tensors seeds;
    for (const ParameterInfo& info : infos) {
      std::vector<int64_t> shape = info.shape;
      shape.insert(shape.begin(), count);
      const at::Tensor part = block.narrow(1, info.offset, info.numel).reshape(shape);
      seeds.push_back(at::_add_batch_dim(part, 0, vmap.level()));
    }
    products = Multiply(seeds, /*keep=*/true);
    for (at::Tensor& product : products) {
      if (product.defined()) product = at::_remove_batch_dim(product, vmap.level(), count, 0);
    }
  }
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < infos.size(); ++i) {
    parts.push_back(products[i].defined() ? products[i].reshape({count, -1})
                                          : at::zeros({count, infos[i].numel}, options_));
  }
  const at::Tensor joined = at::cat(parts, 1);
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(joined[i].contiguous());
  return out;
}

Dependent::Dependent(const torch::autograd::variable_list& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].defined() || !tensors[i].requires_grad()) continue;
    tensors_.push_back(tensors[i]);
    places_.push_back(i);
  }
}

torch::autograd::variable_list Dependent::Select(const torch::autograd::variable_list& all) const {
  torch::autograd::variable_list out;
  out.reserve(places_.size());
  for (const size_t place : places_) out.push_back(all[place]);
  return out;
}

SpaceLeaves MakeSpaceLeaves(const Model& model, const ParameterSpace& space, const at::Tensor& theta) {
  SpaceLeaves out;
  out.all = MakeLeaves(*model.layout(), theta.clone(), false);
  for (const size_t place : space.places()) {
    out.all[place].requires_grad_(true);
    out.chosen.push_back(out.all[place]);
  }
  return out;
}

}  // namespace lossatlas
