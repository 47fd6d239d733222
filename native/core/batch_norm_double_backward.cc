#include "core/batch_norm_double_backward.h"

#include <ATen/RedispatchFunctions.h>

#include <optional>

#include "core/double_backward.h"
#include "core/environment.h"
#include "core/layer_gradients.h"

namespace lossatlas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// N(x, w) = w (x - mean) / deviation, with the running statistics: linear in w, affine in x.
LayerGradients Pull(const at::Tensor& g, const at::Tensor& x, const std::optional<at::Tensor>& w,
                    const at::Tensor& mean, const at::Tensor& variance, double eps, GradientMask mask) {
  // Empty: what a forward pass saved would go before the running statistics on a GPU.
  const at::Tensor none = at::empty({0}, mean.options());
  return at::native_batch_norm_backward(g, x, w, mean, variance, none, none, /*train=*/false, eps, mask);
}

// (g, x, w) -> those of the gradients of ⟨g, N(x, w) + b⟩ that the mask names.
class BatchNormBackward : public torch::autograd::Function<BatchNormBackward> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& g, const at::Tensor& x,
                               const std::optional<at::Tensor>& w, const at::Tensor& mean,
                               const at::Tensor& variance, double eps, GradientMask mask) {
    context->set_materialize_grads(false);
    context->save_for_backward({g, x, w.value_or(at::Tensor()), mean, variance});
    context->saved_data["eps"] = eps;
    return Pack(context, Pull(g, x, w, mean, variance, eps, mask), mask);
  }

  // With the cotangents p, q, r of the three gradients, ⟨g, w p / deviation + N(x, q) + r⟩ is differentiated.
  static variable_list backward(AutogradContext* context, variable_list cotangents) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& g = saved[0];
    const at::Tensor& x = saved[1];
    const at::Tensor& w = saved[2];
    const at::Tensor& mean = saved[3];
    const at::Tensor& variance = saved[4];
    const double eps = context->saved_data["eps"].toDouble();
    const auto [p, q, r] = Unpack(context, cotangents);
    const size_t dimensions = static_cast<size_t>(x.dim());
    const at::Tensor scale = (variance + eps).rsqrt();

    variable_list out(7);  // one for each argument of forward
    if (context->needs_input_grad(0)) {
      if (q.defined()) {
        const std::optional<at::Tensor> b = r.defined() ? std::optional(r) : std::nullopt;
        out[0] = std::get<0>(at::native_batch_norm(x, q, b, mean, variance, /*training=*/false, 0, eps));
      } else if (r.defined()) {
        out[0] = Spread(r, dimensions).expand_as(x);
      }
      if (p.defined()) {
        const at::Tensor factor = Spread(w.defined() ? w * scale : scale, dimensions);
        out[0] = out[0].defined() ? at::addcmul(out[0], p, factor) : p * factor;
      }
    }
    if (context->needs_input_grad(1) && q.defined()) out[1] = g * Spread(q * scale, dimensions);
    if (w.defined() && context->needs_input_grad(2) && p.defined())
      out[2] = std::get<1>(Pull(g, p, w, at::zeros_like(mean), variance, eps, {false, true, false}));
    return out;
  }
};

// Half precision, mixed or not, has rules of its own.
bool HaveOneType(const at::Tensor& x, const std::optional<at::Tensor>& w,
                 const std::optional<at::Tensor>& mean, const std::optional<at::Tensor>& variance) {
  const c10::ScalarType type = x.scalar_type();
  const auto has_type = [type](const std::optional<at::Tensor>& tensor) {
    return tensor.has_value() && tensor->defined() && tensor->scalar_type() == type;
  };
  const bool has_weight = w.has_value() && w->defined();
  return (type == c10::kFloat || type == c10::kDouble) && has_type(mean) && has_type(variance) &&
         (!has_weight || has_type(w));
}

LayerGradients Differentiate(c10::DispatchKeySet keys, const at::Tensor& g, const at::Tensor& x,
                             const std::optional<at::Tensor>& w, const std::optional<at::Tensor>& mean,
                             const std::optional<at::Tensor>& variance,
                             const std::optional<at::Tensor>& saved_mean,
                             const std::optional<at::Tensor>& saved_scale, bool train, double eps,
                             GradientMask mask) {
  if (!RecordsDoubleBackward() || train || !HaveOneType(x, w, mean, variance)) {
    return at::redispatch::native_batch_norm_backward(KeysOfLibtorch(keys), g, x, w, mean, variance,
                                                      saved_mean, saved_scale, train, eps, mask);
  }
  return Unpack(BatchNormBackward::apply(g, x, w, *mean, *variance, eps, mask), mask);
}

}  // namespace

void InstallBatchNormDoubleBackward() {
  if (EnvironmentSays("LOSSATLAS_BATCH_NORM", "libtorch")) return;
  RegisterDoubleBackward("native_batch_norm_backward", &Differentiate);
}

}  // namespace lossatlas
