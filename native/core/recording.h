// Computations on a GPU that are recorded as a CUDA graph: hundreds of small kernels, launched as one.
// Asked for by LOSSATLAS_CUDA_GRAPHS=1 in the environment, in builds that found CUDA's headers.
#pragma once
#include <functional>
#include <memory>

#include "core/torch.h"

namespace lossatlas {

class Recording {
 public:
  virtual ~Recording() = default;
  // What was recorded, of another input of the same shape.
  virtual at::Tensor Run(const at::Tensor& input) = 0;
};

bool CanRecord(c10::Device device);

// To be called on a thread before its first work on the device where that is recorded later: the work goes to
// a stream of the thread's own, since CUDA does not record the default one.
void UseRecordableStream(c10::Device device);

// `compute` must have run several times (three are advised) and must not wait for the device. Throws what it
// throws, and libtorch's error where something cannot be recorded.
std::unique_ptr<Recording> Record(const std::function<at::Tensor(const at::Tensor&)>& compute,
                                  const at::Tensor& input);

}  // namespace lossatlas
