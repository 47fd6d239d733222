// The loops of winograd_kernels.h for one instruction set: included by winograd_kernels.cc once for each, in
// a namespace of its own, which defines LOSSATLAS_TARGET, kLanes and kRows. Functions that are inlined into
// others need the target too: without it the compiler takes their vectors apart first.

#define LOSSATLAS_INLINE LOSSATLAS_TARGET static inline __attribute__((always_inline))

typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t Lanes __attribute__((vector_size(kLanes * sizeof(int32_t))));

LOSSATLAS_INLINE Floats Load(const float* from) {
  Floats out;
  __builtin_memcpy(&out, from, sizeof(out));
  return out;
}
LOSSATLAS_INLINE void Store(float* to, Floats values) { __builtin_memcpy(to, &values, sizeof(values)); }

// Bᵀ d, of values `step` apart.
LOSSATLAS_INLINE void TransformImage(const Floats* d, int64_t step, Floats* out) {
  const Floats even1 = d[4 * step] - 2.0f * d[2 * step];
  const Floats odd1 = kPoint1 * (d[3 * step] - 2.0f * d[step]);
  const Floats even2 = d[4 * step] - 0.5f * d[2 * step];
  const Floats odd2 = kPoint2 * (d[3 * step] - 0.5f * d[step]);
  out[0] = d[0] - 2.5f * d[2 * step] + d[4 * step];
  out[1] = even1 + odd1;
  out[2] = even1 - odd1;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[5] = d[step] - 2.5f * d[3 * step] + d[5 * step];
}

// G w
LOSSATLAS_INLINE void TransformTaps(const Floats* w, int64_t step, Floats* out) {
  const Floats even1 = kScale1 * (w[0] + 0.5f * w[2 * step]);
  const Floats odd1 = (kScale1 * kPoint1) * w[step];
  const Floats even2 = kScale2 * (w[0] + 2.0f * w[2 * step]);
  const Floats odd2 = (kScale2 * kPoint2) * w[step];
  out[0] = w[0];
  out[1] = even1 + odd1;
  out[2] = even1 - odd1;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[5] = w[2 * step];
}

// Aᵀ m
LOSSATLAS_INLINE void TransformProducts(const Floats* m, int64_t step, Floats* out) {
  const Floats even1 = m[step] + m[2 * step];
  const Floats odd1 = m[step] - m[2 * step];
  const Floats even2 = m[3 * step] + m[4 * step];
  const Floats odd2 = m[3 * step] - m[4 * step];
  out[0] = m[0] + even1 + even2;
  out[1] = kPoint1 * odd1 + kPoint2 * odd2;
  out[2] = 0.5f * even1 + 2.0f * even2;
  out[3] = (0.5f * kPoint1) * odd1 + (2.0f * kPoint2) * odd2 + m[5 * step];
}

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

// A square of as many rows as lanes.
LOSSATLAS_INLINE void Transpose(Floats* rows) {
#pragma GCC unroll 4
  for (int32_t half = 1; half < kLanes; half *= 2) {
    Lanes upper, lower;
    for (int32_t lane = 0; lane < kLanes; ++lane) {
      const bool second = (lane & half) != 0;
      upper[lane] = second ? static_cast<int32_t>(kLanes) + lane - half : lane;
      lower[lane] = second ? static_cast<int32_t>(kLanes) + lane : lane + half;
    }
#pragma GCC unroll 16
    for (int32_t i = 0; i < kLanes; ++i) {
      if ((i & half) != 0) continue;
      const Floats a = rows[i];
      const Floats b = rows[i + half];
      rows[i] = __builtin_shuffle(a, b, upper);
      rows[i + half] = __builtin_shuffle(a, b, lower);
    }
  }
}

struct Place {
  int64_t image, row, column;  // of the tile's first output
};
LOSSATLAS_INLINE Place PlaceOf(const TileGrid& grid, int64_t tile) {
  const int64_t each = grid.down() * grid.across();
  const int64_t within = tile % each;
  return {tile / each, within / grid.across() * TileGrid::kSide, within % grid.across() * TileGrid::kSide};
}

