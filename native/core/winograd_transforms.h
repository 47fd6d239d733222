// What winograd_float_loops.h and winograd_bfloat16_loops.h share, for one instruction set: included by
// winograd_kernels.cc in a namespace for each, after LOSSATLAS_TARGET, LOSSATLAS_INLINE, kLanes and kRows.
// Functions that are inlined into others need the target too: without it the compiler takes their vectors
// apart first.

typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));
typedef int32_t Lanes __attribute__((vector_size(kLanes * sizeof(int32_t))));
typedef uint32_t Words __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint16_t Halves __attribute__((vector_size(kLanes * sizeof(uint16_t))));

LOSSATLAS_INLINE Floats Load(const float* from) {
  Floats out;
  __builtin_memcpy(&out, from, sizeof(out));
  return out;
}
LOSSATLAS_INLINE void Store(float* to, Floats values) { __builtin_memcpy(to, &values, sizeof(values)); }

// bfloat16 is the upper half of a float.
LOSSATLAS_INLINE Floats Load(const c10::BFloat16* from) {
  Halves halves;
  __builtin_memcpy(&halves, from, sizeof(halves));
  return reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
}
// To the nearest bfloat16, ties to even; it is in the upper half, what is in the lower one is rest.
LOSSATLAS_INLINE Words Rounded(Floats values) {
  const Words bits = reinterpret_cast<Words>(values);
  const Words is_nan = reinterpret_cast<Words>(values != values);
  return (is_nan & (bits | 0x400000)) | (~is_nan & (bits + 0x7fff + (bits >> 16 & 1)));
}
LOSSATLAS_INLINE void Store(c10::BFloat16* to, Floats values) {
  const Halves halves = __builtin_convertvector(Rounded(values) >> 16, Halves);
  __builtin_memcpy(to, &halves, sizeof(halves));
}

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

LOSSATLAS_TARGET static void TransformImages(const TileGrid& grid, const Element* images, int64_t channels,
                                             int64_t begin, int64_t end, Element* out,
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
      Element* to = out + PlaceIn(layout, tile - begin, channel);
      for (int64_t i = 0; i < 6; ++i) {
        Floats row[6];
        TransformImage(half + i, 6, row);
        for (int64_t j = 0; j < 6; ++j) Store(to + (6 * i + j) * layout.point_stride, row[j]);
      }
    }
  }
}

// Of as many inputs as lanes: [tap][input], a lane for each output.
using TapSquares = Floats[9][kLanes];
LOSSATLAS_INLINE void ReadTaps(const Taps<Element>& taps, const Element* block, TapSquares& squares) {
  for (int64_t tap = 0; tap < 9; ++tap) {
    const Element* start = block + tap / 3 * taps.down + tap % 3 * taps.across;
    Floats* rows = squares[tap];
    // There are more streams than the processor follows by itself.
    if (taps.out == 1) {
      for (int64_t i = 0; i < kLanes; ++i) {
        rows[i] = Load(start + i * taps.in);
        __builtin_prefetch(start + (i + kLanes) * taps.in);
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
          rows[i][lane] = static_cast<float>(start[i * taps.in + lane * taps.out]);
      }
    }
  }
}

// G w Gᵀ of one of the inputs.
LOSSATLAS_INLINE void TransformSquare(const TapSquares& squares, int64_t input, Floats* out) {
  Floats half[18];
  for (int64_t j = 0; j < 3; ++j) {
    const Floats column[3] = {squares[j][input], squares[3 + j][input], squares[6 + j][input]};
    TransformTaps(column, 1, half + 6 * j);
  }
  for (int64_t i = 0; i < 6; ++i) TransformTaps(half + i, 6, out + 6 * i);
}

LOSSATLAS_TARGET static void WriteOutputs(const TileGrid& grid, const float* m, int64_t point_stride,
                                          int64_t first, int64_t panel, const OutputEnd<Element>& end_of,
                                          int64_t channels, int64_t begin, int64_t end, Element* outputs) {
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
      const Floats bias = end_of.bias == nullptr ? Floats{} : Load(end_of.bias + first + channel);
      const int64_t corner =
          ((place.image * height + place.row) * width + place.column) * channels + first + channel;
      for (int64_t i = 0; i < rows; ++i) {
        Floats row[4];
        TransformProducts(half + i, 4, row);
        for (int64_t j = 0; j < columns; ++j) {
          const int64_t at = corner + (i * width + j) * channels;
          Floats value = row[j] + bias;
          if (end_of.added != nullptr) value += Load(end_of.added + at);
          // NaN stays.
          if (end_of.rectifies) value = value < 0.0f ? Floats{} : value;
          Store(outputs + at, value);
        }
      }
    }
  }
}
