// The loops of winograd_kernels.h in float32, after winograd_transforms.h.

// A g
LOSSATLAS_INLINE void TransformGradient(const Floats* g, int64_t step, Floats* out) {
  const Floats even1 = g[0] + 0.5f * g[2 * step];
  const Floats odd1 = kPoint1 * g[step] + (0.5f * kPoint1) * g[3 * step];
  const Floats even2 = g[0] + 2.0f * g[2 * step];
  const Floats odd2 = kPoint2 * g[step] + (2.0f * kPoint2) * g[3 * step];
  out[0] = g[0];
  out[1] = even1 + odd1;
  out[2] = even1 - odd1;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[5] = g[3 * step];
}

// Gᵀ s
LOSSATLAS_INLINE void TransformSums(const Floats* s, int64_t step, Floats* out) {
  const Floats even1 = kScale1 * (s[step] + s[2 * step]);
  const Floats even2 = kScale2 * (s[3 * step] + s[4 * step]);
  out[0] = s[0] + even1 + even2;
  out[1] = (kScale1 * kPoint1) * (s[step] - s[2 * step]) + (kScale2 * kPoint2) * (s[3 * step] - s[4 * step]);
  out[2] = 0.5f * even1 + 2.0f * even2 + s[5 * step];
}

LOSSATLAS_TARGET static void TransformAllTaps(const Taps<float>& taps, int64_t first_out, int64_t panel,
                                              int64_t first_in, int64_t ins, float* out,
                                              int64_t point_stride) {
  const float* from = taps.data + first_out * taps.out + first_in * taps.in;
  for (int64_t lane = 0; lane < panel; lane += kLanes) {
    for (int64_t in = 0; in < ins; in += kLanes) {
      TapSquares squares;
      ReadTaps(taps, from + lane * taps.out + in * taps.in, squares);
      for (int64_t i = 0; i < kLanes; ++i) {
        Floats transformed[kWinogradPoints];
        TransformSquare(squares, i, transformed);
        float* to = out + (in + i) * panel + lane;
        for (int64_t point = 0; point < kWinogradPoints; ++point)
          Store(to + point * point_stride, transformed[point]);
      }
    }
  }
}

// One block of at most kRows rows in registers. a is read at [row · a_row + step · a_step].
template <int kHeight, int kVectors, bool kFromZero>
LOSSATLAS_INLINE void MultiplyBlock(int64_t depth, const float* a, int64_t a_row, int64_t a_step,
                                    const float* b, int64_t b_stride, float* c, int64_t c_stride) {
  Floats sums[kHeight][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kHeight; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) sums[i][j] = Floats{};
  }
  for (int64_t step = 0; step < depth; ++step) {
    Floats right[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) right[j] = Load(b + step * b_stride + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kHeight; ++i) {
      const Floats left = LOSSATLAS_BROADCAST(a[i * a_row + step * a_step]);
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sums[i][j] += left * right[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kHeight; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      float* to = c + i * c_stride + j * kLanes;
      Store(to, kFromZero ? sums[i][j] : Load(to) + sums[i][j]);
    }
  }
}

template <int kHeight, int kVectors, bool kFromZero>
LOSSATLAS_TARGET static void MultiplyRows(int64_t depth, const float* a, int64_t stride, const float* b,
                                          float* c) {
  constexpr int64_t kPanel = kVectors * kLanes;
  MultiplyBlock<kHeight, kVectors, kFromZero>(depth, a, stride, 1, b, kPanel, c, kPanel);
}

template <int kHeight, int kVectors>
LOSSATLAS_TARGET static void MultiplyColumns(int64_t depth, const float* a, int64_t a_stride, const float* b,
                                             int64_t b_stride, float* c, int64_t c_stride) {
  MultiplyBlock<kHeight, kVectors, false>(depth, a, 1, a_stride, b, b_stride, c, c_stride);
}

#include "core/winograd_rows.h"

using ColumnsFunction = void (*)(int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t);

