// The vectors over all of a model's parameters, or over some of them.
#pragma once
#include <memory>
#include <vector>

#include "core/model.h"
#include "core/parameter_vector.h"

namespace lossatlas {

class ParameterSpace {
 public:
  // All parameters of the model.
  explicit ParameterSpace(const Model& model);
  // The parameters at `places` in the model's layout, ascending. ERR_INVALID_ARGUMENT where there is no such
  // place, or none at all.
  ParameterSpace(const Model& model, std::vector<size_t> places);

  const std::shared_ptr<const ParameterLayout>& layout() const { return layout_; }
  // Places of the layout's parameters among the model's.
  const std::vector<size_t>& places() const { return places_; }
  at::TensorOptions options() const { return options_; }
  // ERR_LAYOUT_MISMATCH unless it is a space of this model, or of one with the same parameters.
  void RequireModel(const Model& model) const { whole_->RequireMatch(*model.layout()); }

  // The space's part of a vector over the whole model, and back, with zeros elsewhere.
  at::Tensor Restrict(const ParameterVector& whole) const;
  ParameterVector Embed(const ParameterVector& part) const;

 private:
  std::shared_ptr<const ParameterLayout> whole_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<size_t> places_;
  at::TensorOptions options_;
};

}  // namespace lossatlas
