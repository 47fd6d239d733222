// Where transforms lie in memory, for winograd.cc and winograd_gradient.cc.
#pragma once
#include <ATen/Parallel.h>

#include <array>

#include "core/torch.h"
#include "core/winograd_kernels.h"

namespace lossatlas {

using WinogradPadding = std::array<int64_t, 2>;

// Tiles of a block: its transforms stay in a core's cache.
constexpr int64_t kTileBlock = 28;
// Transformed weights up to these stay in a cache beside them, and every block reads them all.
constexpr int64_t kKeptTaps = int64_t{5} << 17;
// Larger ones meet tiles by the hundred at least.
constexpr int64_t kTileGroup = 128;

// From point to point of transforms that have so many numbers each: an odd number of cache lines, or all
// points of a tile would fall into one set of the cache.
template <class Element>
int64_t PointStride(int64_t numbers) {
  constexpr int64_t kLine = 64 / sizeof(Element);
  return ((numbers + kLine - 1) / kLine | 1) * kLine;
}

// So many tiles of so many channels, in blocks of channels.
template <class Element>
TileLayout LayOut(int64_t tiles, int64_t channels, int64_t block) {
  const int64_t blocks = (channels + block - 1) / block;
  return {block, tiles * block, PointStride<Element>(blocks * tiles * block)};
}
inline int64_t SizeOf(const TileLayout& layout) { return kWinogradPoints * layout.point_stride; }

inline int64_t PanelOf(int64_t lanes, int64_t channels) {
  return channels % (2 * lanes) == 0 ? 2 * lanes : lanes;
}

// Of a convolution's list, one for all or one a dimension.
inline WinogradPadding PaddingOf(at::IntArrayRef padding) { return {padding.front(), padding.back()}; }

inline TileGrid GridOf(const at::Tensor& x, WinogradPadding padding) {
  return {x.size(0), x.size(2), x.size(3), padding[0], padding[1]};
}

// So many numbers for each thread of a parallel loop; from outside of it, where memory is cached and metered.
template <class Element>
class Scratch {
 public:
  explicit Scratch(int64_t numbers, int64_t threads = at::get_num_threads())
      : numbers_(numbers),
        memory_(at::empty({threads * numbers}, at::dtype(c10::CppTypeToScalarType<Element>::value))),
        data_(memory_.data_ptr<Element>()) {}
  Element* OfThread() const { return data_ + at::get_thread_num() * numbers_; }
  Element* data() const { return data_; }

 private:
  int64_t numbers_;
  at::Tensor memory_;
  Element* data_;
};

}  // namespace lossatlas
