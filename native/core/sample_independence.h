// Whether a batch may be cut into parts: its loss is then the sum of theirs.
#pragma once
#include "core/objective.h"

namespace lossatlas {

struct SampleIndependence {
  bool independent = false;
  // What the tensors of a forward pass take that is recorded, of one sample.
  int64_t bytes_per_sample = 0;
  // Of the largest of them; 0 where a weight is larger.
  int64_t largest_bytes_per_sample = 0;
};

// Compares the model's output for the first samples with that for the same ones in two parts, and that for
// one sample with its own. False where it fails for parts, or where the loss is not a sum over samples by its
// kind. `buffers` null: the model's own.
SampleIndependence CheckSampleIndependence(const Objective& objective, const at::Tensor& theta,
                                           const BufferState* buffers, const Batch& batch);

}  // namespace lossatlas
