#include "core/winograd_gradient.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace lossatlas {
namespace {

// Input channels of a block of a weight.
constexpr int64_t kRowBlock = 64;

// One weight's gradient: sizes and places.
struct GradientJob {
  const WinogradGradientLoops& kernels;
  TileGrid grid;
  at::Tensor x;  // channels last, like g
  at::Tensor g;
  at::Tensor out;  // [K, C, 3, 3], channels last
  int64_t ins;
  int64_t outs;
  int64_t panel;
};

// Sums of tiles for the whole weight, so many at a time; fewer than kFewestParts leave threads without work.
// By sizes alone: the bits of the whole do not depend on threads.
constexpr int64_t kFewestParts = 4;
int64_t NumParts(const GradientJob& job) {
  constexpr int64_t kMost = 16;
  constexpr int64_t kTiles = 4 * kTileBlock;  // of a part, at least
  constexpr int64_t kNumbers = int64_t{1} << 20;
  const int64_t fitting = std::max(kFewestParts, kNumbers / (kWinogradPoints * job.ins * job.outs));
  return std::min({job.grid.tiles() / kTiles, fitting, kMost});
}

void GradientByTiles(const GradientJob& job, int64_t parts) {
  const WinogradGradientLoops& kernels = job.kernels;
  const int64_t tiles = job.grid.tiles();
  const int64_t sum_stride = PointStride<float>(job.ins * job.outs);
  const int64_t part_size = kWinogradPoints * sum_stride;
  const TileLayout of_images = LayOut<float>(kTileBlock, job.ins, job.ins);
  const TileLayout of_gradients = LayOut<float>(kTileBlock, job.outs, job.panel);
  const at::Tensor sums = at::zeros({parts, part_size}, job.out.options());
  float* const all_sums = sums.data_ptr<float>();
  const Scratch<float> scratch(SizeOf(of_images) + SizeOf(of_gradients));
  at::parallel_for(0, parts, 1, [&](int64_t from, int64_t to) {
    float* const images = scratch.OfThread();
    float* const gradients = images + SizeOf(of_images);
    for (int64_t part = from; part < to; ++part) {
      float* const sum = all_sums + part * part_size;
      const int64_t last = tiles * (part + 1) / parts;
      for (int64_t begin = tiles * part / parts; begin < last; begin += kTileBlock) {
        const int64_t end = std::min(begin + kTileBlock, last);
        const int64_t count = end - begin;
        kernels.transform_images(job.grid, job.x.const_data_ptr<float>(), job.ins, begin, end, images,
                                 of_images);
        kernels.transform_gradients(job.grid, job.g.const_data_ptr<float>(), job.outs, begin, end, gradients,
                                    of_gradients);
        for (int64_t point = 0; point < kWinogradPoints; ++point) {
          for (int64_t out = 0; out < job.outs; out += job.panel) {
            kernels.multiply_transposed(
                job.ins, count, job.panel, images + point * of_images.point_stride, job.ins,
                gradients + point * of_gradients.point_stride + out / job.panel * of_gradients.block_stride,
                job.panel, sum + point * sum_stride + out, job.outs);
          }
        }
      }
    }
  });
  at::Tensor sum = sums[0];
  for (int64_t part = 1; part < parts; ++part) sum.add_(sums[part]);
  at::parallel_for(0, job.ins / kernels.lanes, 1, [&](int64_t from, int64_t to) {
    const int64_t first = from * kernels.lanes;
    for (int64_t out = 0; out < job.outs; out += job.panel) {
      kernels.write_taps(all_sums + first * job.outs + out, sum_stride, job.outs, job.panel,
                         (to - from) * kernels.lanes, job.ins, out, first, job.out.data_ptr<float>());
    }
  });
}

// Every block of the weight by itself, over all tiles.
void GradientByChannels(const GradientJob& job) {
  const WinogradGradientLoops& kernels = job.kernels;
  const int64_t tiles = job.grid.tiles();
  // So many that their transforms are as large as the sums, which are read and written once a group.
  const int64_t balanced = 2 * job.ins * job.outs / (job.ins + job.outs);
  const int64_t group = std::min(std::max(balanced, kTileGroup), tiles);
  const int64_t row_blocks = (job.ins + kRowBlock - 1) / kRowBlock;
  const int64_t sum_stride = PointStride<float>(kRowBlock * job.panel);
  const TileLayout of_images = LayOut<float>(group, job.ins, kRowBlock);
  const TileLayout of_gradients = LayOut<float>(group, job.outs, job.panel);
  const int64_t blocks = row_blocks * (job.outs / job.panel);
  const Scratch<float> transformed(SizeOf(of_images) + SizeOf(of_gradients), 1);
  // Sums of the tiles before, where they come in several groups.
  const int64_t sum_size = kWinogradPoints * sum_stride;
  const bool keeps = group < tiles;
  const at::Tensor kept = at::zeros({keeps ? blocks * sum_size : 0}, job.out.options());
  float* const kept_sums = kept.data_ptr<float>();
  const Scratch<float> sums(keeps ? 0 : sum_size);
  for (int64_t begin = 0; begin < tiles; begin += group) {
    const int64_t end = std::min(begin + group, tiles);
    const int64_t count = end - begin;
    float* const images = transformed.data();
    float* const gradients = images + SizeOf(of_images);
    at::parallel_for(begin, end, 4, [&](int64_t from, int64_t to) {
      kernels.transform_images(job.grid, job.x.const_data_ptr<float>(), job.ins, from, to,
                               images + (from - begin) * kRowBlock, of_images);
      kernels.transform_gradients(job.grid, job.g.const_data_ptr<float>(), job.outs, from, to,
                                  gradients + (from - begin) * job.panel, of_gradients);
    });
    at::parallel_for(0, blocks, 1, [&](int64_t from, int64_t to) {
      for (int64_t block = from; block < to; ++block) {
        float* const sum = keeps ? kept_sums + block * sum_size : sums.OfThread();
        if (!keeps) std::fill_n(sum, sum_size, 0.0f);
        const int64_t out = block / row_blocks * job.panel;
        const int64_t in = block % row_blocks * kRowBlock;
        const int64_t rows = std::min(kRowBlock, job.ins - in);
        const float* left = images + in / kRowBlock * of_images.block_stride;
        const float* right = gradients + out / job.panel * of_gradients.block_stride;
        for (int64_t point = 0; point < kWinogradPoints; ++point) {
          kernels.multiply_transposed(rows, count, job.panel, left + point * of_images.point_stride,
                                      kRowBlock, right + point * of_gradients.point_stride, job.panel,
                                      sum + point * sum_stride, job.panel);
        }
        if (end < tiles) continue;
        kernels.write_taps(sum, sum_stride, job.panel, job.panel, rows, job.ins, out, in,
                           job.out.data_ptr<float>());
      }
    });
  }
}

}  // namespace

at::Tensor WinogradWeightGradient(const WinogradKernels& kernels, const at::Tensor& g, const at::Tensor& x,
                                  WinogradPadding padding) {
  const WinogradGradientLoops& loops = *kernels.gradient;
  const int64_t ins = x.size(1);
  const int64_t outs = g.size(1);
  const at::Tensor out =
      at::empty({outs, ins, 3, 3}, x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const GradientJob job{loops,
                        GridOf(x, padding),
                        x.contiguous(at::MemoryFormat::ChannelsLast),
                        g.contiguous(at::MemoryFormat::ChannelsLast),
                        out,
                        ins,
                        outs,
                        PanelOf(loops.lanes, outs)};
  const bool is_small = kWinogradPoints * ins * outs <= kKeptTaps;
  const int64_t parts = is_small ? NumParts(job) : 0;
  parts < kFewestParts ? GradientByChannels(job) : GradientByTiles(job, parts);
  return out;
}

}  // namespace lossatlas
