// Max-pooling over windows of 2 × 2 with stride 2, row by row: for whole tensors, and for blocks of rows that
// were just made.
#pragma once
#include <cstdint>

namespace lossatlas {

// Planes of one tensor, one after the other in memory.
struct PoolShape {
  int64_t num_planes;
  int64_t height;
  int64_t width;
};

// Rows of the result that lie next to each other, and so do the rows that they come from.
struct PooledBlock {
  int64_t in_from;
  int64_t in_size;
  int64_t out_from;
  int64_t num_rows;
};

// Blocks that cover all planes.
class PooledBlocks {
 public:
  // Of about `size` elements to be pooled.
  PooledBlocks(PoolShape shape, int64_t size);

  int64_t count() const { return shape_.num_planes * blocks_a_plane_; }
  PooledBlock at(int64_t index) const;
  // Of the largest.
  int64_t in_size() const { return 2 * rows_a_block_ * shape_.width; }

 private:
  PoolShape shape_;
  int64_t rows_a_block_;
  int64_t blocks_a_plane_;
};

// num_rows rows of width/2 maxima of twice as many rows of `width`, bit for bit libtorch's: the first of
// equal ones, and NaN wherever there is one. `scratch` has as many elements as `in`.
void PoolRows(const float* in, int64_t num_rows, int64_t width, float* scratch, float* out);
void PoolRows(const double* in, int64_t num_rows, int64_t width, double* scratch, double* out);

}  // namespace lossatlas