LOSSATLAS_INLINE int64_t PlaceIn(const TileLayout& layout, int64_t tile, int64_t channel) {
  return channel / layout.block * layout.block_stride + tile * layout.block + channel % layout.block;
}

LOSSATLAS_TARGET static void TransformImages(const TileGrid& grid, const float* images, int64_t channels,
                                             int64_t begin, int64_t end, float* out,
                                             const TileLayout& layout) {
  for (int64_t tile = begin; tile < end; ++tile) {
    const Place place = PlaceOf(grid, tile);
    const int64_t top = place.row - grid.pad_height;
    const int64_t left = place.column - grid.pad_width;
    const bool inside = top >= 0 && left >= 0 && top + 6 <= grid.height && left + 6 <= grid.width;
    const int64_t corner = ((place.image * grid.height + top) * grid.width + left) * channels;
    const int64_t row_stride = grid.width * channels;
    for (int64_t channel = 0; channel < channels; channel += kLanes) {
      Floats half[36];
      for (int64_t j = 0; j < 6; ++j) {
        Floats column[6];
        for (int64_t i = 0; i < 6; ++i) {
          const bool there =
              inside || (top + i >= 0 && top + i < grid.height && left + j >= 0 && left + j < grid.width);
          column[i] = there ? Load(images + (corner + i * row_stride + j * channels + channel)) : Floats{};
        }
        TransformImage(column, 1, half + 6 * j);
      }
      float* to = out + PlaceIn(layout, tile - begin, channel);
      for (int64_t i = 0; i < 6; ++i) {
        Floats row[6];
        TransformImage(half + i, 6, row);
        for (int64_t j = 0; j < 6; ++j) Store(to + (6 * i + j) * layout.point_stride, row[j]);
      }
    }
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

// taps[9] of one lane of outputs and one input each.
LOSSATLAS_INLINE void WriteTransformedTaps(const Floats* taps, float* to, int64_t point_stride) {
  Floats half[18];
  for (int64_t j = 0; j < 3; ++j) TransformTaps(taps + j, 3, half + 6 * j);
  for (int64_t i = 0; i < 6; ++i) {
    Floats row[6];
    TransformTaps(half + i, 6, row);
    for (int64_t j = 0; j < 6; ++j) Store(to + (6 * i + j) * point_stride, row[j]);
  }
}

LOSSATLAS_TARGET static void TransformAllTaps(const Taps& taps, int64_t first_out, int64_t panel,
                                              int64_t first_in, int64_t ins, float* out,
                                              int64_t point_stride) {
  const float* from = taps.data + first_out * taps.out + first_in * taps.in;
  for (int64_t out_lane = 0; out_lane < panel; out_lane += kLanes) {
    for (int64_t in = 0; in < ins; in += kLanes) {
      const float* block = from + out_lane * taps.out + in * taps.in;
      Floats squares[9][kLanes];  // [tap][input], a lane for each output
      for (int64_t tap = 0; tap < 9; ++tap) {
        const float* start = block + tap / 3 * taps.down + tap % 3 * taps.across;
        Floats* rows = squares[tap];
        if (taps.out == 1) {
          for (int64_t i = 0; i < kLanes; ++i) {
            rows[i] = Load(start + i * taps.in);
            __builtin_prefetch(start + (i + kLanes) * taps.in);  // more streams than the processor follows
          }
        } else if (taps.in == 1) {
          for (int64_t i = 0; i < kLanes; ++i) {
            rows[i] = Load(start + i * taps.out);
            __builtin_prefetch(start + i * taps.out + kLanes);
          }
          Transpose(rows);
        } else {
          for (int64_t i = 0; i < kLanes; ++i) {
            for (int64_t lane = 0; lane < kLanes; ++lane)
              rows[i][lane] = start[i * taps.in + lane * taps.out];
          }
        }
      }
      for (int64_t i = 0; i < kLanes; ++i) {
        Floats each[9];
        for (int64_t tap = 0; tap < 9; ++tap) each[tap] = squares[tap][i];
        WriteTransformedTaps(each, out + (in + i) * panel + out_lane, point_stride);
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
      const Floats left = Floats{} + a[i * a_row + step * a_step];
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

using RowsFunction = void (*)(int64_t, const float*, int64_t, const float*, float*);
using ColumnsFunction = void (*)(int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t);

// By height less one.
template <int kVectors, bool kFromZero, int... kHeights>
static constexpr std::array<RowsFunction, kRows> RowsTable(std::integer_sequence<int, kHeights...>) {
  return {&MultiplyRows<kHeights + 1, kVectors, kFromZero>...};
}
template <int kVectors, int... kHeights>
static constexpr std::array<ColumnsFunction, kRows> ColumnsTable(std::integer_sequence<int, kHeights...>) {
  return {&MultiplyColumns<kHeights + 1, kVectors>...};
}
using Heights = std::make_integer_sequence<int, kRows>;
static constexpr std::array<RowsFunction, kRows> kMultiply[2][2] = {
    {RowsTable<1, false>(Heights{}), RowsTable<1, true>(Heights{})},
    {RowsTable<2, false>(Heights{}), RowsTable<2, true>(Heights{})}};
static constexpr std::array<ColumnsFunction, kRows> kMultiplyTransposed[2] = {ColumnsTable<1>(Heights{}),
                                                                              ColumnsTable<2>(Heights{})};

static void Multiply(int64_t rows, int64_t depth, int64_t panel, const float* a, int64_t stride,
                     const float* b, float* c, bool adds) {
  const auto& by_height = kMultiply[panel == kLanes ? 0 : 1][adds ? 0 : 1];
  // Blocks of nearly one height: a last one of one row would cost nearly as much as the others.
  const int64_t blocks = (rows + kRows - 1) / kRows;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t from = rows * block / blocks;
    const int64_t to = rows * (block + 1) / blocks;
    by_height[to - from - 1](depth, a + from * stride, stride, b, c + from * panel);
  }
}

static void MultiplyTransposed(int64_t rows, int64_t depth, int64_t panel, const float* a, int64_t a_stride,
                               const float* b, int64_t b_stride, float* c, int64_t c_stride) {
  const auto& by_height = kMultiplyTransposed[panel == kLanes ? 0 : 1];
  const int64_t blocks = (rows + kRows - 1) / kRows;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t from = rows * block / blocks;
    const int64_t to = rows * (block + 1) / blocks;
    by_height[to - from - 1](depth, a + from, a_stride, b, b_stride, c + from * c_stride, c_stride);
  }
}

LOSSATLAS_TARGET static void WriteOutputs(const TileGrid& grid, const float* m, int64_t point_stride,
                                          int64_t first, int64_t panel, const float* bias, int64_t channels,
                                          int64_t begin, int64_t end, float* outputs) {
  const int64_t height = grid.out_height();
  const int64_t width = grid.out_width();
  for (int64_t tile = begin; tile < end; ++tile) {
    const Place place = PlaceOf(grid, tile);
    const int64_t rows = height - place.row < 4 ? height - place.row : 4;
    const int64_t columns = width - place.column < 4 ? width - place.column : 4;
    for (int64_t channel = 0; channel < panel; channel += kLanes) {
      const float* from = m + (tile - begin) * panel + channel;
      Floats half[24];
      for (int64_t j = 0; j < 6; ++j) {
        Floats column[6];
        for (int64_t i = 0; i < 6; ++i) column[i] = Load(from + (6 * i + j) * point_stride);
        TransformProducts(column, 1, half + 4 * j);
      }
      const Floats added = bias == nullptr ? Floats{} : Load(bias + first + channel);
      float* to =
          outputs + ((place.image * height + place.row) * width + place.column) * channels + first + channel;
      for (int64_t i = 0; i < rows; ++i) {
        Floats row[4];
        TransformProducts(half + i, 4, row);
        for (int64_t j = 0; j < columns; ++j) Store(to + (i * width + j) * channels, row[j] + added);
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

static constexpr WinogradKernels kKernels = {
    kLanes,    &TransformImages,    &TransformGradients, &TransformAllTaps,
    &Multiply, &MultiplyTransposed, &WriteOutputs,       &WriteTaps};

#undef LOSSATLAS_INLINE
