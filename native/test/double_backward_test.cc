// Second and third derivatives of convolutions and of BatchNorm in eval mode: ours against libtorch's own and
// against finite differences; who gets them.
#include "core/double_backward.h"

#include <ATen/LegacyVmapMode.h>
#include <ATen/ThreadLocalState.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <tuple>

#include "test/check.h"

namespace lossatlas {
namespace {

using torch::autograd::variable_list;

struct Convolution {
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

  at::Tensor Run(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias) const {
    return at::convolution(x, w, bias, stride, padding, dilation, transposed, output_padding, groups);
  }
};

const std::vector<Convolution>& Convolutions() {
  static const std::vector<Convolution> convolutions = {
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
  return convolutions;
}

// Which of three: the bits of a number.
using Subset = unsigned;
constexpr Subset kAll = 7;
bool Has(Subset subset, size_t i) { return (subset >> i & 1) != 0; }

using Mask = std::array<bool, 3>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

// What is differentiated: the gradients of ⟨g, L(x, w) + b⟩ with respect to x, w and b.
struct Layer {
  std::string name;
  variable_list operands;  // g, x and, where there is one, w; in float64
  std::function<Gradients(const variable_list& operands, Mask mask)> pull;
  bool has_third = true;
  Subset gradients = kAll;  // those that there are
};

Layer MakeLayer(const Convolution& c) {
  const at::Tensor x = at::randn(c.input, c10::kDouble);
  const at::Tensor w = at::randn(c.weight, c10::kDouble);
  const at::Tensor g = at::randn_like(c.Run(x, w, {}));
  const auto pull = [&c](const variable_list& operands, Mask mask) {
    const std::vector<int64_t> bias_sizes = {operands[0].size(1)};
    return at::convolution_backward(operands[0], operands[1], operands[2], bias_sizes, c.stride, c.padding,
                                    c.dilation, c.transposed, c.output_padding, c.groups, mask);
  };
  return {c.name, {g, x, w}, pull, c.has_third()};
}

Layer MakeBatchNorm(const std::vector<int64_t>& sizes, bool has_weight) {
  const at::TensorOptions options = c10::kDouble;
  const int64_t channels = sizes[1];
  const at::Tensor mean = at::randn({channels}, options);
  const at::Tensor variance = at::rand({channels}, options) + 0.1;
  variable_list operands = {at::randn(sizes, options), at::randn(sizes, options)};
  if (has_weight) operands.push_back(at::randn({channels}, options));
  const auto pull = [mean, variance](const variable_list& operands, Mask mask) {
    const at::Tensor& x = operands[1];
    const auto w = operands.size() > 2 ? std::optional(operands[2]) : std::nullopt;
    return at::native_batch_norm_backward(operands[0], x, w, mean.to(x.scalar_type()),
                                          variance.to(x.scalar_type()), {}, {}, /*train=*/false, 1e-3, mask);
  };
  const std::string name = "BatchNorm of " + std::to_string(sizes.size()) + " dimensions";
  if (has_weight) return {name, operands, pull};
  return {name + ", without a weight", operands, pull, /*has_third=*/true, /*gradients=*/1};
}

std::vector<Layer> Layers() {
  std::vector<Layer> out;
  for (const Convolution& convolution : Convolutions()) out.push_back(MakeLayer(convolution));
  for (const bool has_weight : {true, false}) {
    out.push_back(MakeBatchNorm({6, 3}, has_weight));
    out.push_back(MakeBatchNorm({4, 3, 5}, has_weight));
    out.push_back(MakeBatchNorm({3, 4, 5, 6}, has_weight));
    out.push_back(MakeBatchNorm({2, 3, 2, 3, 4}, has_weight));
  }
  return out;
}

// Those in `wanted`; in `mask` those that are computed.
variable_list Pull(const Layer& layer, const variable_list& operands, Subset wanted, Subset mask) {
  const auto [of_x, of_w, of_b] = layer.pull(operands, {Has(mask, 0), Has(mask, 1), Has(mask, 2)});
  const variable_list all = {of_x, of_w, of_b};
  variable_list out;
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT(all[i].defined() == Has(mask, i));
    if (Has(wanted, i)) out.push_back(all[i]);
  }
  return out;
}

variable_list Pull(const Layer& layer, const variable_list& operands) {
  return Pull(layer, operands, layer.gradients, layer.gradients);
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

variable_list ChannelsLast(const variable_list& images) {
  variable_list out;
  for (const at::Tensor& image : images) {
    const auto format = image.dim() == 4   ? at::MemoryFormat::ChannelsLast
                        : image.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                                           : at::MemoryFormat::Contiguous;
    out.push_back(image.contiguous(format));
  }
  return out;
}

// What does not depend on an input has a derivative of zero.
variable_list Differentiate(const variable_list& outputs, const variable_list& inputs,
                            const variable_list& cotangents, bool create_graph) {
  variable_list dependent;
  variable_list seeds;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad()) continue;
    dependent.push_back(outputs[i]);
    seeds.push_back(cotangents[i]);
  }
  variable_list out(inputs.size());
  if (!dependent.empty()) {
    out = torch::autograd::grad(dependent, inputs, seeds, /*retain_graph=*/true, create_graph,
                                /*allow_unused=*/true);
  }
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

// Of the gradients in `wanted` with respect to the `needed` operands; then of those with respect to the
// cotangents too.
Derivatives Derive(const Layer& layer, const variable_list& operands, Subset needed, Subset wanted,
                   Subset mask) {
  at::manual_seed(3);
  const variable_list leaves = Leaves(operands, needed);
  Derivatives out;
  out.first = Pull(layer, leaves, wanted, mask);
  variable_list inputs;
  for (const at::Tensor& leaf : leaves) {
    if (leaf.requires_grad()) inputs.push_back(leaf);
  }
  const variable_list cotangents = Leaves(Draw(out.first));
  out.second = Differentiate(out.first, inputs, cotangents, /*create_graph=*/true);
  const variable_list weights = Draw(out.second);
  inputs.insert(inputs.end(), cotangents.begin(), cotangents.end());
  if (layer.has_third) out.third = Differentiate(out.second, inputs, weights, /*create_graph=*/false);
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

void ExpectLibtorchs(const Layer& layer, const variable_list& operands, Subset needed, Subset wanted,
                     Subset mask) {
  const Derivatives expected = Derive(layer, operands, needed, wanted, mask);
  const ScopedDoubleBackward scope;
  const Derivatives ours = Derive(layer, operands, needed, wanted, mask);
  const bool close = Distance(ours.first, expected.first) < 1e-12 &&
                     Distance(ours.second, expected.second) < 1e-12 &&
                     Distance(ours.third, expected.third) < 1e-12;
  if (!close) std::printf("    %s: %u of %u by %u\n", layer.name.c_str(), wanted, mask, needed);
  EXPECT(close);
}

void TestAgainstLibtorch() {
  at::manual_seed(1);
  for (const Layer& layer : Layers()) {
    const variable_list& operands = layer.operands;
    for (Subset needed = 1; needed >> operands.size() == 0; ++needed) {
      for (Subset wanted = 1; wanted <= kAll; ++wanted) {
        if ((wanted & layer.gradients) != wanted) continue;
        ExpectLibtorchs(layer, operands, needed, wanted, wanted);
        ExpectLibtorchs(layer, operands, needed, wanted, layer.gradients);
      }
    }
    ExpectLibtorchs(layer, ChannelsLast(operands), kAll, layer.gradients, layer.gradients);
  }
}

void TestOtherTypes() {
  at::manual_seed(2);
  for (const Layer& layer : Layers()) {
    for (const auto& [type, tolerance] : {std::pair(c10::kFloat, 1e-5), std::pair(c10::kBFloat16, 5e-2)}) {
      variable_list rounded;
      variable_list exact;
      for (const at::Tensor& operand : layer.operands) {
        rounded.push_back(operand.to(type));
        exact.push_back(rounded.back().to(c10::kDouble));
      }
      const ScopedDoubleBackward scope;
      const variable_list leaves = Leaves(rounded);
      const variable_list first = Pull(layer, leaves);
      const variable_list cotangents = Draw(first);
      const variable_list second = Differentiate(first, leaves, cotangents, /*create_graph=*/false);
      const variable_list exact_leaves = Leaves(exact);
      variable_list exact_cotangents;
      for (const at::Tensor& cotangent : cotangents) exact_cotangents.push_back(cotangent.to(c10::kDouble));
      const variable_list expected =
          Differentiate(Pull(layer, exact_leaves), exact_leaves, exact_cotangents, false);
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
  const ScopedDoubleBackward scope;
  for (const Layer& layer : Layers()) {
    const variable_list& operands = layer.operands;
    const variable_list cotangents = Draw(Pull(layer, operands));
    const auto second = [&](const variable_list& at, const variable_list& along, bool create_graph) {
      return Differentiate(Pull(layer, at), at, along, create_graph);
    };
    const variable_list leaves = Leaves(operands);
    const variable_list direction = Draw(operands);
    const auto value = [&](double step) {
      return Inner(Pull(layer, Shifted(operands, direction, step)), cotangents);
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

// A small network, and how its gradient was recorded.
struct Network {
  Convolution first = Convolutions()[3];
  Convolution last = {"", {}, {2, 4, 3, 3}, {2, 2}, {0, 0}, {1, 1}};
  at::Tensor x = at::randn(first.input, c10::kDouble);
  at::Tensor mean = at::randn({4}, c10::kDouble);
  at::Tensor variance = at::rand({4}, c10::kDouble) + 0.1;
  variable_list leaves;
  bool training = false;

  Network() {
    const std::vector<int64_t> channels = {4};
    for (const std::vector<int64_t>& sizes : {first.weight, channels, channels, channels, last.weight})
      leaves.push_back(at::randn(sizes, c10::kDouble).requires_grad_(true));
  }

  variable_list Gradient() const {
    const at::Tensor images = first.Run(x, leaves[0], leaves[1]);
    const at::Tensor normalised = at::batch_norm(images, leaves[2], leaves[3], mean.clone(), variance.clone(),
                                                 training, 0.1, 1e-5, true);
    const at::Tensor loss = last.Run(at::tanh(normalised), leaves[4], {}).pow(3).sum();
    return torch::autograd::grad({loss}, leaves, {}, /*retain_graph=*/true, /*create_graph=*/true);
  }
};

// How many of the gradients came from our kernels.
size_t CountOurs(const variable_list& gradients) {
  return static_cast<size_t>(
      std::count_if(gradients.begin(), gradients.end(), [](const at::Tensor& gradient) {
        return gradient.grad_fn()->name().find("lossatlas") != std::string::npos;
      }));
}
bool IsOurs(const variable_list& gradients) { return CountOurs(gradients) == gradients.size(); }
bool IsLibtorchs(const variable_list& gradients) { return CountOurs(gradients) == 0; }

void TestBlocksOfProducts() {
  at::manual_seed(5);
  const Network network;
  variable_list gradient;
  {
    const ScopedDoubleBackward scope;
    gradient = network.Gradient();
  }
  EXPECT(IsOurs(gradient));
  const int64_t count = 3;
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
  EXPECT(IsLibtorchs(network.Gradient()));
  {
    const ScopedDoubleBackward outer;
    {
      const ScopedDoubleBackward inner;
      EXPECT(IsOurs(network.Gradient()));
    }
    EXPECT(IsOurs(network.Gradient()));
    // The threads of a backward pass on a GPU receive the state of the one that started it.
    const at::ThreadLocalState state;
    bool with_state = false;
    bool without = false;
    std::thread([&] {
      without = IsLibtorchs(network.Gradient());
      const at::ThreadLocalStateGuard guard(state);
      with_state = IsOurs(network.Gradient());
    }).join();
    EXPECT(with_state && without);
    Network training;
    training.training = true;
    EXPECT(CountOurs(training.Gradient()) == 3);
  }
  EXPECT(IsLibtorchs(network.Gradient()));
}

void TestThreads() {
  std::vector<std::thread> threads;
  std::array<int, 4> wrong = {};
  for (size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      const Network network;
      for (int round = 0; round < 50; ++round) {
        const bool ours = (static_cast<size_t>(round) + i) % 2 == 0;
        std::optional<ScopedDoubleBackward> scope;
        if (ours) scope.emplace();
        const variable_list gradient = network.Gradient();
        if (!(ours ? IsOurs(gradient) : IsLibtorchs(gradient))) ++wrong[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) EXPECT(count == 0);
}

}  // namespace

std::vector<Test> DoubleBackwardTests() {
  return {
      {"second and third derivatives are libtorch's own", TestAgainstLibtorch},
      {"second derivatives in float32 and bfloat16", TestOtherTypes},
      {"second and third derivatives are differences", TestAgainstDifferences},
      {"second derivatives under vmap", TestBlocksOfProducts},
      {"second derivatives are ours inside the scope alone", TestScope},
      {"the scope belongs to its thread", TestThreads},
  };
}

}  // namespace lossatlas
