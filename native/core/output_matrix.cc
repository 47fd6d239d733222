#include "core/output_matrix.h"

#include <cmath>

#include "core/error.h"
#include "core/random.h"

namespace lossatlas {
namespace {

using Kind = Criterion::Kind;

bool IsClassification(const Criterion& criterion) {
  return criterion.kind == Kind::kCrossEntropy || criterion.kind == Kind::kNegativeLogLikelihood;
}

[[noreturn]] void NoLikelihood(const char* what) {
  throw Error(code::kCriterion,
              std::string(what) +
                  " is defined for losses that are negative log-likelihoods of a known distribution "
                  "(cross-entropy, nll, mse, bce-with-logits), not for this one.");
}

class GraphMatrix : public OutputMatrix {
 public:
  GraphMatrix(at::Tensor leaf, at::Tensor gradient)
      : leaf_(std::move(leaf)), gradient_(std::move(gradient)) {}
  at::Tensor Multiply(const at::Tensor& x) const override {
    // A loss that is piecewise linear in its output.
    if (!gradient_.requires_grad()) return at::zeros_like(x);
    return torch::autograd::grad({gradient_}, {leaf_}, {x}, /*retain_graph=*/true)[0];
  }

 private:
  at::Tensor leaf_;
  at::Tensor gradient_;
};

// Dimensions over which one target's outputs run: the classes, or all that belongs to a sample.
std::vector<int64_t> TargetDims(const Criterion& criterion, const at::Tensor& output) {
  if (IsClassification(criterion)) return {1};
  std::vector<int64_t> dims;
  for (int64_t d = 1; d < output.dim(); ++d) dims.push_back(d);
  return dims;
}

class OuterProducts : public OutputMatrix {
 public:
  OuterProducts(std::vector<at::Tensor> gradients, std::vector<int64_t> dims)
      : gradients_(std::move(gradients)), dims_(std::move(dims)) {}
  at::Tensor Multiply(const at::Tensor& x) const override {
    at::Tensor sum;
    for (const at::Tensor& g : gradients_) {
      const at::Tensor overlap = dims_.empty() ? g * x : (g * x).sum(dims_, /*keepdim=*/true);
      const at::Tensor term = g * overlap;
      sum = sum.defined() ? sum + term : term;
    }
    return sum / static_cast<double>(gradients_.size());
  }

