#include "core/scripted_function.h"

#include "core/error.h"
#include "core/failure.h"
#include "core/torchscript_file.h"
#include "core/traced_mode.h"

namespace lossatlas {

ScriptedFunction::ScriptedFunction(std::string what, std::string path, at::TensorOptions options)
    : what_(std::move(what)), path_(std::move(path)) {
  module_ = LoadTorchScript(path_, options.device(), what_);
  try {
    module_.to(c10::typeMetaToScalarType(options.dtype()));
    module_.eval();
    FindFixedModes(module_);  // which refuses calls that multiply without end
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(code::kModelLoad, "The " + what_ + " '" + path_ + "' cannot be used: " + FirstLine(e.what()));
  }
}

c10::IValue ScriptedFunction::Call(const at::Tensor& output, const Batch& batch) const {
  try {
    std::vector<c10::IValue> inputs{output};
    if (batch.target()) inputs.emplace_back(*batch.target());
    return module_.forward(std::move(inputs));
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(code::kCriterion, "The " + what_ + " '" + path_ + "' failed: " + LastLine(e.what()) +
                                      ". It is called with (output, target), or (output) where the data has "
                                      "no target.");
  }
}

}  // namespace lossatlas
