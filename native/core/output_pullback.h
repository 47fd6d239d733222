// Gradients of random or single directions of the output: ‖Jᵀ S v‖² gives the trace of the Gauss-Newton
// matrix Jᵀ S Sᵀ J without a second derivative.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/objective.h"
#include "core/parameter_space.h"

namespace lossatlas {

class OutputPullback {
 public:
  // The graph of the model's output z at θ, of one batch. `buffers` null: the model's own. ERR_CRITERION
  // for losses without a known root S.
  OutputPullback(const Objective& objective, const ParameterSpace& space, const at::Tensor& theta,
                 const BufferState* buffers, std::shared_ptr<const Batch> batch);

  const Evaluation& evaluation() const { return evaluation_; }
  // Entries of z.
  int64_t output_size() const { return output_.numel(); }
  int64_t graph_bytes() const { return graph_bytes_; }
  // Why diag H need not be diag GGN, or empty (affine_proof.h).
  const std::string& obstacle() const { return obstacle_; }

  // ‖Jᵀ S v‖² parameter by parameter, of the loss *sum*, for a v of ±1 over samples × outputs: drawn on the
  // host from a stream of the probe and the batch.
  std::vector<double> RandomSquares(uint64_t seed, uint64_t probe) const;
  // Σ ‖Jᵀ S e_i‖² over the unit vectors of the entries [from, from + count) of z: all of them give the trace.
  std::vector<double> UnitSquares(int64_t from, int64_t count) const;

 private:
  void AddSquares(const at::Tensor& v, std::vector<double>& squares) const;

  Objective objective_;
  std::shared_ptr<const Batch> batch_;
  std::vector<at::Tensor> leaves_;
  at::Tensor output_;
  Evaluation evaluation_;
  std::string obstacle_;
  int64_t graph_bytes_ = 0;
};

}  // namespace lossatlas
