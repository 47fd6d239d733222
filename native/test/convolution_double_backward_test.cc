// Second and third derivatives of convolutions: ours against libtorch's own, finite differences and threads.
#include "core/convolution_double_backward.h"

#include <ATen/LegacyVmapMode.h>
#include <ATen/ThreadLocalState.h>

#include <optional>
#include <thread>

#include "test/check.h"

namespace lossatlas {
namespace {

using torch::autograd::variable_list;

struct Case {
  const char* name;
  std::vector<int64_t> input;
  std::vector<int64_t> weight;
  std::vector<int64_t> stride;
  std::vector<int64_t> padding;
  std::vector<int64_t> dilation;
  int64_t groups = 1;
  bool transposed = false;
  std::vector<int64_t> output_padding = std::vector<int64_t>(stride.size(), 0);

  // libtorch's own third derivative fails where there is output_padding.
  bool has_third() const { return output_padding == std::vector<int64_t>(stride.size(), 0); }
  int64_t out_channels() const { return transposed ? weight[1] * groups : weight[0]; }
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"1-D", {2, 3, 9}, {4, 3, 3}, {1}, {1}, {1}},
      {"1-D, strided, dilated, in groups", {2, 4, 12}, {6, 2, 3}, {2}, {2}, {2}, 2},
      {"1-D, transposed", {2, 4, 5}, {4, 3, 4}, {3}, {1}, {1}, 1, true, {2}},
      {"2-D", {2, 3, 6, 6}, {4, 3, 3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {"2-D, 1 x 1", {3, 4, 5, 5}, {6, 4, 1, 1}, {1, 1}, {0, 0}, {1, 1}},
      {"2-D, kernel as large as the input", {2, 3, 4, 4}, {5, 3, 4, 4}, {1, 1}, {0, 0}, {1, 1}},
      {"2-D, strided, with pixels left over", {2, 3, 8, 9}, {4, 3, 2, 3}, {3, 2}, {0, 1}, {1, 1}},
      {"2-D, dilated", {2, 2, 9, 8}, {3, 2, 3, 2}, {1, 2}, {2, 0}, {2, 3}},
      {"2-D, in groups", {2, 6, 5, 5}, {4, 3, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 2},
      {"2-D, depthwise", {2, 5, 6, 6}, {5, 1, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 5},
      {"2-D, depthwise, two filters a channel", {2, 3, 7, 6}, {6, 1, 3, 3}, {2, 2}, {1, 1}, {1, 1}, 3},
      {"2-D, transposed, without a margin",
       {2, 3, 4, 4},
       {3, 2, 2, 3},
       {1, 2},
       {1, 0},
       {1, 1},
       1,
       true,
       {0, 0}},
      {"2-D, transposed", {2, 3, 4, 5}, {3, 4, 3, 3}, {2, 2}, {1, 1}, {1, 1}, 1, true, {1, 0}},
      {"2-D, transposed, dilated, in groups",
       {2, 4, 4, 4},
       {4, 2, 3, 2},
       {2, 1},
       {1, 0},
       {2, 2},
       2,
       true,
       {1, 1}},
      {"3-D", {2, 2, 5, 4, 5}, {3, 2, 2, 3, 3}, {1, 2, 1}, {0, 1, 1}, {1, 1, 2}},
      {"3-D, depthwise", {1, 3, 4, 4, 4}, {3, 1, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 3},
      {"3-D, transposed",
       {1, 3, 3, 2, 3},
       {3, 2, 2, 3, 2},
       {2, 2, 1},
       {0, 1, 0},
       {1, 1, 1},
       1,
       true,
       {1, 1, 0}},
      {"2-D, no samples", {0, 3, 6, 6}, {4, 3, 3, 3}, {1, 1}, {1, 1}, {1, 1}},
  };
  return cases;
}

at::Tensor Forward(const Case& c, const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias) {
  return at::convolution(x, w, bias.defined() ? std::optional(bias) : std::nullopt, c.stride, c.padding,
                         c.dilation, c.transposed, c.output_padding, c.groups);
}

// Which of three: the bits of a number.
using Subset = unsigned;
constexpr Subset kAll = 7;
bool Has(Subset subset, size_t i) { return (subset >> i & 1) != 0; }

// The gradients of ⟨g, C(x, w) + b⟩ with respect to a subset of x, w and b.
variable_list Gradients(const Case& c, const variable_list& gxw, Subset wanted) {
  const std::vector<int64_t> bias_sizes = {c.out_channels()};
  const auto [of_x, of_w, of_b] = at::convolution_backward(
      gxw[0], gxw[1], gxw[2], bias_sizes, c.stride, c.padding, c.dilation, c.transposed, c.output_padding,
      c.groups, {Has(wanted, 0), Has(wanted, 1), Has(wanted, 2)});
  variable_list out;
  for (const at::Tensor& gradient : {of_x, of_w, of_b}) {
    if (gradient.defined()) out.push_back(gradient);
  }
  return out;
}

// The same numbers whatever the strides.
variable_list Draw(const variable_list& like) {
  variable_list out;
  for (const at::Tensor& tensor : like) out.push_back(at::randn(tensor.sizes(), tensor.options()));
  return out;
}

variable_list Leaves(const variable_list& values, Subset needed = kAll) {
  variable_list out;
  for (size_t i = 0; i < values.size(); ++i)
    out.push_back(values[i].detach().clone().requires_grad_(Has(needed, i)));
  return out;
}

// g, x and w.
variable_list Operands(const Case& c, const at::TensorOptions& options) {
  const at::Tensor x = at::randn(c.input, options);
  const at::Tensor w = at::randn(c.weight, options);
  return {at::randn_like(Forward(c, x, w, {})), x, w};
}

variable_list ChannelsLast(const variable_list& images) {
  variable_list out;
  for (const at::Tensor& image : images) {
    const bool flat = image.dim() == 4;
    out.push_back(image.contiguous(flat ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d));
  }
  return out;
}

// What is undefined is zero.
variable_list Differentiate(const variable_list& outputs, const variable_list& inputs,
                            const variable_list& cotangents, bool create_graph) {
  variable_list out = torch::autograd::grad(outputs, inputs, cotangents, /*retain_graph=*/true, create_graph,
                                            /*allow_unused=*/true);
  for (size_t i = 0; i < out.size(); ++i) {
    if (!out[i].defined()) out[i] = at::zeros_like(inputs[i].detach());
  }
  return out;
}

struct Derivatives {
  variable_list first;
  variable_list second;
  variable_list third;
};

// Of the gradients in `wanted` with respect to the `needed` ones of g, x and w; then of those with respect to
// the cotangents too.
Derivatives Derive(const Case& c, const variable_list& operands, Subset needed, Subset wanted) {
  at::manual_seed(3);
  const variable_list leaves = Leaves(operands, needed);
  Derivatives out;
  out.first = Gradients(c, leaves, wanted);
  variable_list inputs;
  for (const at::Tensor& leaf : leaves) {
    if (leaf.requires_grad()) inputs.push_back(leaf);
  }
  const variable_list cotangents = Leaves(Draw(out.first));
  out.second = Differentiate(out.first, inputs, cotangents, /*create_graph=*/true);
  const variable_list weights = Draw(out.second);
  at::Tensor sum = at::zeros({}, operands[0].options());
  for (size_t i = 0; i < weights.size(); ++i) sum = sum + (out.second[i] * weights[i]).sum();
  inputs.insert(inputs.end(), cotangents.begin(), cotangents.end());
  if (!sum.requires_grad()) sum.requires_grad_(true);
  if (c.has_third()) out.third = Differentiate({sum}, inputs, {at::ones_like(sum)}, /*create_graph=*/false);
  return out;
}

// The largest of ‖a - b‖ / ‖b‖.
double Distance(const variable_list& a, const variable_list& b) {
  if (a.size() != b.size()) return INFINITY;
  double out = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].sizes() != b[i].sizes()) return INFINITY;
    const at::Tensor exact = b[i].detach().to(c10::kDouble);
    const double norm = exact.norm().item<double>();
    const double difference = (a[i].detach().to(c10::kDouble) - exact).norm().item<double>();
    out = std::max(out, difference / (norm > 0 ? norm : 1));
  }
  return out;
}

void ExpectLibtorchs(const Case& c, const variable_list& operands, Subset needed, Subset wanted) {
  const Derivatives expected = Derive(c, operands, needed, wanted);
  const ScopedConvolutionDoubleBackward scope;
  const Derivatives ours = Derive(c, operands, needed, wanted);
  const bool close = Distance(ours.first, expected.first) < 1e-12 &&
                     Distance(ours.second, expected.second) < 1e-12 &&
                     Distance(ours.third, expected.third) < 1e-12;
  if (!close) std::printf("    %s: of %u by %u\n", c.name, wanted, needed);
  EXPECT(close);
}

void TestAgainstLibtorch() {
  at::manual_seed(1);
  for (const Case& c : Cases()) {
    const variable_list operands = Operands(c, c10::kDouble);
    for (Subset needed = 1; needed <= kAll; ++needed) {
      for (Subset wanted = 1; wanted <= kAll; ++wanted) ExpectLibtorchs(c, operands, needed, wanted);
    }
    if (c.input.size() > 3) ExpectLibtorchs(c, ChannelsLast(operands), kAll, kAll);
  }
}

void TestOtherTypes() {
  at::manual_seed(2);
  for (const Case& c : Cases()) {
    const variable_list operands = Operands(c, c10::kDouble);
    for (const auto& [type, tolerance] : {std::pair(c10::kFloat, 1e-5), std::pair(c10::kBFloat16, 5e-2)}) {
      variable_list rounded;
      variable_list exact;
      for (const at::Tensor& operand : operands) {
        rounded.push_back(operand.to(type));
        exact.push_back(rounded.back().to(c10::kDouble));
      }
      const ScopedConvolutionDoubleBackward scope;
      const variable_list leaves = Leaves(rounded);
      const variable_list first = Gradients(c, leaves, kAll);
      const variable_list cotangents = Draw(first);
      const variable_list second = Differentiate(first, leaves, cotangents, /*create_graph=*/false);
      const variable_list exact_leaves = Leaves(exact);
      variable_list exact_cotangents;
      for (const at::Tensor& cotangent : cotangents) exact_cotangents.push_back(cotangent.to(c10::kDouble));
      const variable_list expected =
          Differentiate(Gradients(c, exact_leaves, kAll), exact_leaves, exact_cotangents, false);
      for (const at::Tensor& tensor : second) EXPECT(tensor.scalar_type() == type);
      EXPECT(Distance(second, expected) < tolerance);
    }
  }
}

double Inner(const variable_list& a, const variable_list& b) {
  double out = 0;
  for (size_t i = 0; i < a.size(); ++i) out += (a[i].detach() * b[i].detach()).sum().item<double>();
  return out;
}

variable_list Shifted(const variable_list& a, const variable_list& b, double step) {
  variable_list out;
  for (size_t i = 0; i < a.size(); ++i) out.push_back(a[i].detach() + step * b[i]);
  return out;
}

// The gradients are of the second degree in their operands, and so are theirs in operands and cotangents:
// central differences have no error but that of rounding.
void TestAgainstDifferences() {
  at::manual_seed(4);
  const ScopedConvolutionDoubleBackward scope;
  for (const Case& c : Cases()) {
    const variable_list operands = Operands(c, c10::kDouble);
    const variable_list cotangents = Draw(Gradients(c, operands, kAll));
    const auto second = [&](const variable_list& at, const variable_list& along, bool create_graph) {
      return Differentiate(Gradients(c, at, kAll), at, along, create_graph);
    };
    const variable_list leaves = Leaves(operands);
    const variable_list direction = Draw(operands);
    const auto value = [&](double step) {
      return Inner(Gradients(c, Shifted(operands, direction, step), kAll), cotangents);
    };
    const double slope = Inner(second(leaves, cotangents, false), direction);
    EXPECT(Near(slope, (value(1) - value(-1)) / 2, 1e-11 * (1 + std::abs(value(1)))));

    const variable_list along = Leaves(cotangents);
    const variable_list outputs = second(leaves, along, true);
    const variable_list weights = Draw(outputs);
    const variable_list turn = Draw(cotangents);
    const auto next = [&](double step) {
      const variable_list at = Leaves(Shifted(operands, direction, step));
      return Inner(second(at, Shifted(cotangents, turn, step), false), weights);
    };
    const double change = Inner(Differentiate(outputs, leaves, weights, false), direction) +
                          Inner(Differentiate(outputs, along, weights, false), turn);
    EXPECT(Near(change, (next(1) - next(-1)) / 2, 1e-11 * (1 + std::abs(next(1)))));
  }
}

// A small network: its loss, and how its gradient was recorded.
struct Network {
  Case first = Cases()[3];
  Case last = {"", {}, {2, 4, 3, 3}, {2, 2}, {0, 0}, {1, 1}};
  at::Tensor x = at::randn(first.input, c10::kDouble);
  variable_list leaves = Leaves({at::randn(first.weight, c10::kDouble), at::randn({4}, c10::kDouble),
                                 at::randn(last.weight, c10::kDouble), at::randn({2}, c10::kDouble)},
                                15);

