// Hessian-vector products of one batch by reverse over reverse: Hv = ∇(gᵀv) (Pearlmutter 1994).
#pragma once
#include "core/curvature_graph.h"

namespace lossatlas {

// The graph of the gradient at θ; each product costs one backward pass through it.
class HessianGraph : public CurvatureGraph {
 public:
  // Throws ERR_NO_DOUBLE_BACKWARD with the operator's name. `buffers` null: the model's own.
  HessianGraph(const Objective& objective, const ParameterSpace& space, const at::Tensor& theta,
               const BufferState* buffers, const Batch& batch);

 protected:
  Tensors Multiply(const Tensors& vector, bool keep) override;
  void Free() override { gradients_ = {}; }

 private:
  Tensors leaves_;
  Dependent gradients_;  // on θ
};

}  // namespace lossatlas
