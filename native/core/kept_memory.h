// How much of what points share may be kept.
#pragma once
#include <cstdint>
#include <vector>

#include "core/batch.h"

namespace lossatlas {

// What the tensors keep alive: of views all that they are of.
int64_t KeptBytes(const std::vector<at::Tensor>& tensors);

// By one instance, of all batches together.
inline constexpr int64_t kMostKeptBytes = int64_t{2} << 30;

// Whether `bytes` of this batch fit with those of all batches before it, if they are all like it. That
// depends on nothing that changes from call to call, so that points have the same bits in whatever company
// they are computed.
bool FitsAmongKept(int64_t bytes, const Batch& batch);

}  // namespace lossatlas