  variable_list Gradient() const {
    const at::Tensor hidden = at::tanh(Forward(first, x, leaves[0], leaves[1]));
    const at::Tensor loss = Forward(last, hidden, leaves[2], leaves[3]).pow(3).sum();
    return torch::autograd::grad({loss}, leaves, {}, /*retain_graph=*/true, /*create_graph=*/true);
  }
};

bool IsOurs(const variable_list& gradient) {
  return gradient[0].grad_fn()->name().find("lossatlas") != std::string::npos;
}

void TestBlocksOfProducts() {
  at::manual_seed(5);
  const Network network;
  variable_list gradient;
  {
    const ScopedConvolutionDoubleBackward scope;
    gradient = network.Gradient();
  }
  EXPECT(IsOurs(gradient));
  const int64_t count = 3;
  std::vector<variable_list> one_by_one;
  variable_list stacked;
  for (const at::Tensor& leaf : network.leaves) stacked.push_back(at::randn(leaf.sizes(), c10::kDouble));
  for (at::Tensor& tensor : stacked) tensor = at::stack({tensor, tensor.sin(), tensor.cos()});
  const int64_t level = at::impl::VmapMode::increment_nesting();
  variable_list batched;
  for (const at::Tensor& tensor : stacked) batched.push_back(at::_add_batch_dim(tensor, 0, level));
  variable_list products = torch::autograd::grad(gradient, network.leaves, batched, /*retain_graph=*/true);
  for (at::Tensor& product : products) product = at::_remove_batch_dim(product, level, count, 0);
  at::impl::VmapMode::decrement_nesting();
  for (int64_t i = 0; i < count; ++i) {
    variable_list vector;
    variable_list product;
    for (const at::Tensor& tensor : stacked) vector.push_back(tensor[i]);
    for (const at::Tensor& tensor : products) product.push_back(tensor[i]);
    const variable_list expected =
        torch::autograd::grad(network.Gradient(), network.leaves, vector, /*retain_graph=*/true);
    EXPECT(Distance(product, expected) < 1e-12);
  }
}

void TestScope() {
  at::manual_seed(6);
  const Network network;
  EXPECT(!IsOurs(network.Gradient()));
  {
    const ScopedConvolutionDoubleBackward outer;
    {
      const ScopedConvolutionDoubleBackward inner;
      EXPECT(IsOurs(network.Gradient()));
    }
    EXPECT(IsOurs(network.Gradient()));
    // The threads of a backward pass on a GPU receive the state of the one that started it.
    const at::ThreadLocalState state;
    bool with_state = false;
    bool without = true;
    std::thread([&] {
      without = IsOurs(network.Gradient());
      const at::ThreadLocalStateGuard guard(state);
      with_state = IsOurs(network.Gradient());
    }).join();
    EXPECT(with_state && !without);
  }
  EXPECT(!IsOurs(network.Gradient()));
}

void TestThreads() {
  std::vector<std::thread> threads;
  std::array<int, 4> wrong = {};
  for (size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      const Network network;
      for (int round = 0; round < 50; ++round) {
        const bool ours = (static_cast<size_t>(round) + i) % 2 == 0;
        std::optional<ScopedConvolutionDoubleBackward> scope;
        if (ours) scope.emplace();
        if (IsOurs(network.Gradient()) != ours) ++wrong[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) EXPECT(count == 0);
}

}  // namespace

std::vector<Test> ConvolutionTests() {
  return {
      {"derivatives of convolutions are libtorch's own", TestAgainstLibtorch},
      {"derivatives of convolutions in float32 and bfloat16", TestOtherTypes},
      {"derivatives of convolutions are differences", TestAgainstDifferences},
      {"convolutions under vmap", TestBlocksOfProducts},
      {"convolutions are ours inside the scope alone", TestScope},
      {"the scope belongs to its thread", TestThreads},
  };
}

}  // namespace lossatlas
