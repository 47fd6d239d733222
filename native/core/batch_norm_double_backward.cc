#include "core/batch_norm_double_backward.h"

#include <ATen/RedispatchFunctions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <optional>
#include <tuple>
#include <vector>

#include "core/double_backward.h"
#include "core/environment.h"
#include "core/torch.h"

namespace lossatlas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Mask = std::array<bool, 3>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;  // of input, weight, bias

// N(x, w) = w (x - mean) / deviation, with the running statistics: linear in w, affine in x.
Gradients Pull(const at::Tensor& g, const at::Tensor& x, const std::optional<at::Tensor>& w,
               const at::Tensor& mean, const at::Tensor& variance, double eps, Mask mask) {
  return at::native_batch_norm_backward(g, x, w, mean, variance, {}, {}, /*train=*/false, eps, mask);
}

// One value a channel, as a factor of images.
at::Tensor Spread(const at::Tensor& channels, int64_t dim) {
  std::vector<int64_t> sizes(static_cast<size_t>(dim), 1);
  sizes[1] = -1;
  return channels.view(sizes);
}

// (g, x, w) -> those of the gradients of ⟨g, N(x, w) + b⟩ that the mask names.
class BatchNormBackward : public torch::autograd::Function<BatchNormBackward> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& g, const at::Tensor& x,
                               const at::Tensor& mean, const at::Tensor& variance,
                               const std::optional<at::Tensor>& w, double eps, Mask mask) {
    context->set_materialize_grads(false);
    context->save_for_backward({g, x, mean, variance, w.value_or(at::Tensor())});
    context->saved_data["eps"] = eps;
    context->saved_data["mask"] = c10::List<bool>({mask[0], mask[1], mask[2]});
    const Gradients gradients = Pull(g, x, w, mean, variance, eps, mask);
    variable_list out;
    if (mask[0]) out.push_back(std::get<0>(gradients));
    if (mask[1]) out.push_back(std::get<1>(gradients));
    if (mask[2]) out.push_back(std::get<2>(gradients));
    return out;
  }

  // With the cotangents p, q, r of the three gradients, ⟨g, w p / deviation + N(x, q) + r⟩ is differentiated.
  static variable_list backward(AutogradContext* context, variable_list cotangents) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& g = saved[0];
    const at::Tensor& x = saved[1];
    const at::Tensor& mean = saved[2];
    const at::Tensor& variance = saved[3];
    const at::Tensor& w = saved[4];
    const double eps = context->saved_data["eps"].toDouble();
    const c10::List<bool> mask = context->saved_data["mask"].toBoolList();
    size_t next = 0;
    const at::Tensor p = mask[0] ? cotangents[next++] : at::Tensor();
    const at::Tensor q = mask[1] ? cotangents[next++] : at::Tensor();
    const at::Tensor r = mask[2] ? cotangents[next++] : at::Tensor();
    const at::Tensor scale = (variance + eps).rsqrt();

    variable_list out(7);  // one for each argument of forward
    if (context->needs_input_grad(0)) {
      if (q.defined()) {
        const std::optional<at::Tensor> b = r.defined() ? std::optional(r) : std::nullopt;
        out[0] = std::get<0>(at::native_batch_norm(x, q, b, mean, variance, /*training=*/false, 0, eps));
      } else if (r.defined()) {
        out[0] = Spread(r, x.dim()).expand_as(x);
      }
      if (p.defined()) {
        const at::Tensor factor = Spread(w.defined() ? w * scale : scale, x.dim());
        out[0] = out[0].defined() ? at::addcmul(out[0], p, factor) : p * factor;
      }
    }
    if (context->needs_input_grad(1) && q.defined()) out[1] = g * Spread(q * scale, x.dim());
    if (w.defined() && context->needs_input_grad(4) && p.defined())
      out[4] = std::get<1>(Pull(g, p, w, at::zeros_like(mean), variance, eps, {false, true, false}));
    return out;
  }
};

Gradients Differentiate(c10::DispatchKeySet keys, const at::Tensor& g, const at::Tensor& x,
                        const std::optional<at::Tensor>& w, const std::optional<at::Tensor>& mean,
                        const std::optional<at::Tensor>& variance,
                        const std::optional<at::Tensor>& saved_mean,
                        const std::optional<at::Tensor>& saved_scale, bool train, double eps, Mask mask) {
  // Statistics of the batch depend on x; mixed types have rules of their own.
  const bool has_weight = w.has_value() && w->defined();
  const bool is_fixed =
      !train && mean.has_value() && mean->defined() && variance.has_value() && variance->defined();
  const bool fits = is_fixed && mean->scalar_type() == x.scalar_type() &&
                    (!has_weight || w->scalar_type() == x.scalar_type());
  if (!RecordsDoubleBackward() || !fits) {
    return at::redispatch::native_batch_norm_backward(KeysOfLibtorch(keys), g, x, w, mean, variance,
                                                      saved_mean, saved_scale, train, eps, mask);
  }
  const variable_list gradients = BatchNormBackward::apply(g, x, *mean, *variance, w, eps, mask);
  size_t next = 0;
  const at::Tensor of_input = mask[0] ? gradients[next++] : at::Tensor();
  const at::Tensor of_weight = mask[1] ? gradients[next++] : at::Tensor();
  const at::Tensor of_bias = mask[2] ? gradients[next++] : at::Tensor();
  return {of_input, of_weight, of_bias};
}

}  // namespace

void InstallBatchNormDoubleBackward() {
  if (EnvironmentSays("LOSSATLAS_BATCH_NORM", "libtorch")) return;
  RegisterDoubleBackward("native_batch_norm_backward", &Differentiate);
}

}  // namespace lossatlas
