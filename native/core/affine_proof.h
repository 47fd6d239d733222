// Where the curvature of a network's output vanishes on the diagonal: diag H = diag GGN then.
#pragma once
#include <string>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// Whether `output` is piecewise affine in each of `leaves` taken alone, with the other leaves held fixed: no
// second derivative with respect to one entry then. Read off the graph that computed it, so it holds for this
// very computation: the branches that were taken, the mode that BatchNorm was in, tied parameters as the one
// leaf that they are. Every operator on the way must be known to be piecewise linear, or linear in each of
// several factors that have no leaf in common. Empty where that is proven; else what stands against it, in
// words that follow "The network is not proven to be affine in each parameter: ". `ends_in_log_softmax`: a
// last log_softmax belongs to the loss.
std::string FindNonAffine(const at::Tensor& output, const std::vector<at::Tensor>& leaves,
                          const std::vector<std::string>& names, bool ends_in_log_softmax);

}  // namespace lossatlas
