// The loops of winograd_kernels.h in bfloat16, after winograd_transforms.h: tiles and weights are transformed
// in float32 and rounded, products of two pairs are summed in float32 by one instruction.

// out[point][ins / 2][panel][2]
LOSSATLAS_TARGET static void TransformAllTaps(const Taps<c10::BFloat16>& taps, int64_t first_out,
                                              int64_t panel, int64_t first_in, int64_t ins,
                                              c10::BFloat16* out, int64_t point_stride) {
  const c10::BFloat16* from = taps.data + first_out * taps.out + first_in * taps.in;
  for (int64_t lane = 0; lane < panel; lane += kLanes) {
    for (int64_t in = 0; in < ins; in += kLanes) {
      TapSquares squares;
      ReadTaps(taps, from + lane * taps.out + in * taps.in, squares);
      for (int64_t i = 0; i < kLanes; i += 2) {
        Floats even[kWinogradPoints];
        Floats odd[kWinogradPoints];
        TransformSquare(squares, i, even);
        TransformSquare(squares, i + 1, odd);
        c10::BFloat16* to = out + (in + i) * panel + 2 * lane;
        for (int64_t point = 0; point < kWinogradPoints; ++point) {
          const Words pairs = Rounded(even[point]) >> 16 | (Rounded(odd[point]) & 0xffff0000u);
          __builtin_memcpy(to + point * point_stride, &pairs, sizeof(pairs));
        }
      }
    }
  }
}

template <int kHeight, int kVectors, bool kFromZero>
LOSSATLAS_TARGET static void MultiplyRows(int64_t depth, const c10::BFloat16* a, int64_t stride,
                                          const c10::BFloat16* b, float* c) {
  Floats sums[kHeight][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kHeight; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) sums[i][j] = Floats{};
  }
  for (int64_t step = 0; step < depth; step += 2) {
    Words right[kVectors];
    __builtin_memcpy(right, b + step * kVectors * kLanes, sizeof(right));
#pragma GCC unroll 16
    for (int i = 0; i < kHeight; ++i) {
      uint32_t pair;
      __builtin_memcpy(&pair, a + i * stride + step, sizeof(pair));
      const Words left = Words{} + pair;
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) {
        sums[i][j] = reinterpret_cast<Floats>(
            _mm512_dpbf16_ps(reinterpret_cast<__m512>(sums[i][j]), (__m512bh)left, (__m512bh)right[j]));
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kHeight; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      float* to = c + (i * kVectors + j) * kLanes;
      Store(to, kFromZero ? sums[i][j] : Load(to) + sums[i][j]);
    }
  }
}

#include "core/winograd_rows.h"

static constexpr WinogradLoops<Element> kKernels = {kLanes, &TransformImages, &TransformAllTaps, &Multiply,
                                                    &WriteOutputs};
