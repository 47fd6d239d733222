// A TorchScript module (output, target) → value that a user gives as a loss or a metric.
#pragma once
#include <string>

#include "core/batch.h"

namespace lossatlas {

class ScriptedFunction {
 public:
  // On the device, with its floating-point tensors (class weights) in `options`' type, in eval mode.
  // `what` stands before the path in messages: "loss". ERR_MODEL_LOAD.
  ScriptedFunction(std::string what, std::string path, at::TensorOptions options);

  const std::string& path() const { return path_; }
  // (output), where the data has no target. ERR_CRITERION.
  c10::IValue Call(const at::Tensor& output, const Batch& batch) const;

 private:
  std::string what_;
  std::string path_;
  mutable torch::jit::Module module_;
};

}  // namespace lossatlas
