// How much of what points share may be kept.
#pragma once
#include "core/batch.h"

namespace lossatlas {

// By one instance, of all batches together.
inline constexpr int64_t kMostKeptBytes = int64_t{2} << 30;

// Whether `bytes` of this batch fit with those of all batches before it, if they are all like it. That
// depends on nothing that changes from call to call, so that points have the same bits in whatever company
// they are computed.
inline bool FitsAmongKept(int64_t bytes, const Batch& batch) {
  const double samples = static_cast<double>(batch.first_sample() + batch.num_samples());
  const double all = static_cast<double>(bytes) * samples / static_cast<double>(batch.num_samples());
  return all <= static_cast<double>(kMostKeptBytes);
}

}  // namespace lossatlas
