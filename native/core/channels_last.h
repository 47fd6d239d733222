// Flat vectors in which weights of convolutions lie as these read them, so that no pass has to turn them.
#pragma once
#include <memory>
#include <vector>

#include "core/parameter_layout.h"

namespace lossatlas {

class ChannelsLast {
 public:
  // `which` of the parameters, all of four dimensions, have their channels last.
  ChannelsLast(std::shared_ptr<const ParameterLayout> layout, std::vector<bool> which)
      : layout_(std::move(layout)), which_(std::move(which)) {}

  // A copy of a flat vector, with these parameters turned. Sums of such vectors are turned as well.
  at::Tensor Turn(const at::Tensor& flat) const;
  // The parameters of a turned vector, in their own shapes: views.
  std::vector<at::Tensor> Split(const at::Tensor& turned) const;

 private:
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<bool> which_;
};

}  // namespace lossatlas
