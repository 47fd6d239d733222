#include "core/convolution_double_backward.h"

#include <ATen/RedispatchFunctions.h>

#include <optional>

#include "core/double_backward.h"
#include "core/environment.h"
#include "core/layer_gradients.h"
#include "core/winograd_operators.h"

namespace lossatlas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A convolution C(x, w), which is linear in either; transposed ones too.
struct Convolution : torch::CustomClassHolder {
  std::vector<int64_t> stride;
  std::vector<int64_t> padding;
  std::vector<int64_t> dilation;
  bool transposed = false;
  std::vector<int64_t> output_padding;
  int64_t groups = 1;

  at::Tensor Run(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias) const {
    const std::optional<at::Tensor> b = bias.defined() ? std::optional(bias) : std::nullopt;
    return at::convolution(x, w, b, stride, padding, dilation, transposed, output_padding, groups);
  }
  // C of one plus C of the other, where that is one step.
  at::Tensor RunBoth(const WinogradTerm& one, const WinogradTerm& other, const at::Tensor& bias) const {
    return WinogradSum(one, other, bias, stride, padding, dilation, transposed, groups);
  }
  // The gradients of ⟨g, C(x, w) + b⟩.
  LayerGradients Pull(const at::Tensor& g, const at::Tensor& x, const at::Tensor& w,
                      at::OptionalIntArrayRef bias_sizes, GradientMask mask) const {
    return at::convolution_backward(g, x, w, bias_sizes, stride, padding, dilation, transposed,
                                    output_padding, groups, mask);
  }
};

// (g, x, w) -> those of the gradients of ⟨g, C(x, w) + b⟩ that the mask names.
class ConvolutionBackward : public torch::autograd::Function<ConvolutionBackward> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& g, const at::Tensor& x,
                               const at::Tensor& w, at::OptionalIntArrayRef bias_sizes, GradientMask mask,
                               const c10::intrusive_ptr<Convolution>& convolution) {
    context->set_materialize_grads(false);
    // The first layer does without g, one of the largest tensors of a network.
    const bool needs_g = (mask[0] && w.requires_grad()) || (mask[1] && x.requires_grad());
    context->save_for_backward({needs_g ? g : at::Tensor(), x, w});
    context->saved_data["convolution"] = c10::IValue::make_capsule(convolution);
    context->saved_data["output sizes"] = g.sizes();
    return Pack(context, convolution->Pull(g, x, w, bias_sizes, mask), mask);
  }

  // With the cotangents p, q, r of the three gradients, ⟨g, C(p, w) + C(x, q) + r⟩ is differentiated.
  static variable_list backward(AutogradContext* context, variable_list cotangents) {
    const auto convolution =
        c10::static_intrusive_pointer_cast<Convolution>(context->saved_data["convolution"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& g = saved[0];
    const at::Tensor& x = saved[1];
    const at::Tensor& w = saved[2];
    const auto [p, q, r] = Unpack(context, cotangents);

    variable_list out(6);  // one for each argument of forward
    if (context->needs_input_grad(0)) {
      if (p.defined() && q.defined()) out[0] = convolution->RunBoth({x, q}, {p, w}, r);
      const bool is_done = out[0].defined();
      if (q.defined() && !is_done) out[0] = convolution->Run(x, q, r);
      if (p.defined() && !is_done) {
        const at::Tensor term = convolution->Run(p, w, q.defined() ? at::Tensor() : r);
        out[0] = out[0].defined() ? out[0] + term : term;
      }
      if (!out[0].defined() && r.defined()) {
        const std::vector<int64_t> sizes = context->saved_data["output sizes"].toIntVector();
        out[0] = Spread(r, sizes.size()).expand(sizes);
      }
    }
    if (context->needs_input_grad(1) && q.defined())
      out[1] = std::get<0>(convolution->Pull(g, x, q, std::nullopt, {true, false, false}));
    if (context->needs_input_grad(2) && p.defined())
      out[2] = std::get<1>(convolution->Pull(g, p, w, std::nullopt, {false, true, false}));
    return out;
  }
};

LayerGradients Differentiate(c10::DispatchKeySet keys, const at::Tensor& g, const at::Tensor& x,
                             const at::Tensor& w, at::OptionalIntArrayRef bias_sizes, at::IntArrayRef stride,
                             at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                             at::IntArrayRef output_padding, int64_t groups, GradientMask mask) {
  if (!RecordsDoubleBackward()) {
    return at::redispatch::convolution_backward(KeysOfLibtorch(keys), g, x, w, bias_sizes, stride, padding,
                                                dilation, transposed, output_padding, groups, mask);
  }
  const auto convolution = c10::make_intrusive<Convolution>();
  convolution->stride = stride.vec();
  convolution->padding = padding.vec();
  convolution->dilation = dilation.vec();
  convolution->transposed = transposed;
  convolution->output_padding = output_padding.vec();
  convolution->groups = groups;
  return Unpack(ConvolutionBackward::apply(g, x, w, bias_sizes, mask, convolution), mask);
}

}  // namespace

void InstallConvolutionDoubleBackward() {
  if (EnvironmentSays("LOSSATLAS_CONVOLUTION", "libtorch")) return;
  RegisterDoubleBackward("convolution_backward", &Differentiate);
}

}  // namespace lossatlas
