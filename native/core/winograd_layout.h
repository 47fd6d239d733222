// Where transforms lie in memory, for winograd.cc and winograd_gradient.cc.
#pragma once
#include <array>

#include "core/torch.h"
#include "core/winograd_kernels.h"

namespace lossatlas {

using WinogradPadding = std::array<int64_t, 2>;

// Tiles of a block: its transforms stay in a core's cache.
constexpr int64_t kTileBlock = 28;
// Transformed weights up to these stay in a cache beside them, and every block reads them all.
constexpr int64_t kKeptFloats = int64_t{5} << 17;
// Larger ones meet tiles by the hundred at least.
constexpr int64_t kTileGroup = 128;

// From point to point of transforms that have so many floats each: an odd number of cache lines, or all
// points of a tile would fall into one set of the cache.
inline int64_t PointStride(int64_t floats) {
  constexpr int64_t kLine = 16;
  return ((floats + kLine - 1) / kLine | 1) * kLine;
}

// So many tiles of so many channels, in blocks of channels.
inline TileLayout LayOut(int64_t tiles, int64_t channels, int64_t block) {
  const int64_t blocks = (channels + block - 1) / block;
  return {block, tiles * block, PointStride(blocks * tiles * block)};
}
inline int64_t FloatsOf(const TileLayout& layout) { return kWinogradPoints * layout.point_stride; }

inline int64_t PanelOf(const WinogradKernels& kernels, int64_t channels) {
  const int64_t both = 2 * kernels.lanes;
  return channels % both == 0 ? both : kernels.lanes;
}

inline TileGrid GridOf(const at::Tensor& x, WinogradPadding padding) {
  return {x.size(0), x.size(2), x.size(3), padding[0], padding[1]};
}

inline at::Tensor Scratch(int64_t floats, const at::Tensor& like) {
  return at::empty({floats}, like.options());
}

}  // namespace lossatlas
