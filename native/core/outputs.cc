#include "core/outputs.h"

#include "core/host_values.h"
#include "core/scoped_state.h"

namespace lossatlas {

Outputs ComputeOutputs(const Objective& objective, const at::Tensor& theta, const BufferState* buffers,
                       const Batch& batch) {
  at::NoGradGuard no_grad;
  const ScopedState state(*objective.model, MakeLeaves(*objective.model->layout(), theta, false),
                          objective.mode, TensorsOf(buffers));
  const at::Tensor output = RunForward(objective, batch);
  return {output.sizes().vec(), HostValues(output)};
}

}  // namespace lossatlas
