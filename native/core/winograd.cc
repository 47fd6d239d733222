#include "core/winograd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

namespace lossatlas {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// Input channels whose weights are transformed at a time, where that is done on the way.
constexpr int64_t kChunk = 128;

// Narrower layers are bound by memory, and with fewer tiles weights cost more than products.
constexpr int64_t kFewestChannels = 16;
constexpr int64_t kFewestTiles = 16;

// One of the convolutions that are summed.
template <class Element>
struct Term {
  at::Tensor x;  // channels last
  Taps<Element> taps;

  int64_t ins() const { return x.size(1); }
};

template <class Element>
Term<Element> TermOf(const at::Tensor& x, const at::Tensor& w) {
  return {x.contiguous(kChannelsLast),
          {w.const_data_ptr<Element>(), w.stride(0), w.stride(1), w.stride(2), w.stride(3)}};
}

// With the weight of the input's gradient: turned around, its inputs and outputs exchanged.
Term<float> TransposedTermOf(const at::Tensor& g, const at::Tensor& w) {
  const float* last = w.const_data_ptr<float>() + 2 * w.stride(2) + 2 * w.stride(3);
  return {g.contiguous(kChannelsLast), {last, w.stride(1), w.stride(0), -w.stride(2), -w.stride(3)}};
}

// A sum of convolutions: sizes and places.
template <class Element>
struct Job {
  const WinogradLoops<Element>& kernels;
  TileGrid grid;
  std::vector<Term<Element>> terms;
  OutputEnd<Element> end;
  at::Tensor out;
  int64_t outs;
  int64_t panel;

