#include "core/torchscript_file.h"

#include <set>

#include "core/error.h"
#include "core/failure.h"

namespace lossatlas {
namespace {

bool Reaches(const torch::jit::Node& node) {
  static const std::set<std::string> kNames = {"aten::from_file", "aten::save"};
  static const std::set<std::string> kSpaces = {"c10d",     "_c10d_functional", "_c10d_functional_autograd",
                                                "symm_mem", "_dtensor",         "rpc",
                                                "inductor", "static_runtime",   "debugprims",
                                                "_test"};
  const std::string kind = node.kind().toQualString();
  return kNames.contains(kind) || kSpaces.contains(kind.substr(0, kind.find("::")));
}

void Collect(const torch::jit::Block& block, std::set<std::string>& found) {
  for (const torch::jit::Node* node : block.nodes()) {
    if (Reaches(*node)) found.insert(node->kind().toQualString());
    for (const torch::jit::Block* inner : node->blocks()) Collect(*inner, found);
  }
}

}  // namespace

torch::jit::Module LoadTorchScript(const std::string& path, c10::Device device, const std::string& what) {
  torch::jit::Module module;
  try {
    // Its notes on the lines of Python's source are pickles, and nothing here needs them.
    module = torch::jit::load(path, device, /*load_debug_files=*/false);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& e) {
    throw Error(code::kModelLoad, "libtorch cannot load the " + what + " '" + path +
                                      "' as TorchScript: " + FirstLine(e.what_without_backtrace()));
  } catch (const std::exception& e) {
    throw Error(code::kModelLoad, "libtorch cannot load the " + what + " '" + path +
                                      "' as TorchScript: " + FirstLine(e.what()));
  }
  RefuseReachingOperators(module);
  return module;
}

void RefuseReachingOperators(const torch::jit::Module& module) {
  std::set<std::string> found;
  for (const torch::jit::Function* function : module._ivalue()->compilation_unit()->get_functions()) {
    const auto* graph = dynamic_cast<const torch::jit::GraphFunction*>(function);
    if (graph != nullptr) Collect(*graph->graph()->block(), found);
  }
  if (found.empty()) return;
  std::string names;
  for (const std::string& name : found) names += (names.empty() ? "" : ", ") + name;
  throw Error(code::kModelLoad,
              "The model uses " + names +
                  ", which reaches files, other processes or memory by its address, and is never run.");
}

}  // namespace lossatlas
