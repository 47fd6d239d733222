#include "core/winograd_operators.h"

#include <ATen/ops/convolution_backward_native.h>
#include <ATen/ops/convolution_native.h>

#include <optional>

#include "core/double_backward.h"
#include "core/layer_gradients.h"
#include "core/winograd.h"
#include "core/winograd_gradient.h"

namespace lossatlas {
namespace {

thread_local bool is_asked_for = false;
thread_local bool in_bfloat16_too = false;

WinogradPadding PaddingOf(at::IntArrayRef padding) { return {padding[0], padding[padding.size() - 1]}; }

at::Tensor Convolution(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias,
                       at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                       bool transposed, at::IntArrayRef output_padding, int64_t groups) {
  if (TakesWinograd(x, w, stride, padding, dilation, transposed, groups))
    return WinogradConvolve({{x, w}}, bias.value_or(at::Tensor()), PaddingOf(padding));
  return at::native::convolution(x, w, bias, stride, padding, dilation, transposed, output_padding, groups);
}

LayerGradients ConvolutionBackward(const at::Tensor& g, const at::Tensor& x, const at::Tensor& w,
                                   at::OptionalIntArrayRef bias_sizes, at::IntArrayRef stride,
                                   at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                                   at::IntArrayRef output_padding, int64_t groups, GradientMask mask) {
  const bool takes =
      x.scalar_type() == c10::kFloat && TakesWinograd(x, w, stride, padding, dilation, transposed, groups);
  if (!takes) {
    return at::native::convolution_backward(g, x, w, bias_sizes, stride, padding, dilation, transposed,
                                            output_padding, groups, mask);
  }
  LayerGradients out;
  if (mask[0]) std::get<0>(out) = WinogradInputGradient(g, w, PaddingOf(padding));
  if (mask[1]) std::get<1>(out) = WinogradWeightGradient(g, x, PaddingOf(padding));
  if (mask[2]) std::get<2>(out) = g.sum({0, 2, 3});
  return out;
}

}  // namespace

ScopedWinograd::ScopedWinograd(bool in_bfloat16) : outer_(is_asked_for), outer_in_bfloat16_(in_bfloat16_too) {
  is_asked_for = true;
  in_bfloat16_too = in_bfloat16;
}
ScopedWinograd::~ScopedWinograd() {
  is_asked_for = outer_;
  in_bfloat16_too = outer_in_bfloat16_;
}

bool TakesWinograd(const at::Tensor& x, const at::Tensor& w, at::IntArrayRef stride, at::IntArrayRef padding,
                   at::IntArrayRef dilation, bool transposed, int64_t groups) {
  return is_asked_for && (in_bfloat16_too || x.scalar_type() == c10::kFloat) &&
         SuitsWinograd(x, w, stride, padding, dilation, transposed, groups);
}

void InstallWinograd() {
  torch::Library& library = KeptLibrary(c10::DispatchKey::CPU);
  library.impl("convolution", &Convolution);
  library.impl("convolution_backward", &ConvolutionBackward);
}

}  // namespace lossatlas