template <int kVectors, int... kHeights>
static constexpr std::array<ColumnsFunction, kRows> ColumnsTable(std::integer_sequence<int, kHeights...>) {
  return {&MultiplyColumns<kHeights + 1, kVectors>...};
}
static constexpr std::array<ColumnsFunction, kRows> kMultiplyTransposed[2] = {ColumnsTable<1>(Heights{}),
                                                                              ColumnsTable<2>(Heights{})};

static void MultiplyTransposed(int64_t rows, int64_t depth, int64_t panel, const float* a, int64_t a_stride,
                               const float* b, int64_t b_stride, float* c, int64_t c_stride) {
  const auto& by_height = kMultiplyTransposed[panel == kLanes ? 0 : 1];
  const int64_t blocks = (rows + kRows - 1) / kRows;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = FirstRow(rows, blocks, block);
    const int64_t height = FirstRow(rows, blocks, block + 1) - first;
    by_height[height - 1](depth, a + first, a_stride, b, b_stride, c + first * c_stride, c_stride);
  }
}

LOSSATLAS_TARGET static void TransformGradients(const TileGrid& grid, const float* gradients,
                                                int64_t channels, int64_t begin, int64_t end, float* out,
                                                const TileLayout& layout) {
  const int64_t height = grid.out_height();
  const int64_t width = grid.out_width();
  for (int64_t tile = begin; tile < end; ++tile) {
    const Place place = PlaceOf(grid, tile);
    const int64_t corner = ((place.image * height + place.row) * width + place.column) * channels;
    for (int64_t channel = 0; channel < channels; channel += kLanes) {
      Floats half[24];
      for (int64_t j = 0; j < 4; ++j) {
        Floats column[4];
        for (int64_t i = 0; i < 4; ++i) {
          const bool there = place.row + i < height && place.column + j < width;
          column[i] = there ? Load(gradients + (corner + (i * width + j) * channels + channel)) : Floats{};
        }
        TransformGradient(column, 1, half + 6 * j);
      }
      float* to = out + PlaceIn(layout, tile - begin, channel);
      for (int64_t i = 0; i < 6; ++i) {
        Floats row[6];
        TransformGradient(half + i, 6, row);
        for (int64_t j = 0; j < 6; ++j) Store(to + (6 * i + j) * layout.point_stride, row[j]);
      }
    }
  }
}

LOSSATLAS_TARGET static void WriteTaps(const float* s, int64_t point_stride, int64_t row_stride,
                                       int64_t panel, int64_t rows, int64_t ins, int64_t first_out,
                                       int64_t first_in, float* gradient) {
  for (int64_t channel = 0; channel < panel; channel += kLanes) {
    for (int64_t in = 0; in < rows; in += kLanes) {
      Floats squares[9][kLanes];  // [tap][input], a lane for each output
      for (int64_t i = 0; i < kLanes; ++i) {
        const float* from = s + (in + i) * row_stride + channel;
        Floats half[18];
        for (int64_t j = 0; j < 6; ++j) {
          Floats column[6];
          for (int64_t k = 0; k < 6; ++k) column[k] = Load(from + (6 * k + j) * point_stride);
          TransformSums(column, 1, half + 3 * j);
        }
        for (int64_t k = 0; k < 3; ++k) {
          Floats row[3];
          TransformSums(half + k, 3, row);
          for (int64_t j = 0; j < 3; ++j) squares[3 * k + j][i] = row[j];
        }
      }
      for (int64_t tap = 0; tap < 9; ++tap) {
        Transpose(squares[tap]);
        for (int64_t i = 0; i < kLanes; ++i)
          Store(gradient + ((first_out + channel + i) * 9 + tap) * ins + first_in + in, squares[tap][i]);
      }
    }
  }
}

static constexpr WinogradLoops<Element> kKernels = {kLanes, &TransformImages, &TransformAllTaps, &Multiply,
                                                    &WriteOutputs};
static constexpr WinogradGradientLoops kGradientKernels = {kLanes, &TransformImages, &TransformGradients,
                                                           &MultiplyTransposed, &WriteTaps};
