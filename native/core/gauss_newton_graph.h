// Products with Jᵀ M J: J is the Jacobian of the model's output, M a matrix over the output.
#pragma once
#include "core/curvature_graph.h"
#include "core/output_matrix.h"

namespace lossatlas {

struct GaussNewtonOptions {
  enum class Kind { kGaussNewton, kEmpiricalFisher, kMonteCarloFisher };
  Kind kind = Kind::kGaussNewton;
  int64_t num_samples = 1;  // Monte-Carlo Fisher: targets drawn per sample
  uint64_t seed = 0;
};
GaussNewtonOptions::Kind ParseGaussNewtonKind(const std::string& name);

// J v is a gradient of Jᵀu with respect to u (reverse over reverse), so that every operator with a second
// derivative will do.
class GaussNewtonGraph : public CurvatureGraph {
 public:
  // Throws ERR_NO_DOUBLE_BACKWARD, ERR_CRITERION. `buffers` null: the model's own.
  GaussNewtonGraph(const Objective& objective, const ParameterSpace& space, const at::Tensor& theta,
                   const BufferState* buffers, const Batch& batch, const GaussNewtonOptions& options);

 protected:
  Tensors Multiply(const Tensors& vector, bool keep) override;
  void Free() override;

 private:
  Tensors leaves_;
  at::Tensor output_;
  at::Tensor dummy_;     // u
  Dependent pullbacks_;  // Jᵀu, on u
  std::unique_ptr<OutputMatrix> middle_;
};

}  // namespace lossatlas
