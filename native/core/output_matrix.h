// Curvature of the loss with respect to the model's output z: what stands between Jᵀ and J in the
// generalised Gauss-Newton and Fisher matrices (Schraudolph 2002; Martens 2020, arXiv 1412.1193).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/objective.h"

namespace lossatlas {

class OutputMatrix {
 public:
  virtual ~OutputMatrix() = default;
  // The product with x, of z's shape.
  virtual at::Tensor Multiply(const at::Tensor& x) const = 0;
};

// ∂²L/∂z² of the loss sum: exact, by double backward through the loss alone.
std::unique_ptr<OutputMatrix> LossHessian(const Objective& objective, const at::Tensor& output,
                                          const Batch& batch);

// Σ over targets t of ∇ℓ_t ∇ℓ_tᵀ with the data's own targets.
std::unique_ptr<OutputMatrix> EmpiricalOuterProducts(const Objective& objective, const at::Tensor& output,
                                                     const Batch& batch);

// The same with targets drawn from the distribution that the loss stands for (softmax, N(z, ½), Bernoulli),
// mean over `num_samples` draws of `seed`: in expectation the loss Hessian.
std::unique_ptr<OutputMatrix> SampledOuterProducts(const Objective& objective, const at::Tensor& output,
                                                   const Batch& batch, int64_t num_samples, uint64_t seed);

// S v with S·Sᵀ = ∂²L/∂z², block by block of one target. ERR_CRITERION for losses without a known root.
at::Tensor MultiplyRoot(const Objective& objective, const at::Tensor& output, const Batch& batch,
                        const at::Tensor& v);

// The loss with respect to which outputs are curved. Negative log-likelihood is linear in its
// log-probabilities, which are logits as well: cross-entropy then. ERR_CRITERION where the output is no
// log-probability, or where the model returns the loss itself and there is no output to speak of.
Criterion OutputCriterion(const Criterion& criterion, const at::Tensor& output);

}  // namespace lossatlas
