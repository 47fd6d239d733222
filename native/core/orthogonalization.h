// Gram–Schmidt against many rows at memory speed, with float64 accumulation.
#pragma once
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// The first `count` rows of matrices of n columns, one after the other.
struct Rows {
  const std::vector<at::Tensor>& blocks;
  int64_t count;
};

struct Orthogonalized {
  std::vector<double> overlaps;  // with each row: what was taken out
  double start = 0;              // norm of the vector
  double norm = 0;               // and of what is left of it
};

// Into `rest`, which is not the vector's memory: the vector without its part in the span of the orthonormal
// rows; to unit length where `normalizes` and there is something left. There is a second pass where the first
// takes out more than half of the squared norm (Daniel, Gragg, Kaufman and Stewart 1976, with their η =
// 1/√2), which suffices unless what is left is noise; on a GPU always, so that the host waits once. On the
// CPU the sums do not depend on the number of threads.
Orthogonalized Orthogonalize(const Rows& rows, const at::Tensor& vector, at::Tensor rest, bool normalizes);

// By libtorch's operators, without waiting for the device: takes the rows' part out of `rest` in place,
// twice. Gives ‖rest‖² before, the overlaps that each pass took out, and ‖rest‖² after, as parts of one
// vector.
std::vector<at::Tensor> SubtractRows(const Rows& rows, at::Tensor& rest);
// That vector on the host; of `width` overlaps a pass, the first `count`.
Orthogonalized ReadOverlaps(const at::Tensor& values, int64_t width, int64_t count);

}  // namespace lossatlas
