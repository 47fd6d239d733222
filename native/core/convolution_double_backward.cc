#include "core/convolution_double_backward.h"

#include <ATen/RedispatchFunctions.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <tuple>
#include <vector>

#include "core/torch.h"

namespace lossatlas {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Mask = std::array<bool, 3>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;  // of input, weight, bias

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
  // The gradients of ⟨g, C(x, w) + b⟩.
  Gradients Pull(const at::Tensor& g, const at::Tensor& x, const at::Tensor& w,
                 at::OptionalIntArrayRef bias_sizes, Mask mask) const {
    return at::convolution_backward(g, x, w, bias_sizes, stride, padding, dilation, transposed,
                                    output_padding, groups, mask);
  }
};

// (g, x, w) -> those of the gradients of ⟨g, C(x, w) + b⟩ that the mask names.
class ConvolutionBackward : public torch::autograd::Function<ConvolutionBackward> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& g, const at::Tensor& x,
                               const at::Tensor& w, at::OptionalIntArrayRef bias_sizes, Mask mask,
                               const c10::intrusive_ptr<Convolution>& convolution) {
    context->set_materialize_grads(false);
    // The first layer does without g, one of the largest tensors of a network.
    const bool needs_g = (mask[0] && w.requires_grad()) || (mask[1] && x.requires_grad());
    context->save_for_backward({needs_g ? g : at::Tensor(), x, w});
    context->saved_data["convolution"] = c10::IValue::make_capsule(convolution);
    context->saved_data["mask"] = c10::List<bool>({mask[0], mask[1], mask[2]});
    context->saved_data["output sizes"] = g.sizes();
    const Gradients gradients = convolution->Pull(g, x, w, bias_sizes, mask);
    variable_list out;
    if (mask[0]) out.push_back(std::get<0>(gradients));
    if (mask[1]) out.push_back(std::get<1>(gradients));
    if (mask[2]) out.push_back(std::get<2>(gradients));
    return out;
  }

  // With the cotangents p, q, r of the three gradients, ⟨g, C(p, w) + C(x, q) + r⟩ is differentiated.
  static variable_list backward(AutogradContext* context, variable_list cotangents) {
    const auto convolution =
        c10::static_intrusive_pointer_cast<Convolution>(context->saved_data["convolution"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& g = saved[0];
    const at::Tensor& x = saved[1];
    const at::Tensor& w = saved[2];
    const c10::List<bool> mask = context->saved_data["mask"].toBoolList();
    size_t next = 0;
    const at::Tensor p = mask[0] ? cotangents[next++] : at::Tensor();
    const at::Tensor q = mask[1] ? cotangents[next++] : at::Tensor();
    const at::Tensor r = mask[2] ? cotangents[next++] : at::Tensor();

    variable_list out(6);  // one for each argument of forward
    if (context->needs_input_grad(0)) {
      if (q.defined()) out[0] = convolution->Run(x, q, r);
      if (p.defined()) {
        const at::Tensor term = convolution->Run(p, w, q.defined() ? at::Tensor() : r);
        out[0] = out[0].defined() ? out[0] + term : term;
      }
      if (!out[0].defined() && r.defined()) {
        const std::vector<int64_t> sizes = context->saved_data["output sizes"].toIntVector();
        std::vector<int64_t> channels(sizes.size(), 1);
        channels[1] = sizes[1];
        out[0] = r.view(channels).expand(sizes);
      }
    }
    if (context->needs_input_grad(1) && q.defined())
      out[1] = std::get<0>(convolution->Pull(g, x, q, std::nullopt, {true, false, false}));
    if (context->needs_input_grad(2) && p.defined())
      out[2] = std::get<1>(convolution->Pull(g, p, w, std::nullopt, {false, true, false}));
    return out;
  }
};

// libtorch carries what lies here to the threads that run a backward pass, a GPU's too; a thread_local would
// stay behind.
bool IsAsked() { return c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::PRODUCER_INFO) != nullptr; }

Gradients Differentiate(c10::DispatchKeySet keys, const at::Tensor& g, const at::Tensor& x,
                        const at::Tensor& w, at::OptionalIntArrayRef bias_sizes, at::IntArrayRef stride,
                        at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                        at::IntArrayRef output_padding, int64_t groups, Mask mask) {
  if (!IsAsked() || !c10::GradMode::is_enabled()) {
    // libtorch's own kernel stands behind every backend's key that has none of its own.
    const c10::DispatchKeySet own =
        keys.remove(c10::DispatchKey::AutogradFunctionality).add(c10::DispatchKey::AutogradOther);
    return at::redispatch::convolution_backward(own, g, x, w, bias_sizes, stride, padding, dilation,
                                                transposed, output_padding, groups, mask);
  }
  const auto convolution = c10::make_intrusive<Convolution>();
  convolution->stride = stride.vec();
  convolution->padding = padding.vec();
  convolution->dilation = dilation.vec();
  convolution->transposed = transposed;
  convolution->output_padding = output_padding.vec();
  convolution->groups = groups;
  const variable_list gradients = ConvolutionBackward::apply(g, x, w, bias_sizes, mask, convolution);
  size_t next = 0;
  const at::Tensor of_input = mask[0] ? gradients[next++] : at::Tensor();
  const at::Tensor of_weight = mask[1] ? gradients[next++] : at::Tensor();
  const at::Tensor of_bias = mask[2] ? gradients[next++] : at::Tensor();
  return {of_input, of_weight, of_bias};
}

std::vector<torch::Library>* Register() {
  // Never destroyed: graphs may be differentiated while the process ends.
  auto* libraries = new std::vector<torch::Library>;
  for (const c10::DispatchKey key : {c10::DispatchKey::AutogradCPU, c10::DispatchKey::AutogradCUDA}) {
    libraries->emplace_back(torch::Library::IMPL, "aten", key, __FILE__, __LINE__);
    libraries->back().impl("convolution_backward", TORCH_FN(Differentiate));
  }
  return libraries;
}

}  // namespace

void InstallConvolutionDoubleBackward() {
  const char* choice = std::getenv("LOSSATLAS_CONVOLUTION");
  if (choice != nullptr && std::strcmp(choice, "libtorch") == 0) return;
  [[maybe_unused]] static const auto* const libraries = Register();
}

ScopedConvolutionDoubleBackward::ScopedConvolutionDoubleBackward()
    : asked_(c10::DebugInfoKind::PRODUCER_INFO, std::make_shared<c10::DebugInfoBase>()) {}

}  // namespace lossatlas
