// Inner loops of Winograd's minimal filtering F(4 × 4, 3 × 3), for convolutions over images with
// channels last.
//
// Y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A turns 4 × 4 outputs of one channel pair from 144 products into 36 (Winograd
// 1980, Lavin & Gray 2016, arXiv 1509.09308). It interpolates at 0, ±1/√2, ±√2 and ∞: at the usual 0, ±1,
// ±2 and ∞ it rounds twice as coarsely.
#pragma once
#include <c10/util/BFloat16.h>

#include <cstdint>

namespace lossatlas {

constexpr int64_t kWinogradPoints = 36;  // 6 × 6, a tile and its halo

// Images [images][height][width][channels] of a convolution, and its outputs in tiles of 4 × 4, the last of a
// row or column perhaps in part.
struct TileGrid {
  static constexpr int64_t kSide = 4;

  int64_t images = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t pad_height = 0;
  int64_t pad_width = 0;

  int64_t out_height() const { return height + 2 * pad_height - 2; }
  int64_t out_width() const { return width + 2 * pad_width - 2; }
  int64_t down() const { return (out_height() + kSide - 1) / kSide; }
  int64_t across() const { return (out_width() + kSide - 1) / kSide; }
  int64_t tiles() const { return images * down() * across(); }
};

// A weight [out][in][3][3] anywhere in memory: steps in numbers.
template <class Element>
struct Taps {
  const Element* data = nullptr;
  int64_t out = 0;
  int64_t in = 0;
  int64_t down = 0;
  int64_t across = 0;
};

// What is done to outputs before they are written.
template <class Element>
struct OutputEnd {
  const float* bias = nullptr;     // one a channel; null: none
  const Element* added = nullptr;  // as the outputs lie; null: none
  bool rectifies = false;
};

// How transforms of tiles lie: [point][block of channels][tile][channel within the block], with the steps in
// numbers.
struct TileLayout {
  int64_t block = 0;
  int64_t block_stride = 0;
  int64_t point_stride = 0;
};

// Of one instruction set, for float or c10::BFloat16. Numbers of channels are multiples of `lanes`; what is
// called a panel is `lanes` or twice as many of them.
template <class Element>
struct WinogradLoops {
  int64_t lanes;
  // Bᵀ d B of the tiles from begin to end, the first of which lies at `out`.
  void (*transform_images)(const TileGrid& grid, const Element* images, int64_t channels, int64_t begin,
                           int64_t end, Element* out, const TileLayout& layout);
  // G w Gᵀ of `panel` output channels from first_out on and `ins` input channels from first_in on, as
  // `multiply` reads them: out[point][ins][panel].
  void (*transform_taps)(const Taps<Element>& taps, int64_t first_out, int64_t panel, int64_t first_in,
                         int64_t ins, Element* out, int64_t point_stride);
  // c[rows][panel] = a[rows][depth] · b[depth][panel], or c += that. `stride`: from row to row of a.
  void (*multiply)(int64_t rows, int64_t depth, int64_t panel, const Element* a, int64_t stride,
                   const Element* b, float* c, bool adds);
  // Aᵀ m A of m[point][tile − begin][panel], with what is done to it, into `panel` channels of the outputs
  // from first on.
  void (*write_outputs)(const TileGrid& grid, const float* m, int64_t point_stride, int64_t first,
                        int64_t panel, const OutputEnd<Element>& end_of, int64_t channels, int64_t begin,
                        int64_t end, Element* outputs);
};

// Of the weight's gradient.
struct WinogradGradientLoops {
  int64_t lanes;
  void (*transform_images)(const TileGrid& grid, const float* images, int64_t channels, int64_t begin,
                           int64_t end, float* out, const TileLayout& layout);
  // A g Aᵀ of the outputs' gradients.
  void (*transform_gradients)(const TileGrid& grid, const float* gradients, int64_t channels, int64_t begin,
                              int64_t end, float* out, const TileLayout& layout);
  // c[rows][panel] += aᵀ · b, of a[depth][rows] and b[depth][panel], with the steps from row to row of each.
  void (*multiply_transposed)(int64_t rows, int64_t depth, int64_t panel, const float* a, int64_t a_stride,
                              const float* b, int64_t b_stride, float* c, int64_t c_stride);
  // Gᵀ s G of s[point][rows][panel], with the steps from point to point and from row to row, into a weight's
  // gradient [out][3][3][ins] from its channels first_out and first_in on.
  void (*write_taps)(const float* s, int64_t point_stride, int64_t row_stride, int64_t panel, int64_t rows,
                     int64_t ins, int64_t first_out, int64_t first_in, float* gradient);
};

// What there is on this processor: null for what there is not.
struct WinogradKernels {
  const WinogradLoops<float>* single = nullptr;
  const WinogradGradientLoops* gradient = nullptr;
  const WinogradLoops<c10::BFloat16>* half = nullptr;
  // Products of bfloat16 are faster in float32, where they are exact.
  bool widens_half = false;
};
// None with LOSSATLAS_WINOGRAD=libtorch in the environment; =avx2 takes the narrower vectors, =bfloat16 those
// of bfloat16 where float32 is faster too. What is for bfloat16 where that is asked for.
WinogradKernels FindWinogradKernels(bool in_bfloat16);

}  // namespace lossatlas
