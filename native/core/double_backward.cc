#include "core/double_backward.h"

#include <memory>
#include <vector>

#include "core/torch.h"

namespace lossatlas {
namespace {

// libtorch carries what lies here to the threads that run a backward pass, a GPU's too; a thread_local would
// stay behind.
c10::DebugInfoKind Slot() { return c10::DebugInfoKind::PRODUCER_INFO; }

}  // namespace

ScopedDoubleBackward::ScopedDoubleBackward() : asked_(Slot(), std::make_shared<c10::DebugInfoBase>()) {}

bool RecordsDoubleBackward() {
  return c10::GradMode::is_enabled() && c10::ThreadLocalDebugInfo::get(Slot()) != nullptr;
}

c10::DispatchKeySet KeysOfLibtorch(c10::DispatchKeySet keys) {
  // Its kernel stands behind the key of every backend that has none of its own, and behind this one.
  return keys.remove(c10::DispatchKey::AutogradFunctionality).add(c10::DispatchKey::AutogradOther);
}

torch::Library& KeptLibrary(c10::DispatchKey key) {
  static auto* libraries = new std::vector<std::unique_ptr<torch::Library>>;
  libraries->push_back(
      std::make_unique<torch::Library>(torch::Library::IMPL, "aten", key, __FILE__, __LINE__));
  return *libraries->back();
}

}  // namespace lossatlas
