// Which tensor of a model's output the loss is taken of.
#pragma once
#include <cstdint>
#include <string>
#include <variant>

#include "core/torch.h"

namespace lossatlas {

// The first tensor; the item at an index of a tuple or list; the entry of a dictionary.
using OutputChoice = std::variant<std::monostate, int64_t, std::string>;

// Throws ERR_FORWARD that says what the model returns, and how to choose from it.
at::Tensor ChooseOutput(const c10::IValue& output, const OutputChoice& choice);

}  // namespace lossatlas
