#include "core/recording.h"

#include "core/environment.h"
#include "core/error.h"

#ifdef LOSSATLAS_HAS_CUDA_HEADERS
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace lossatlas {

#ifdef LOSSATLAS_HAS_CUDA_HEADERS

namespace {

class CudaGraph : public Recording {
 public:
  CudaGraph(const std::function<at::Tensor(const at::Tensor&)>& compute, const at::Tensor& input)
      : input_(input.clone()) {
    graph_.capture_begin();
    try {
      output_ = compute(input_);
    } catch (...) {
      // The stream must not stay in a recording, which is spoilt and says so.
      try {
        graph_.capture_end();
      } catch (const std::exception&) {
      }
      throw;
    }
    graph_.capture_end();
  }

  at::Tensor Run(const at::Tensor& input) override {
    input_.copy_(input);
    graph_.replay();
    return output_.clone();
  }

 private:
  at::Tensor input_;   // where the graph reads
  at::Tensor output_;  // and writes
  at::cuda::CUDAGraph graph_;
};

}  // namespace

bool CanRecord(c10::Device device) {
  return device.is_cuda() && EnvironmentSays("LOSSATLAS_CUDA_GRAPHS", "1");
}

void UseRecordableStream(c10::Device device) {
  if (!CanRecord(device)) return;
  // Of a thread, and for good: memory belongs to the stream that it was taken on.
  if (c10::cuda::getCurrentCUDAStream(device.index()) != c10::cuda::getDefaultCUDAStream(device.index()))
    return;
  c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()));
}

std::unique_ptr<Recording> Record(const std::function<at::Tensor(const at::Tensor&)>& compute,
                                  const at::Tensor& input) {
  return std::make_unique<CudaGraph>(compute, input);
}

#else

bool CanRecord(c10::Device) { return false; }

void UseRecordableStream(c10::Device) {}

std::unique_ptr<Recording> Record(const std::function<at::Tensor(const at::Tensor&)>&, const at::Tensor&) {
  throw Error(code::kInvalidArgument, "this build found none of CUDA's headers");
}

#endif

}  // namespace lossatlas
