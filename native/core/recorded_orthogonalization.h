// Gram–Schmidt and normalisation as one recording.
#pragma once
#include "core/orthogonalization.h"
#include "core/recorded_function.h"

namespace lossatlas {

class RecordedOrthogonalization {
 public:
  // rows: [capacity, n]; those that are not there yet are zero, so that every step is the same work.
  RecordedOrthogonalization(at::Tensor rows, std::shared_ptr<Recorder> recorder);

  const at::Tensor& rows() const { return rows_; }

  // As Orthogonalize does on a GPU: what is left of the vector, to unit length, becomes row `count`, which
  // counts only if the caller says so. The host waits once.
  Orthogonalized Run(const at::Tensor& vector, int64_t count);

 private:
  at::Tensor rows_;
  RecordedFunction step_;
};

}  // namespace lossatlas