  int64_t panels() const { return outs / panel; }
};

// Transforms of the terms' images, one term after the other.
struct ImageLayouts {
  std::vector<TileLayout> layouts;
  std::vector<int64_t> offsets;
  int64_t size = 0;
};

// Of so many tiles; in blocks of so many channels, 0 for all of them.
template <class Element>
ImageLayouts LayOutImages(const Job<Element>& job, int64_t tiles, int64_t block) {
  ImageLayouts out;
  for (const Term<Element>& term : job.terms) {
    out.offsets.push_back(out.size);
    out.layouts.push_back(LayOut<Element>(tiles, term.ins(), block == 0 ? term.ins() : block));
    out.size += SizeOf(out.layouts.back());
  }
  return out;
}

// Of the tiles from begin to end, the first of which is at `first` of the layouts.
template <class Element>
void TransformImages(const Job<Element>& job, const ImageLayouts& layouts, int64_t begin, int64_t end,
                     int64_t first, Element* images) {
  for (size_t i = 0; i < job.terms.size(); ++i) {
    const Term<Element>& term = job.terms[i];
    const TileLayout& layout = layouts.layouts[i];
    job.kernels.transform_images(job.grid, term.x.template const_data_ptr<Element>(), term.ins(), begin, end,
                                 images + layouts.offsets[i] + first * layout.block, layout);
  }
}

template <class Element>
void WriteOutputs(const Job<Element>& job, const float* products, int64_t point_stride, int64_t panel,
                  int64_t begin, int64_t end) {
  job.kernels.write_outputs(job.grid, products, point_stride, panel * job.panel, job.panel, job.end, job.outs,
                            begin, end, job.out.template data_ptr<Element>());
}

// Every block of tiles by itself, with weights that are transformed once.
template <class Element>
void ConvolveByTiles(const Job<Element>& job) {
  const WinogradLoops<Element>& kernels = job.kernels;
  std::vector<int64_t> offsets;  // of the terms' weights in those of a panel
  int64_t panel_size = 0;
  for (const Term<Element>& term : job.terms) {
    offsets.push_back(panel_size);
    panel_size += kWinogradPoints * PointStride<Element>(term.ins() * job.panel);
  }
  const Scratch<Element> weights(job.panels() * panel_size, 1);
  Element* const taps = weights.data();
  at::parallel_for(0, job.panels(), 1, [&](int64_t from, int64_t to) {
    for (int64_t panel = from; panel < to; ++panel) {
      for (size_t i = 0; i < job.terms.size(); ++i) {
        const Term<Element>& term = job.terms[i];
        kernels.transform_taps(term.taps, panel * job.panel, job.panel, 0, term.ins(),
                               taps + panel * panel_size + offsets[i],
                               PointStride<Element>(term.ins() * job.panel));
      }
    }
  });

  const ImageLayouts layouts = LayOutImages(job, kTileBlock, 0);
  const int64_t product_stride = PointStride<float>(kTileBlock * job.panel);
  const Scratch<float> sums(kWinogradPoints * product_stride);
  const Scratch<Element> transformed(layouts.size);
  const int64_t tiles = job.grid.tiles();
  at::parallel_for(0, (tiles + kTileBlock - 1) / kTileBlock, 1, [&](int64_t from, int64_t to) {
    float* const products = sums.OfThread();
    Element* const images = transformed.OfThread();
    for (int64_t block = from; block < to; ++block) {
      const int64_t begin = block * kTileBlock;
      const int64_t end = std::min(begin + kTileBlock, tiles);
      TransformImages(job, layouts, begin, end, 0, images);
      for (int64_t panel = 0; panel < job.panels(); ++panel) {
        for (size_t i = 0; i < job.terms.size(); ++i) {
          const int64_t ins = job.terms[i].ins();
          const Element* left = images + layouts.offsets[i];
          const Element* right = taps + panel * panel_size + offsets[i];
          for (int64_t point = 0; point < kWinogradPoints; ++point) {
            kernels.multiply(end - begin, ins, job.panel, left + point * layouts.layouts[i].point_stride, ins,
                             right + point * PointStride<Element>(ins * job.panel),
                             products + point * product_stride,
                             /*adds=*/i > 0);
          }
        }
        WriteOutputs(job, products, product_stride, panel, begin, end);
      }
    }
  });
}

// Every panel of output channels by itself, which transforms its weights on the way.
template <class Element>
void ConvolveByChannels(const Job<Element>& job) {
  const WinogradLoops<Element>& kernels = job.kernels;
  const int64_t tiles = job.grid.tiles();
  const int64_t group = std::min(kTileGroup, tiles);
  const ImageLayouts layouts = LayOutImages(job, group, kChunk);
  const int64_t tap_stride = PointStride<Element>(kChunk * job.panel);
  const int64_t product_stride = PointStride<float>(group * job.panel);
  const Scratch<Element> transformed(layouts.size, 1);
  Element* const images = transformed.data();
  const Scratch<Element> weights(kWinogradPoints * tap_stride);
  const Scratch<float> sums(kWinogradPoints * product_stride);
  for (int64_t begin = 0; begin < tiles; begin += group) {
    const int64_t end = std::min(begin + group, tiles);
    constexpr int64_t kGrain = 4;
    at::parallel_for(begin, end, kGrain, [&](int64_t from, int64_t to) {
      TransformImages(job, layouts, from, to, from - begin, images);
    });
    at::parallel_for(0, job.panels(), 1, [&](int64_t from, int64_t to) {
      Element* const taps = weights.OfThread();
      float* const products = sums.OfThread();
      for (int64_t panel = from; panel < to; ++panel) {
        for (size_t i = 0; i < job.terms.size(); ++i) {
          const Term<Element>& term = job.terms[i];
          const TileLayout& layout = layouts.layouts[i];
          for (int64_t first = 0; first < term.ins(); first += kChunk) {
            const int64_t depth = std::min(kChunk, term.ins() - first);
            const Element* left = images + layouts.offsets[i] + first / kChunk * layout.block_stride;
            kernels.transform_taps(term.taps, panel * job.panel, job.panel, first, depth, taps, tap_stride);
            for (int64_t point = 0; point < kWinogradPoints; ++point) {
              kernels.multiply(end - begin, depth, job.panel, left + point * layout.point_stride, kChunk,
                               taps + point * tap_stride, products + point * product_stride,
                               /*adds=*/i > 0 || first > 0);
            }
          }
        }
        WriteOutputs(job, products, product_stride, panel, begin, end);
      }
    });
  }
}

template <class Element>
at::Tensor Convolve(const WinogradLoops<Element>& kernels, std::vector<Term<Element>> terms, int64_t outs,
                    const at::Tensor& bias, WinogradPadding padding, const WinogradEnd& end) {
  const at::Tensor& x = terms.front().x;
  const TileGrid grid = GridOf(x, padding);
  const at::Tensor biases = bias.defined() ? bias.to(c10::kFloat).contiguous() : bias;
  const at::Tensor out = at::empty({grid.images, outs, grid.out_height(), grid.out_width()},
                                   x.options().memory_format(kChannelsLast));
  int64_t taps = 0;
  for (const Term<Element>& term : terms) taps += kWinogradPoints * term.ins() * outs;
  const Job<Element> job{kernels,
                         grid,
                         std::move(terms),
                         {bias.defined() ? biases.const_data_ptr<float>() : nullptr,
                          end.added.defined() ? end.added.const_data_ptr<Element>() : nullptr, end.rectifies},
                         out,
                         outs,
                         PanelOf(kernels.lanes, outs)};
  taps <= kKeptTaps ? ConvolveByTiles(job) : ConvolveByChannels(job);
  return out;
}

template <class Element>
at::Tensor ConvolveAll(const WinogradLoops<Element>& kernels, const std::vector<WinogradTerm>& terms,
                       const at::Tensor& bias, WinogradPadding padding, const WinogradEnd& end) {
  std::vector<Term<Element>> all;
  for (const WinogradTerm& term : terms) all.push_back(TermOf<Element>(term.x, term.w));
  return Convolve(kernels, std::move(all), terms.front().w.size(0), bias, padding, end);
}

// Channels that a vector has; 0 where there are no kernels.
int64_t LanesOf(const WinogradKernels& kernels, c10::ScalarType type) {
  const auto lanes = [](const auto* loops) { return loops == nullptr ? 0 : loops->lanes; };
  if (type == c10::kFloat) return lanes(kernels.single);
  if (type == c10::kBFloat16) return lanes(kernels.half);
  return 0;
}

// One value for all dimensions or one for each, and each holds.
template <class Holds>
bool AllOfTwo(at::IntArrayRef values, const Holds& holds) {
  return (values.size() == 1 || values.size() == 2) && std::ranges::all_of(values, holds);
}

}  // namespace

