#include "core/pool_rows.h"

#include <algorithm>

#include "core/clones.h"

namespace lossatlas {
namespace {

// Elements that one instruction takes, or a small number of them.
constexpr int64_t kLanes = 16;

// The first of equal ones, and NaN wherever there is one.
template <typename T>
inline T Larger(T a, T b) {
  return b > a || b != b ? b : a;
}

// Of neighbours.
template <typename T>
inline __attribute__((always_inline)) void Halve(const T* __restrict in, T* __restrict out, int64_t n) {
  for (int64_t j = 0; j < n; ++j) out[j] = Larger(in[2 * j], in[2 * j + 1]);
}

// Maxima of rows of n, each of one and the next. Short rows would leave most lanes idle: a row is written
// beyond its end, where the next one, which comes later, belongs; only the last ones are not.
template <typename T>
inline __attribute__((always_inline)) void HalveRows(const T* __restrict in, T* __restrict out,
                                                     int64_t num_rows, int64_t n) {
  const int64_t size = num_rows * n;
  for (int64_t row = 0; row < num_rows; ++row) {
    const T* first = in + 2 * row * n;
    T* to = out + row * n;
    const int64_t whole = (n + kLanes - 1) / kLanes * kLanes;
    if (row * n + whole <= size) {
      for (int64_t j = 0; j < whole; j += kLanes) {
        for (int64_t l = 0; l < kLanes; ++l) to[j + l] = Larger(first[j + l], first[n + j + l]);
      }
    } else {
      for (int64_t j = 0; j < n; ++j) to[j] = Larger(first[j], first[n + j]);
    }
  }
}

template <typename T>
inline __attribute__((always_inline)) void Pool(const T* in, int64_t num_rows, int64_t width, T* scratch,
                                                T* out) {
  const int64_t n = width / 2;
  if (width % 2 == 0) {
    Halve(in, scratch, 2 * num_rows * n);
  } else {
    for (int64_t row = 0; row < 2 * num_rows; ++row) Halve(in + row * width, scratch + row * n, n);
  }
  HalveRows(scratch, out, num_rows, n);
}

// Planes of an even height are one high plane.
PoolShape Stacked(PoolShape shape) {
  return shape.height % 2 == 0 ? PoolShape{1, shape.num_planes * shape.height, shape.width} : shape;
}

}  // namespace

PooledBlocks::PooledBlocks(PoolShape shape, int64_t size) : shape_(Stacked(shape)) {
  const int64_t out_height = shape_.height / 2;
  rows_a_block_ = std::clamp<int64_t>(size / (2 * shape_.width), 1, out_height);
  blocks_a_plane_ = (out_height + rows_a_block_ - 1) / rows_a_block_;
}

PooledBlock PooledBlocks::at(int64_t index) const {
  const int64_t out_height = shape_.height / 2;
  const int64_t plane = index / blocks_a_plane_;
  const int64_t row = (index % blocks_a_plane_) * rows_a_block_;
  const int64_t num_rows = std::min(rows_a_block_, out_height - row);
  return {(plane * shape_.height + 2 * row) * shape_.width, 2 * num_rows * shape_.width,
          (plane * out_height + row) * (shape_.width / 2), num_rows};
}

LOSSATLAS_CLONES void PoolRows(const float* in, int64_t num_rows, int64_t width, float* scratch, float* out) {
  Pool(in, num_rows, width, scratch, out);
}

LOSSATLAS_CLONES void PoolRows(const double* in, int64_t num_rows, int64_t width, double* scratch,
                               double* out) {
  Pool(in, num_rows, width, scratch, out);
}

}  // namespace lossatlas
