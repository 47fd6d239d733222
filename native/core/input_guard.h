// The inputs of a batch, which stay as they are though the model may write to its own.
#pragma once
#include <optional>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// What a pass does with them.
enum class InputUse {
  kNone,   // it reads none
  kPart,   // it is a part of the forward method, or works on another layout's copies: the rest may write
  kWhole,  // the forward method
};

class InputGuard {
 public:
  struct Lent {
    std::vector<at::Tensor> tensors;
    std::vector<uint32_t> versions;
  };
  // Copies for a model that writes to them, and for one that is not known yet; else the inputs themselves.
  Lent Lend(const std::vector<at::Tensor>& inputs, InputUse use) const;
  // After the pass. Throws std::runtime_error where the inputs themselves were written to.
  void TakeBack(const Lent& lent, InputUse use);

 private:
  std::optional<bool> writes_;  // known after a whole pass
};

}  // namespace lossatlas
