// TorchScript archives, read by libtorch.
#pragma once
#include <string>

#include "core/torch.h"

namespace lossatlas {

// `what` is for messages: "model", "loss". Throws ERR_MODEL_LOAD, also of operators that reach beyond the
// process.
torch::jit::Module LoadTorchScript(const std::string& path, c10::Device device, const std::string& what);

// Throws ERR_MODEL_LOAD, which names them, where a method or function of the module has operators that touch
// files, other processes or memory by its address: a file that somebody else made could have them.
void RefuseReachingOperators(const torch::jit::Module& module);

}  // namespace lossatlas
