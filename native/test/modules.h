// Modules for the tests, made of a few lines of code and random numbers.
#pragma once
#include <torch/csrc/jit/api/module.h>

#include <string>

#include "core/random.h"

namespace lossatlas {

inline at::Tensor Random(at::IntArrayRef shape, uint64_t seed, c10::ScalarType type = c10::kDouble) {
  return RandomVector(Law::kGaussian, seed, 0, c10::multiply_integers(shape), type).view(shape);
}

// forward(self, x) of these statements, one a line.
inline void DefineForward(torch::jit::Module& module, const std::string& body) {
  std::string code = "def forward(self, x):\n    ";
  for (const char letter : body) code += letter == '\n' ? "\n    " : std::string(1, letter);
  module.define(code + "\n");
}

}  // namespace lossatlas