 private:
  std::vector<at::Tensor> gradients_;
  std::vector<int64_t> dims_;
};

// 1 where the target counts, 0 where it is ignored, over the classes' dimension; undefined where all count.
at::Tensor CountedMask(const Criterion& criterion, const at::Tensor& output, const Batch& batch) {
  const at::Tensor& target = *batch.target();
  if (!IsClassification(criterion) || target.is_floating_point()) return {};
  return (target != criterion.ignore_index).unsqueeze(1).to(output.scalar_type());
}

at::Tensor Masked(const at::Tensor& x, const at::Tensor& mask) { return mask.defined() ? x * mask : x; }

// Class indices drawn from softmax(output), one per target, on the host: the same on every device.
at::Tensor DrawClasses(const at::Tensor& output, uint64_t seed) {
  const at::Tensor probabilities = at::softmax(output, 1).movedim(1, -1);
  std::vector<int64_t> shape = probabilities.sizes().vec();
  shape.pop_back();
  const at::Tensor cumulative =
      probabilities.reshape({-1, probabilities.size(-1)}).to(c10::kCPU, c10::kDouble).cumsum(1);
  const at::Tensor uniform =
      (RandomVector(Law::kUniform, seed, 0, cumulative.size(0), at::TensorOptions(c10::kDouble)) + 1) / 2;
  const at::Tensor drawn = at::searchsorted(cumulative, uniform.unsqueeze(1)).squeeze(1);
  return drawn.clamp_max(probabilities.size(-1) - 1).reshape(shape).to(output.device());
}

// ∇_z of one target's loss, its answer drawn from the model's own distribution.
at::Tensor SampledGradient(const Criterion& criterion, const at::Tensor& output, uint64_t seed) {
  switch (criterion.kind) {
    case Kind::kCrossEntropy: {
      const at::Tensor drawn = at::one_hot(DrawClasses(output, seed), output.size(1)).movedim(-1, 1);
      return at::softmax(output, 1) - drawn.to(output.scalar_type());
    }
    case Kind::kMeanSquaredError:
      // (z − y)² is the negative log-likelihood of N(z, ½): 2(z − y) = √2·N(0, 1).
      return std::sqrt(2.0) *
             RandomVector(Law::kGaussian, seed, 0, output.numel(), output.options()).view(output.sizes());
    case Kind::kBinaryCrossEntropyWithLogits: {
      const at::Tensor uniform =
          (RandomVector(Law::kUniform, seed, 0, output.numel(), output.options()) + 1) / 2;
      const at::Tensor p = at::sigmoid(output);
      return p - (uniform.view(output.sizes()) < p).to(output.scalar_type());
    }
    default:
      NoLikelihood("The Monte-Carlo Fisher");
  }
}

}  // namespace

Criterion OutputCriterion(const Criterion& criterion, const at::Tensor& output) {
  if (criterion.kind == Kind::kModelOutput) {
    throw Error(
        code::kCriterion,
        "The model returns its loss, so there is no output z to split the loss at: Gauss-Newton and "
        "Fisher matrices need the loss as a criterion ('cross-entropy', 'mse', ...). The Hessian does "
        "not.");
  }
  if (criterion.kind != Kind::kNegativeLogLikelihood) return criterion;
  const at::Tensor total = output.logsumexp(std::vector<int64_t>{1});
  if (!(total.abs().max().item<double>() < 1e-3)) {
    throw Error(code::kCriterion,
                "The loss 'nll' wants log-probabilities, but exp(output) does not sum to 1 over the classes: "
                "end the model in log_softmax, or use 'cross-entropy'.");
  }
  Criterion out = criterion;
  out.kind = Kind::kCrossEntropy;
  return out;
}

std::unique_ptr<OutputMatrix> LossHessian(const Objective& objective, const at::Tensor& output,
                                          const Batch& batch) {
  const Criterion criterion = OutputCriterion(objective.criterion, output);
  const at::Tensor leaf = output.detach().requires_grad_(true);
  const LossTerms terms = ComputeLoss(criterion, leaf, batch);
  const at::Tensor gradient =
      torch::autograd::grad({terms.sum}, {leaf}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  return std::make_unique<GraphMatrix>(leaf, gradient);
}

std::unique_ptr<OutputMatrix> EmpiricalOuterProducts(const Objective& objective, const at::Tensor& output,
                                                     const Batch& batch) {
  const Criterion criterion = OutputCriterion(objective.criterion, output);
  const at::Tensor leaf = output.detach().requires_grad_(true);
  const LossTerms terms = ComputeLoss(criterion, leaf, batch);
  const at::Tensor gradient = torch::autograd::grad({terms.sum}, {leaf})[0];
  return std::make_unique<OuterProducts>(std::vector<at::Tensor>{gradient}, TargetDims(criterion, output));
}

std::unique_ptr<OutputMatrix> SampledOuterProducts(const Objective& objective, const at::Tensor& output,
                                                   const Batch& batch, int64_t num_samples, uint64_t seed) {
  const Criterion criterion = OutputCriterion(objective.criterion, output);
  at::NoGradGuard no_grad;
  const at::Tensor mask = CountedMask(criterion, output, batch);
  std::vector<at::Tensor> gradients;
  for (int64_t k = 0; k < num_samples; ++k) {
    const uint64_t own = StreamSeed(seed, static_cast<uint64_t>(k));
    gradients.push_back(Masked(SampledGradient(criterion, output.detach(), own), mask));
  }
  return std::make_unique<OuterProducts>(std::move(gradients), TargetDims(criterion, output));
}

at::Tensor MultiplyRoot(const Objective& objective, const at::Tensor& output, const Batch& batch,
                        const at::Tensor& v) {
  const Criterion criterion = OutputCriterion(objective.criterion, output);
  at::NoGradGuard no_grad;
  const at::Tensor z = output.detach();
  switch (criterion.kind) {
    case Kind::kCrossEntropy: {
      // diag p − ppᵀ = S·Sᵀ with S = diag √p − p √pᵀ.
      const at::Tensor p = at::softmax(z, 1);
      const at::Tensor root = p.sqrt();
      const at::Tensor product = root * v - p * (root * v).sum(std::vector<int64_t>{1}, /*keepdim=*/true);
      return Masked(product, CountedMask(criterion, z, batch));
    }
    case Kind::kMeanSquaredError:
      return std::sqrt(2.0) * v;
    case Kind::kBinaryCrossEntropyWithLogits: {
      const at::Tensor p = at::sigmoid(z);
      return (p * (1 - p)).sqrt() * v;
    }
    default:
      NoLikelihood("The trace without second derivatives");
  }
}

}  // namespace lossatlas
