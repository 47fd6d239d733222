// Hessian-vector products of one batch by reverse over reverse: Hv = ∇(gᵀv).
#pragma once
#include <vector>

#include "core/objective.h"

namespace lossatlas {

// The graph of the gradient at θ, kept so that each product costs one backward pass through it.
class GradientGraph {
 public:
  // Builds the graph of the batch's loss *sum* at θ. Throws ERR_NO_DOUBLE_BACKWARD with the operator's name.
  // `buffers` null: the model's own.
  GradientGraph(const Objective& objective, const at::Tensor& theta, const BufferState* buffers,
                const Batch& batch);

  const ParameterLayout& layout() const { return *layout_; }
  const Evaluation& evaluation() const { return evaluation_; }
  int64_t graph_bytes() const { return graph_bytes_; }

  // H·v for each v of `vectors`, of the loss sum. `keep` = false frees the graph on the way; the object is
  // then spent. `batched` runs all vectors in one pass (vmap) where the model's operators allow it.
  std::vector<at::Tensor> Apply(const std::vector<at::Tensor>& vectors, bool keep, bool batched);

 private:
  at::Tensor ApplyOne(const at::Tensor& vector, bool keep);
  std::vector<at::Tensor> ApplyBatched(const std::vector<at::Tensor>& vectors);

  std::shared_ptr<const ParameterLayout> layout_;
  at::TensorOptions options_;
  std::vector<at::Tensor> leaves_;
  // Entries of the gradient that depend on θ, with their place in the layout; the others have a zero second
  // derivative.
  std::vector<at::Tensor> gradients_;
  std::vector<size_t> places_;
  Evaluation evaluation_;
  int64_t graph_bytes_ = 0;
};

}  // namespace lossatlas
