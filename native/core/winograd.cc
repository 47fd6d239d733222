#include "core/winograd.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/environment.h"
#include "core/winograd_kernels.h"

namespace lossatlas {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// Tiles of a block: its transforms stay in a core's cache.
constexpr int64_t kBlock = 28;
// Transformed weights up to these stay in a cache beside them, and every block reads them all.
constexpr int64_t kKeptFloats = int64_t{5} << 17;
// Larger ones are made where they are needed, for tiles by the hundred, so many input channels at a time.
constexpr int64_t kGroup = 128;
constexpr int64_t kChunk = 128;
constexpr int64_t kRowBlock = 64;

const WinogradKernels* Kernels() {
  static const WinogradKernels* const found =
      EnvironmentSays("LOSSATLAS_WINOGRAD", "libtorch") ? nullptr : FindWinogradKernels();
  return found;
}

TileGrid GridOf(const at::Tensor& x, WinogradPadding padding) {
  return {x.size(0), x.size(2), x.size(3), padding[0], padding[1]};
}

Taps TapsOf(const at::Tensor& w) {
  return {w.const_data_ptr<float>(), w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
}

at::Tensor Scratch(int64_t floats, const at::Tensor& like) { return at::empty({floats}, like.options()); }

// From point to point of transforms that have so many floats each: an odd number of cache lines, or all
// points of a tile would fall into one set of the cache.
int64_t PointStride(int64_t floats) {
  constexpr int64_t kLine = 16;
  return ((floats + kLine - 1) / kLine | 1) * kLine;
}

// So many tiles of so many channels, in blocks.
TileLayout LayOut(int64_t tiles, int64_t channels, int64_t block) {
  const int64_t blocks = (channels + block - 1) / block;
  return {block, tiles * block, PointStride(blocks * tiles * block)};
}

int64_t PanelOf(int64_t channels) {
  const int64_t lanes = Kernels()->lanes;
  return channels % (2 * lanes) == 0 ? 2 * lanes : lanes;
}

// One convolution's sizes and places.
struct Job {
  TileGrid grid;
  std::vector<WinogradTerm> terms;  // channels last
  const float* bias;
  at::Tensor out;
  int64_t outs;
  int64_t panel;

  int64_t ins(size_t term) const { return terms[term].x.size(1); }
  const float* images(size_t term) const { return terms[term].x.const_data_ptr<float>(); }
  int64_t all_ins() const {
    int64_t sum = 0;
    for (size_t term = 0; term < terms.size(); ++term) sum += ins(term);
    return sum;
  }
};

// Every block of tiles by itself, with weights that are transformed once.
void ConvolveByTiles(const Job& job) {
  const WinogradKernels& kernels = *Kernels();
  int64_t panel_floats = 0;
  for (size_t term = 0; term < job.terms.size(); ++term)
    panel_floats += kWinogradPoints * PointStride(job.ins(term) * job.panel);
  const int64_t panels = job.outs / job.panel;
  const at::Tensor weights = Scratch(panels * panel_floats, job.out);
  float* const taps = weights.data_ptr<float>();
  at::parallel_for(0, panels, 1, [&](int64_t from, int64_t to) {
    for (int64_t panel = from; panel < to; ++panel) {
      float* place = taps + panel * panel_floats;
      for (size_t term = 0; term < job.terms.size(); ++term) {
        const int64_t point_stride = PointStride(job.ins(term) * job.panel);
        kernels.transform_taps(TapsOf(job.terms[term].w), panel * job.panel, job.panel, 0, job.ins(term),
                               place, point_stride);
        place += kWinogradPoints * point_stride;
      }
    }
  });

  const int64_t tiles = job.grid.tiles();
  at::parallel_for(0, (tiles + kBlock - 1) / kBlock, 1, [&](int64_t from, int64_t to) {
    const int64_t product_stride = PointStride(kBlock * job.panel);
    int64_t block_floats = kWinogradPoints * product_stride;
    for (size_t term = 0; term < job.terms.size(); ++term)
      block_floats += kWinogradPoints * LayOut(kBlock, job.ins(term), job.ins(term)).point_stride;
    const at::Tensor scratch = Scratch(block_floats, job.out);
    float* const products = scratch.data_ptr<float>();
    float* const images = products + kWinogradPoints * product_stride;
    for (int64_t block = from; block < to; ++block) {
      const int64_t begin = block * kBlock;
      const int64_t end = std::min(begin + kBlock, tiles);
      const int64_t count = end - begin;
      float* place = images;
      for (size_t term = 0; term < job.terms.size(); ++term) {
        const TileLayout layout = LayOut(kBlock, job.ins(term), job.ins(term));
        kernels.transform_images(job.grid, job.images(term), job.ins(term), begin, end, place, layout);
        place += kWinogradPoints * layout.point_stride;
      }
      for (int64_t panel = 0; panel < panels; ++panel) {
        const float* left = images;
        const float* right = taps + panel * panel_floats;
        for (size_t term = 0; term < job.terms.size(); ++term) {
          const int64_t ins = job.ins(term);
          for (int64_t point = 0; point < kWinogradPoints; ++point) {
            kernels.multiply(count, ins, job.panel, left, ins, right, products + point * product_stride,
                             term > 0);
            left += LayOut(kBlock, ins, ins).point_stride;
            right += PointStride(ins * job.panel);
          }
        }
        kernels.write_outputs(job.grid, products, product_stride, panel * job.panel, job.panel, job.bias,
                              job.outs, begin, end, job.out.data_ptr<float>());
      }
    }
  });
}

// Every panel of output channels by itself, which transforms its weights on the way.
void ConvolveByChannels(const Job& job) {
  const WinogradKernels& kernels = *Kernels();
  const int64_t tiles = job.grid.tiles();
  const int64_t group = std::min(kGroup, tiles);
  int64_t image_floats = 0;
  for (size_t term = 0; term < job.terms.size(); ++term)
    image_floats += kWinogradPoints * LayOut(group, job.ins(term), kChunk).point_stride;
  const at::Tensor transformed = Scratch(image_floats, job.out);
  const int64_t tap_stride = PointStride(kChunk * job.panel);
  const int64_t product_stride = PointStride(group * job.panel);
  for (int64_t begin = 0; begin < tiles; begin += group) {
    const int64_t end = std::min(begin + group, tiles);
    const int64_t count = end - begin;
    float* const images = transformed.data_ptr<float>();
    at::parallel_for(begin, end, 4, [&](int64_t from, int64_t to) {
      float* place = images;
      for (size_t term = 0; term < job.terms.size(); ++term) {
        const int64_t ins = job.ins(term);
        const TileLayout layout = LayOut(group, ins, kChunk);
        kernels.transform_images(job.grid, job.images(term), ins, from, to, place + (from - begin) * kChunk,
                                 layout);
        place += kWinogradPoints * layout.point_stride;
      }
    });
    at::parallel_for(0, job.outs / job.panel, 1, [&](int64_t from, int64_t to) {
      const at::Tensor scratch = Scratch(kWinogradPoints * (tap_stride + product_stride), job.out);
      float* const taps = scratch.data_ptr<float>();
      float* const products = taps + kWinogradPoints * tap_stride;
      for (int64_t panel = from; panel < to; ++panel) {
        const float* place = images;
        for (size_t term = 0; term < job.terms.size(); ++term) {
          const int64_t ins = job.ins(term);
          const TileLayout layout = LayOut(group, ins, kChunk);
          for (int64_t first = 0; first < ins; first += kChunk) {
            const float* left = place + first / kChunk * layout.block_stride;
            const int64_t depth = std::min(kChunk, ins - first);
            kernels.transform_taps(TapsOf(job.terms[term].w), panel * job.panel, job.panel, first, depth,
                                   taps, tap_stride);
            for (int64_t point = 0; point < kWinogradPoints; ++point) {
              kernels.multiply(count, depth, job.panel, left + point * layout.point_stride, kChunk,
                               taps + point * tap_stride, products + point * product_stride,
                               term > 0 || first > 0);
            }
          }
          place += kWinogradPoints * layout.point_stride;
        }
        kernels.write_outputs(job.grid, products, product_stride, panel * job.panel, job.panel, job.bias,
                              job.outs, begin, end, job.out.data_ptr<float>());
      }
    });
  }
}

// One weight's gradient: sizes and places.
struct GradientJob {
  TileGrid grid;
  at::Tensor x;  // channels last, like g
  at::Tensor g;
  at::Tensor out;  // [K, C, 3, 3], channels last
  int64_t ins;
  int64_t outs;
  int64_t panel;
};

// Every thread sums its tiles for the whole weight.
void GradientByTiles(const GradientJob& job) {
  const WinogradKernels& kernels = *Kernels();
  const int64_t tiles = job.grid.tiles();
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const int64_t parts = std::clamp<int64_t>(tiles / kBlock, 1, threads);
  const int64_t sum_stride = PointStride(job.ins * job.outs);
  const TileLayout of_images = LayOut(kBlock, job.ins, job.ins);
  const TileLayout of_gradients = LayOut(kBlock, job.outs, job.panel);
  at::Tensor sums = at::zeros({parts, kWinogradPoints * sum_stride}, job.out.options());
  at::parallel_for(0, parts, 1, [&](int64_t from, int64_t to) {
    const at::Tensor scratch =
        Scratch(kWinogradPoints * (of_images.point_stride + of_gradients.point_stride), job.out);
    float* const images = scratch.data_ptr<float>();
    float* const gradients = images + kWinogradPoints * of_images.point_stride;
    for (int64_t part = from; part < to; ++part) {
      float* const sum = sums[part].data_ptr<float>();
      const int64_t last = tiles * (part + 1) / parts;
      for (int64_t begin = tiles * part / parts; begin < last; begin += kBlock) {
        const int64_t end = std::min(begin + kBlock, last);
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
      kernels.write_taps(sum.const_data_ptr<float>() + first * job.outs + out, sum_stride, job.outs,
                         job.panel, (to - from) * kernels.lanes, job.ins, out, first,
                         job.out.data_ptr<float>());
    }
  });
}

// Every block of the weight by itself, over all tiles.
void GradientByChannels(const GradientJob& job) {
  const WinogradKernels& kernels = *Kernels();
  const int64_t tiles = job.grid.tiles();
  // So many that their transforms are as large as the sums, which are read and written once a group.
  const int64_t balanced = 2 * job.ins * job.outs / (job.ins + job.outs);
  const int64_t group = std::min(std::max(balanced, kGroup), tiles);
  const int64_t row_blocks = (job.ins + kRowBlock - 1) / kRowBlock;
  const int64_t sum_stride = PointStride(kRowBlock * job.panel);
  const TileLayout of_images = LayOut(group, job.ins, kRowBlock);
  const TileLayout of_gradients = LayOut(group, job.outs, job.panel);
  const int64_t blocks = row_blocks * (job.outs / job.panel);
  const at::Tensor transformed =
      Scratch(kWinogradPoints * (of_images.point_stride + of_gradients.point_stride), job.out);
  // Sums of the tiles before, where they come in several groups.
  const at::Tensor kept =
      group < tiles ? at::zeros({blocks, kWinogradPoints * sum_stride}, job.out.options()) : at::Tensor();
  for (int64_t begin = 0; begin < tiles; begin += group) {
    const int64_t end = std::min(begin + group, tiles);
    const int64_t count = end - begin;
    float* const images = transformed.data_ptr<float>();
    float* const gradients = images + kWinogradPoints * of_images.point_stride;
    at::parallel_for(begin, end, 4, [&](int64_t from, int64_t to) {
      kernels.transform_images(job.grid, job.x.const_data_ptr<float>(), job.ins, from, to,
                               images + (from - begin) * kRowBlock, of_images);
      kernels.transform_gradients(job.grid, job.g.const_data_ptr<float>(), job.outs, from, to,
                                  gradients + (from - begin) * job.panel, of_gradients);
    });
    at::parallel_for(0, blocks, 1, [&](int64_t from, int64_t to) {
      for (int64_t block = from; block < to; ++block) {
        const at::Tensor sum =
            kept.defined() ? kept[block] : at::zeros({kWinogradPoints * sum_stride}, job.out.options());
        const int64_t out = block / row_blocks * job.panel;
        const int64_t in = block % row_blocks * kRowBlock;
        const int64_t rows = std::min(kRowBlock, job.ins - in);
        const float* left = images + in / kRowBlock * of_images.block_stride;
        const float* right = gradients + out / job.panel * of_gradients.block_stride;
        for (int64_t point = 0; point < kWinogradPoints; ++point) {
          kernels.multiply_transposed(rows, count, job.panel, left + point * of_images.point_stride,
                                      kRowBlock, right + point * of_gradients.point_stride, job.panel,
                                      sum.data_ptr<float>() + point * sum_stride, job.panel);
        }
        if (end < tiles) continue;
        kernels.write_taps(sum.const_data_ptr<float>(), sum_stride, job.panel, job.panel, rows, job.ins, out,
                           in, job.out.data_ptr<float>());
      }
    });
  }
}

}  // namespace

bool SuitsWinograd(const at::Tensor& x, const at::Tensor& w, at::IntArrayRef stride, at::IntArrayRef padding,
                   at::IntArrayRef dilation, bool transposed, int64_t groups) {
  if (transposed || groups != 1 || Kernels() == nullptr) return false;
  // Tensors of vmap have no memory of their own.
  if (!x.has_storage() || !w.has_storage()) return false;
  if (x.dim() != 4 || w.dim() != 4 || w.size(2) != 3 || w.size(3) != 3) return false;
  if (!x.device().is_cpu() || x.scalar_type() != c10::kFloat || w.scalar_type() != c10::kFloat) return false;
  const auto all = [](at::IntArrayRef values, auto holds) { return std::ranges::all_of(values, holds); };
  const auto is_one = [](int64_t value) { return value == 1; };
  // Of the input's gradient the padding is two less this.
  const auto fits = [](int64_t value) { return value >= 0 && value <= 2; };
  if (!all(stride, is_one) || !all(dilation, is_one) || !all(padding, fits)) return false;
  if (x.size(1) != w.size(1) || !x.is_contiguous(kChannelsLast)) return false;
  const int64_t lanes = Kernels()->lanes;
  const int64_t ins = w.size(1);
  const int64_t outs = w.size(0);
  constexpr int64_t kFewest = 16;
  if (ins < kFewest || outs < kFewest || ins % lanes != 0 || outs % lanes != 0) return false;
  const int64_t pads[2] = {padding[0], padding[padding.size() - 1]};
  const TileGrid grid = GridOf(x, {pads[0], pads[1]});
  const int64_t places = grid.images * grid.out_height() * grid.out_width();
  if (grid.out_height() < 1 || grid.out_width() < 1) return false;
  return grid.tiles() * kWinogradPoints * 2 <= places * 9 && grid.tiles() >= 16;
}

at::Tensor WinogradConvolve(const std::vector<WinogradTerm>& terms, const at::Tensor& bias,
                            WinogradPadding padding) {
  Job job;
  job.grid = GridOf(terms.front().x, padding);
  job.outs = terms.front().w.size(0);
  job.panel = PanelOf(job.outs);
  int64_t taps = 0;
  for (const WinogradTerm& term : terms) {
    job.terms.push_back({term.x.contiguous(kChannelsLast), term.w});
    taps += kWinogradPoints * term.w.size(0) * term.w.size(1);
  }
  const at::Tensor added = bias.defined() ? bias.contiguous() : bias;
  job.bias = bias.defined() ? added.const_data_ptr<float>() : nullptr;
  job.out = at::empty({job.grid.images, job.outs, job.grid.out_height(), job.grid.out_width()},
                      terms.front().x.options().memory_format(kChannelsLast));
  taps <= kKeptFloats ? ConvolveByTiles(job) : ConvolveByChannels(job);
  return job.out;
}

at::Tensor WinogradInputGradient(const at::Tensor& g, const at::Tensor& w, WinogradPadding padding) {
  return WinogradConvolve({{g, w.transpose(0, 1).flip({2, 3})}}, {}, {2 - padding[0], 2 - padding[1]});
}

at::Tensor WinogradWeightGradient(const at::Tensor& g, const at::Tensor& x, WinogradPadding padding) {
  GradientJob job;
  job.x = x.contiguous(kChannelsLast);
  job.g = g.contiguous(kChannelsLast);
  job.grid = GridOf(x, padding);
  job.ins = x.size(1);
  job.outs = g.size(1);
  job.panel = PanelOf(job.outs);
  job.out = at::empty({job.outs, job.ins, 3, 3}, x.options().memory_format(kChannelsLast));
  const bool is_small = kWinogradPoints * job.ins * job.outs <= kKeptFloats;
  is_small ? GradientByTiles(job) : GradientByChannels(job);
  return job.out;
}

}  // namespace lossatlas
