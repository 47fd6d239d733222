// Points of a landscape.
#pragma once
#include <memory>
#include <vector>

#include "core/buffer_state.h"
#include "core/torch.h"

namespace lossatlas {

// Points origin + Σᵢ aᵢ·directionsᵢ, with the running statistics buffers + Σᵢ aᵢ·buffer_directionsᵢ.
struct Subspace {
  at::Tensor origin;
  std::vector<at::Tensor> directions;
  std::shared_ptr<BufferState> buffers;                         // null: the model's own
  std::vector<std::shared_ptr<BufferState>> buffer_directions;  // none, or one a direction
};

}  // namespace lossatlas
