// What tracing does to the mode: it writes a constant where BatchNorm and dropout ask for self.training.
#pragma once
#include <set>
#include <string>

#include "core/torch.h"

namespace lossatlas {

// Puts self.training back where tracing wrote a constant. In the forward of PyTorch's own layers that is what
// their source says. A class of the user's may have branched on self.training while it was traced, which
// leaves no mark: the switch is then made only if the caller vouches for it.
void FreeTracedMode(const torch::jit::Module& root, bool vouched);

struct FixedModes {
  // An operator whose mode the graph fixes, by the mode it is fixed to; empty where none.
  std::string eval;
  std::string train;
  bool has_recurrent = false;
  // Operators whose result depends on the mode, or is drawn at random.
  std::set<std::string> impure_operators;
  bool draws = false;  // whether in train mode something is drawn at random
};

// Of the forward method with all that it calls. Throws what libtorch throws where the graph cannot be read.
FixedModes FindFixedModes(const torch::jit::Module& root);

}  // namespace lossatlas
