// Products of one batch with a curvature matrix over a space of parameters, from a graph that is kept.
#pragma once
#include <map>
#include <utility>
#include <vector>

#include "core/objective.h"
#include "core/parameter_space.h"
#include "core/recorded_function.h"

namespace lossatlas {

class CurvatureGraph {
 public:
  virtual ~CurvatureGraph() = default;
  CurvatureGraph(const CurvatureGraph&) = delete;
  CurvatureGraph& operator=(const CurvatureGraph&) = delete;

  const ParameterLayout& layout() const { return *layout_; }
  const at::TensorOptions& options() const { return options_; }
  const Evaluation& evaluation() const { return evaluation_; }
  // What the graph keeps alive, and the most that building it took.
  int64_t graph_bytes() const { return graph_bytes_; }
  int64_t peak_bytes() const { return peak_bytes_; }

  // The product with each v of `vectors`, of the loss *sum*. `keep` = false frees the graph on the way; the
  // object is then spent. `batched` runs all vectors in one pass (vmap) where the model's operators allow it.
  // Where there is a recorder, as many vectors as were multiplied several times are so by one recording.
  std::vector<at::Tensor> Apply(const std::vector<at::Tensor>& vectors, bool keep, bool batched);

 protected:
  using Tensors = torch::autograd::variable_list;

  explicit CurvatureGraph(const ParameterSpace& space) : layout_(space.layout()), options_(space.options()) {}

  // One tensor per parameter of the space in, one out; an undefined one is zero. Under vmap too.
  virtual Tensors Multiply(const Tensors& vector, bool keep) = 0;
  // Lets go of the graph.
  virtual void Free() = 0;

  std::shared_ptr<const ParameterLayout> layout_;
  at::TensorOptions options_;
  Evaluation evaluation_;
  int64_t graph_bytes_ = 0;
  int64_t peak_bytes_ = 0;

 private:
  std::vector<at::Tensor> Compute(const std::vector<at::Tensor>& vectors, bool keep, bool batched);
  std::vector<at::Tensor> ApplyBatched(const std::vector<at::Tensor>& vectors);

  bool can_batch_ = true;
  bool has_batched_ = false;
  std::map<std::pair<size_t, bool>, RecordedFunction> recorded_;  // by the number of vectors, and `batched`
};

// Of one tensor per parameter those that depend on what is differentiated next, with their places in the
// layout; the others have a zero derivative.
class Dependent {
 public:
  Dependent() = default;
  explicit Dependent(const torch::autograd::variable_list& tensors);

  bool empty() const { return tensors_.empty(); }
  const torch::autograd::variable_list& tensors() const { return tensors_; }
  // The same places of another list.
  torch::autograd::variable_list Select(const torch::autograd::variable_list& all) const;

 private:
  torch::autograd::variable_list tensors_;
  std::vector<size_t> places_;
};

// Leaves at θ over the whole model, those of the space first-class citizens of autograd and the others
// constants.
struct SpaceLeaves {
  std::vector<at::Tensor> all;     // per parameter of the model
  std::vector<at::Tensor> chosen;  // per parameter of the space
};
// The leaves keep θ alive and unchanged: the caller's tensor may be written to later.
SpaceLeaves MakeSpaceLeaves(const Model& model, const ParameterSpace& space, const at::Tensor& theta);

}  // namespace lossatlas
