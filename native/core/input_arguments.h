// From the tensors of a batch to the arguments that a model's forward wants.
#pragma once
#include <string>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// Tensors in their order, or by `names` where they have some. An argument that is a tuple takes as many
// tensors as it has items, a list takes what the later arguments leave, and a dictionary takes the named
// tensors that no other argument is called by. Optional arguments and those with a default may be left out.
// Throws ERR_FORWARD that says what the model wants and what there is.
std::vector<c10::IValue> ArrangeInputs(const c10::FunctionSchema& schema,
                                       const std::vector<at::Tensor>& tensors,
                                       const std::vector<std::string>& names);

}  // namespace lossatlas