bool SuitsWinograd(const WinogradKernels& kernels, const at::Tensor& x, const at::Tensor& w,
                   at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                   int64_t groups) {
  // Tensors of vmap have no memory of their own.
  if (transposed || groups != 1 || !x.has_storage() || !w.has_storage()) return false;
  if (x.dim() != 4 || w.dim() != 4 || w.size(2) != 3 || w.size(3) != 3) return false;
  if (!x.device().is_cpu() || x.scalar_type() != w.scalar_type()) return false;
  const auto is_one = [](int64_t value) { return value == 1; };
  // The input's gradient is a convolution whose padding is two less this.
  const auto fits = [](int64_t value) { return value >= 0 && value <= 2; };
  if (!AllOfTwo(stride, is_one) || !AllOfTwo(dilation, is_one) || !AllOfTwo(padding, fits)) return false;
  if (x.size(1) != w.size(1) || !x.is_contiguous(kChannelsLast)) return false;
  const int64_t lanes = LanesOf(kernels, x.scalar_type());
  if (lanes == 0) return false;
  const auto is_wide = [&](int64_t channels) { return channels >= kFewestChannels && channels % lanes == 0; };
  if (!is_wide(w.size(0)) || !is_wide(w.size(1))) return false;
  const TileGrid grid = GridOf(x, PaddingOf(padding));
  if (grid.out_height() < 1 || grid.out_width() < 1 || grid.tiles() < kFewestTiles) return false;
  // Tiles beyond the images' edges are computed for nothing: at most half of the products may be left.
  const int64_t products = grid.images * grid.out_height() * grid.out_width() * 9;
  return 2 * grid.tiles() * kWinogradPoints <= products;
}

at::Tensor WinogradConvolve(const WinogradKernels& kernels, const std::vector<WinogradTerm>& terms,
                            const at::Tensor& bias, WinogradPadding padding, const WinogradEnd& end) {
  const bool is_float = terms.front().x.scalar_type() == c10::kFloat;
  return is_float ? ConvolveAll(*kernels.single, terms, bias, padding, end)
                  : ConvolveAll(*kernels.half, terms, bias, padding, end);
}

at::Tensor WinogradInputGradient(const WinogradKernels& kernels, const at::Tensor& g, const at::Tensor& w,
                                 WinogradPadding padding) {
  return Convolve(*kernels.single, std::vector{TransposedTermOf(g, w)}, w.size(1), {},
                  {2 - padding[0], 2 - padding[1]}, {});
}

}  // namespace lossatlas
