#include "core/parameter_space.h"

#include <numeric>

#include "core/error.h"

namespace lossatlas {

ParameterSpace::ParameterSpace(const Model& model)
    : whole_(model.layout()),
      layout_(model.layout()),
      places_(model.layout()->parameters().size()),
      options_(model.options()) {
  std::iota(places_.begin(), places_.end(), size_t{0});
}

ParameterSpace::ParameterSpace(const Model& model, std::vector<size_t> places)
    : whole_(model.layout()), places_(std::move(places)), options_(model.options()) {
  std::vector<ParameterInfo> chosen;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] >= whole_->parameters().size() || (i > 0 && places_[i] <= places_[i - 1]))
      throw Error(code::kInvalidArgument, "places must be ascending indices of the model's parameters");
    chosen.push_back(whole_->parameters()[places_[i]]);
  }
  if (chosen.empty()) throw Error(code::kInvalidArgument, "a space needs at least one parameter");
  layout_ = chosen.size() == whole_->parameters().size()
                ? whole_
                : std::make_shared<ParameterLayout>(std::move(chosen));
}

at::Tensor ParameterSpace::Restrict(const ParameterVector& whole) const {
  whole_->RequireMatch(*whole.layout);
  if (layout_ == whole_) return whole.values.clone();
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  for (const size_t place : places_) {
    const ParameterInfo& info = whole_->parameters()[place];
    parts.push_back(whole.values.narrow(0, info.offset, info.numel));
  }
  return at::cat(parts);
}

ParameterVector ParameterSpace::Embed(const ParameterVector& part) const {
  layout_->RequireMatch(*part.layout);
  if (layout_ == whole_) return {whole_, part.values.clone()};
  at::NoGradGuard no_grad;
  const at::Tensor out = at::zeros({whole_->size()}, options_);
  for (size_t i = 0; i < places_.size(); ++i) {
    const ParameterInfo& from = layout_->parameters()[i];
    out.narrow(0, whole_->parameters()[places_[i]].offset, from.numel)
        .copy_(part.values.narrow(0, from.offset, from.numel));
  }
  return {whole_, out};
}

}  // namespace lossatlas
