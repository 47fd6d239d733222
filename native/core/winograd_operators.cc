#include "core/winograd_operators.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/convolution_backward_native.h>
#include <ATen/ops/convolution_native.h>

#include <optional>

#include "core/double_backward.h"
#include "core/layer_gradients.h"
#include "core/winograd_gradient.h"

namespace lossatlas {
namespace {

thread_local ScopedWinograd::Use* in_use = nullptr;

// Whether the bias is one that libtorch would take.
bool Fits(const at::Tensor& bias, const at::Tensor& x, const at::Tensor& w) {
  if (!bias.defined()) return true;
  return bias.has_storage() && bias.dim() == 1 && bias.size(0) == w.size(0) &&
         bias.scalar_type() == x.scalar_type() && bias.device().is_cpu();
}

// Whether g has the type and sizes of C(x, w) in float32.
bool IsLikeOutput(const at::Tensor& g, const at::Tensor& x, const at::Tensor& w, WinogradPadding padding) {
  if (!g.has_storage() || !g.device().is_cpu() || g.scalar_type() != c10::kFloat) return false;
  const TileGrid grid = GridOf(x, padding);
  return g.sizes() == at::IntArrayRef({grid.images, w.size(0), grid.out_height(), grid.out_width()});
}

// Whether both are in bfloat16, whose products are taken in float32.
bool AreWidened(const at::Tensor& x, const at::Tensor& w) {
  return in_use != nullptr && in_use->kernels.widens_half && x.scalar_type() == c10::kBFloat16 &&
         w.scalar_type() == c10::kBFloat16 && x.device().is_cpu() && w.device().is_cpu();
}

at::Tensor Convolution(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias,
                       at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                       bool transposed, at::IntArrayRef output_padding, int64_t groups) {
  const at::Tensor added = bias.value_or(at::Tensor());
  if (AreWidened(x, w)) {
    const auto widened = [](const at::Tensor& tensor) { return tensor.to(c10::kFloat); };
    const std::optional<at::Tensor> wide_bias =
        added.defined() ? std::optional(widened(added)) : std::nullopt;
    return at::convolution(widened(x), widened(w), wide_bias, stride, padding, dilation, transposed,
                           output_padding, groups)
        .to(c10::kBFloat16);
  }
  if (in_use != nullptr && Fits(added, x, w) &&
      SuitsWinograd(in_use->kernels, x, w, stride, padding, dilation, transposed, groups)) {
    in_use->filtered = true;
    return WinogradConvolve(in_use->kernels, {{x, w}}, added, PaddingOf(padding));
  }
  return at::native::convolution(x, w, bias, stride, padding, dilation, transposed, output_padding, groups);
}

LayerGradients ConvolutionBackward(const at::Tensor& g, const at::Tensor& x, const at::Tensor& w,
                                   at::OptionalIntArrayRef bias_sizes, at::IntArrayRef stride,
                                   at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                                   at::IntArrayRef output_padding, int64_t groups, GradientMask mask) {
  const bool takes = in_use != nullptr && x.scalar_type() == c10::kFloat &&
                     SuitsWinograd(in_use->kernels, x, w, stride, padding, dilation, transposed, groups) &&
                     IsLikeOutput(g, x, w, PaddingOf(padding));
  if (!takes) {
    return at::native::convolution_backward(g, x, w, bias_sizes, stride, padding, dilation, transposed,
                                            output_padding, groups, mask);
  }
  in_use->filtered = true;
  const WinogradKernels& kernels = in_use->kernels;
  LayerGradients out;
  if (mask[0]) std::get<0>(out) = WinogradInputGradient(kernels, g, w, PaddingOf(padding));
  if (mask[1]) std::get<1>(out) = WinogradWeightGradient(kernels, g, x, PaddingOf(padding));
  if (mask[2]) std::get<2>(out) = g.sum({0, 2, 3});
  return out;
}

}  // namespace

ScopedWinograd::ScopedWinograd(bool in_bfloat16) : use_{FindWinogradKernels(in_bfloat16)}, outer_(in_use) {
  in_use = &use_;
}
ScopedWinograd::~ScopedWinograd() { in_use = outer_; }

at::Tensor WinogradSum(const WinogradTerm& one, const WinogradTerm& other, const at::Tensor& bias,
                       at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                       bool transposed, int64_t groups) {
  // It records nothing for autograd.
  if (in_use == nullptr || at::GradMode::is_enabled()) return {};
  for (const WinogradTerm& term : {one, other}) {
    if (!SuitsWinograd(in_use->kernels, term.x, term.w, stride, padding, dilation, transposed, groups))
      return {};
  }
  if (one.x.sizes() != other.x.sizes() || one.w.sizes() != other.w.sizes() ||
      one.x.scalar_type() != other.x.scalar_type() || !Fits(bias, one.x, one.w))
    return {};
  in_use->filtered = true;
  return WinogradConvolve(in_use->kernels, {one, other}, bias, PaddingOf(padding));
}

at::Tensor WinogradEnded(const WinogradTerm& term, const at::Tensor& bias, const WinogradEnd& end,
                         at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                         int64_t groups) {
  // It records nothing for autograd, and tensors are those that the caller has.
  if (in_use == nullptr || at::GradMode::is_enabled() || at::autocast::is_autocast_enabled(at::kCPU))
    return {};
  const auto& [x, w] = term;
  if (x.scalar_type() != c10::kFloat || !Fits(bias, x, w) ||
      !SuitsWinograd(in_use->kernels, x, w, stride, padding, dilation, /*transposed=*/false, groups))
    return {};
  const WinogradPadding two = PaddingOf(padding);
  const bool fits = !end.added.defined() || (IsLikeOutput(end.added, x, w, two) &&
                                             end.added.is_contiguous(at::MemoryFormat::ChannelsLast));
  if (!fits) return {};
  in_use->filtered = true;
  return WinogradConvolve(in_use->kernels, {term}, bias, two, end);
}

void InstallWinograd() {
  torch::Library& library = KeptLibrary(c10::DispatchKey::CPU);
  library.impl("convolution", &Convolution);
  library.impl("convolution_backward", &ConvolutionBackward);
}

}  // namespace lossatlas
