#include "core/input_guard.h"

#include <stdexcept>

namespace lossatlas {

InputGuard::Lent InputGuard::Lend(const std::vector<at::Tensor>& inputs, InputUse use) const {
  Lent out{inputs, {}};
  const bool copies = use != InputUse::kNone && writes_ != false;
  for (at::Tensor& tensor : out.tensors) {
    if (copies) tensor = tensor.clone();
    out.versions.push_back(tensor._version());
  }
  return out;
}

void InputGuard::TakeBack(const Lent& lent, InputUse use) {
  bool writes = false;
  for (size_t i = 0; i < lent.tensors.size(); ++i)
    writes = writes || lent.tensors[i]._version() != lent.versions[i];
  if (writes && (use == InputUse::kNone || writes_ == false)) {
    throw std::runtime_error(
        "it writes to its input in some passes and not in others, so that the data are not what they were. "
        "Let it work on a copy (x = x.clone())");
  }
  if (writes || (use == InputUse::kWhole && !writes_)) writes_ = writes;
}

}  // namespace lossatlas
