// Convolutions by Winograd's filtering against libtorch's in float64, with both widths of vectors.
#include "core/winograd.h"

#include <ATen/LegacyVmapMode.h>

#include <cstdlib>

#include "core/double_backward.h"
#include "core/layer_gradients.h"
#include "core/subspace_points.h"
#include "core/torchscript_model.h"
#include "core/winograd_gradient.h"
#include "core/winograd_operators.h"
#include "modules.h"
#include "test/check.h"

namespace lossatlas {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr double kRounding = 3e-6;

struct Case {
  const char* name;
  std::vector<int64_t> images;
  int64_t outs;
  std::vector<int64_t> padding;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"whole tiles", {2, 16, 12, 16}, 32, {1, 1}},
      {"tiles in part", {3, 32, 13, 11}, 16, {1, 1}},
      {"no padding", {4, 48, 14, 9}, 80, {0, 0}},
      {"padding on all sides and another one across", {5, 32, 10, 10}, 64, {2, 0}},
      {"many tiles", {9, 16, 30, 41}, 48, {1, 1}},
      {"weights that no cache holds", {17, 144, 7, 8}, 160, {1, 1}},
      {"and tiles in several groups", {40, 176, 8, 8}, 144, {1, 1}},
  };
  return cases;
}

WinogradKernels Kernels() { return FindWinogradKernels(/*in_bfloat16=*/true); }

double RelativeError(const at::Tensor& got, const at::Tensor& expected) {
  return ((got.to(c10::kDouble) - expected).norm() / expected.norm()).item<double>();
}

struct Tensors {
  at::Tensor x, w, b, g;

  Tensors To(c10::ScalarType type) const { return {x.to(type), w.to(type), b.to(type), g.to(type)}; }
};

// In float64, but representable in float32.
Tensors Draw(const Case& c) {
  const int64_t ins = c.images[1];
  const at::Tensor x = Random(c.images, 1);
  const at::Tensor w = Random({c.outs, ins, 3, 3}, 2);
  const at::Tensor b = Random({c.outs}, 3);
  const int64_t height = c.images[2] + 2 * c.padding[0] - 2;
  const int64_t width = c.images[3] + 2 * c.padding[1] - 2;
  const at::Tensor g = Random({c.images[0], c.outs, height, width}, 4);
  return Tensors{x, w, b, g}.To(c10::kFloat).To(c10::kDouble);
}

LayerGradients Gradients(const Case& c, const Tensors& t) {
  return at::convolution_backward(t.g, t.x, t.w, t.b.sizes(), {1, 1}, c.padding, {1, 1}, false, {0, 0}, 1,
                                  {true, true, true});
}

// The same weight, its numbers elsewhere.
std::vector<at::Tensor> LaidOut(const at::Tensor& w) {
  const at::Tensor outs_last = w.permute({1, 2, 3, 0}).contiguous().permute({3, 0, 1, 2});
  return {w.contiguous(), w.contiguous(kChannelsLast), outs_last};
}

void TestFilteringIsConvolution() {
  for (const Case& c : Cases()) {
    const Tensors exact = Draw(c);
    const Tensors single = exact.To(c10::kFloat);
    const WinogradPadding padding{c.padding[0], c.padding[1]};
    const at::Tensor images = single.x.contiguous(kChannelsLast);
    EXPECT(SuitsWinograd(Kernels(), images, single.w, {1, 1}, c.padding, {1, 1}, false, 1));
    const at::Tensor expected = at::conv2d(exact.x, exact.w, exact.b, 1, c.padding);
    const auto [of_x, of_w, of_b] = Gradients(c, exact);
    for (const at::Tensor& w : LaidOut(single.w)) {
      EXPECT(RelativeError(WinogradConvolve(Kernels(), {{images, w}}, single.b, padding), expected) <
             kRounding);
      EXPECT(RelativeError(WinogradInputGradient(Kernels(), single.g, w, padding), of_x) < kRounding);
    }
    EXPECT(RelativeError(WinogradWeightGradient(Kernels(), single.g, images, padding), of_w) < kRounding);
    // Two terms, without a bias, of images that lie otherwise.
    const at::Tensor other = at::flip(exact.x, {0}) + 1;
    const at::Tensor sum = WinogradConvolve(
        Kernels(), {{single.x, single.w}, {other.to(c10::kFloat), 2 * single.w}}, {}, padding);
    const at::Tensor both = at::conv2d(exact.x + 2 * other, exact.w, {}, 1, c.padding);
    EXPECT(RelativeError(sum, both) < kRounding);
  }
}

// Where the instructions are, whether they are the fastest or not.
void TestBfloat16() {
  setenv("LOSSATLAS_WINOGRAD", "bfloat16", 1);
  const WinogradKernels kernels = Kernels();
  unsetenv("LOSSATLAS_WINOGRAD");
  if (kernels.half == nullptr) return;
  // Rounding of transformed tiles and weights: 2^-9 each, a few times over.
  constexpr double kRoundingOfHalves = 1.5e-2;
  for (const Case& c : Cases()) {
    const Tensors halves = Draw(c).To(c10::kBFloat16);
    const Tensors exact = halves.To(c10::kDouble);
    const at::Tensor images = halves.x.contiguous(kChannelsLast);
    EXPECT(SuitsWinograd(kernels, images, halves.w, {1, 1}, c.padding, {1, 1}, false, 1));
    const at::Tensor expected = at::conv2d(exact.x, exact.w, exact.b, 1, c.padding);
    for (const at::Tensor& w : LaidOut(halves.w)) {
      const at::Tensor got = WinogradConvolve(kernels, {{images, w}}, halves.b, {c.padding[0], c.padding[1]});
      EXPECT(got.scalar_type() == c10::kBFloat16 && RelativeError(got, expected) < kRoundingOfHalves);
    }
  }
}

// bfloat16 whose products are taken in float32: as exact as one rounding of the sum.
void TestWidenedBfloat16() {
  const ScopedWinograd scope(/*in_bfloat16=*/true);
  if (!Kernels().widens_half) return;
  const at::NoGradGuard no_grad;
  for (const Case& c : Cases()) {
    const Tensors halves = Draw(c).To(c10::kBFloat16);
    const Tensors exact = halves.To(c10::kDouble);
    const at::Tensor images = halves.x.contiguous(kChannelsLast);
    const at::Tensor got = at::conv2d(images, halves.w, halves.b, 1, c.padding);
    const at::Tensor expected = at::conv2d(exact.x, exact.w, exact.b, 1, c.padding);
    EXPECT(got.scalar_type() == c10::kBFloat16 && got.is_contiguous(kChannelsLast));
    EXPECT(RelativeError(got, expected) < 2e-3);
    // And those that no filtering suits.
    const at::Tensor strided = at::conv2d(images, halves.w, halves.b, 2, c.padding);
    EXPECT(RelativeError(strided, at::conv2d(exact.x, exact.w, exact.b, 2, c.padding)) < 2e-3);
  }
}

void TestBothWidthsOfVectors() {
  if (Kernels().single == nullptr) return;
  TestFilteringIsConvolution();
  setenv("LOSSATLAS_WINOGRAD", "avx2", 1);
  EXPECT(Kernels().single->lanes == 8);
  TestFilteringIsConvolution();
  setenv("LOSSATLAS_WINOGRAD", "libtorch", 1);
  EXPECT(Kernels().single == nullptr);
  unsetenv("LOSSATLAS_WINOGRAD");
}

void TestBitsDoNotDependOnThreads() {
  if (Kernels().single == nullptr) return;
  const int threads = at::get_num_threads();
  for (const Case& c : Cases()) {
    const Tensors single = Draw(c).To(c10::kFloat);
    const WinogradPadding padding{c.padding[0], c.padding[1]};
    const auto all = [&] {
      return std::vector<at::Tensor>{WinogradConvolve(Kernels(), {{single.x, single.w}}, single.b, padding),
                                     WinogradInputGradient(Kernels(), single.g, single.w, padding),
                                     WinogradWeightGradient(Kernels(), single.g, single.x, padding)};
    };
    const std::vector<at::Tensor> many = all();
    at::set_num_threads(1);
    const std::vector<at::Tensor> one = all();
    at::set_num_threads(threads);
    for (size_t i = 0; i < many.size(); ++i) EXPECT(at::equal(many[i], one[i]));
  }
}

void TestOnlyWhereItIsAskedForAndFits() {
  if (Kernels().single == nullptr) return;
  at::NoGradGuard no_grad;
  const Case& c = Cases()[2];
  const Tensors exact = Draw(c);
  Tensors single = exact.To(c10::kFloat);
  single.x = single.x.contiguous(kChannelsLast);
  const auto convolve = [&](const at::Tensor& x, int64_t stride) {
    return at::conv2d(x, single.w, single.b, stride, c.padding);
  };
  const at::Tensor plain = convolve(single.x, 1);
  const at::Tensor strided = convolve(single.x, 2);
  const auto plain_gradients = Gradients(c, single);
  {
    const ScopedWinograd scope;
    const at::Tensor filtered = convolve(single.x, 1);
    EXPECT(!at::equal(filtered, plain));
    EXPECT(RelativeError(filtered, at::conv2d(exact.x, exact.w, exact.b, 1, c.padding)) < kRounding);
    EXPECT(at::equal(convolve(single.x, 2), strided));
    // In float64, and with images whose channels come first, nothing changes.
    EXPECT(at::equal(
        at::conv2d(exact.x, exact.w, exact.b, 1, c.padding).to(c10::kFloat),
        at::conv2d(exact.x.contiguous(kChannelsLast), exact.w, exact.b, 1, c.padding).to(c10::kFloat)));
    const auto [of_x, of_w, of_b] = Gradients(c, single);
    const auto [exact_x, exact_w, exact_b] = Gradients(c, exact);
    EXPECT(!at::equal(of_x, std::get<0>(plain_gradients)) && !at::equal(of_w, std::get<1>(plain_gradients)));
    EXPECT(RelativeError(of_x, exact_x) < kRounding && RelativeError(of_w, exact_w) < kRounding &&
           RelativeError(of_b, exact_b) < kRounding);
    // What cannot be convolved is libtorch's to say.
    const auto is_refused = [&](const at::Tensor& w, const at::Tensor& b) {
      try {
        at::conv2d(single.x, w, b, 1, 1);
      } catch (const std::exception&) {
        return true;
      }
      return false;
    };
    EXPECT(is_refused(Random({16, 16, 3, 3}, 5, c10::kFloat), {}));
    EXPECT(is_refused(single.w, Random({16}, 5, c10::kFloat)));
    EXPECT(is_refused(single.w, exact.b));
    Tensors shrunk = single;
    shrunk.g = single.g.narrow(2, 0, 4);
    bool refuses = false;
    try {
      Gradients(c, shrunk);
    } catch (const std::exception&) {
      refuses = true;
    }
    EXPECT(refuses);
  }
  EXPECT(at::equal(convolve(single.x, 1), plain));
  if (Kernels().half == nullptr) return;
  Tensors halves = single.To(c10::kBFloat16);
  halves.x = halves.x.contiguous(kChannelsLast);
  const auto of_halves = [&] { return at::conv2d(halves.x, halves.w, halves.b, 1, c.padding); };
  const at::Tensor plain_halves = of_halves();
  const ScopedWinograd scope;
  EXPECT(at::equal(of_halves(), plain_halves));
  const ScopedWinograd both(/*in_bfloat16=*/true);
  EXPECT(!at::equal(of_halves(), plain_halves));
}

// Second derivatives by our formula: both products of images and weights at once.
void TestSecondDerivatives() {
  if (Kernels().single == nullptr) return;
  const Case& c = Cases()[1];
  const Tensors exact = Draw(c);
  const auto product = [&](c10::ScalarType type) {
    const Tensors t = exact.To(type);
    const at::Tensor x = t.x.contiguous(kChannelsLast).requires_grad_(true);
    const at::Tensor w = t.w.clone().requires_grad_(true);
    const at::Tensor loss =
        (at::conv2d(at::conv2d(x, w, t.b, 1, 1), Random({32, 16, 3, 3}, 6).to(type), {}, 1, 1) * 0.05)
            .exp()
            .sum();
    torch::autograd::variable_list first;
    {
      const ScopedDoubleBackward scope;
      first = torch::autograd::grad({loss}, {x, w}, {}, true, true);
    }
    const ScopedWinograd scope;
    return torch::autograd::grad(first, {x, w}, {at::cos(t.x), at::sin(t.w)}, true, false);
  };
  const auto expected = product(c10::kDouble);
  const auto got = product(c10::kFloat);
  setenv("LOSSATLAS_WINOGRAD", "libtorch", 1);
  const auto plain = product(c10::kFloat);
  unsetenv("LOSSATLAS_WINOGRAD");
  for (size_t i = 0; i < 2; ++i) {
    EXPECT(RelativeError(got[i], expected[i]) < 1e-5);
    EXPECT(!at::equal(got[i], plain[i]));
  }
}

// Products of several vectors at once have tensors without memory of their own.
void TestBlocksOfVectors() {
  if (Kernels().single == nullptr) return;
  const Case& c = Cases()[1];
  const Tensors t = Draw(c).To(c10::kFloat);
  const at::Tensor x = t.x.contiguous(kChannelsLast).requires_grad_(true);
  const at::Tensor w = t.w.clone().requires_grad_(true);
  torch::autograd::variable_list first;
  {
    const ScopedDoubleBackward scope;
    first =
        torch::autograd::grad({at::conv2d(x, w, t.b, 1, 1).mul(0.05).exp().sum()}, {x, w}, {}, true, true);
  }
  const ScopedWinograd scope;
  const std::vector<at::Tensor> of_x{at::cos(t.x), at::sin(t.x)};
  const std::vector<at::Tensor> of_w{at::sin(t.w), at::cos(t.w)};
  const int64_t level = at::impl::VmapMode::increment_nesting();
  torch::autograd::variable_list together = torch::autograd::grad(
      first, {x, w},
      {at::_add_batch_dim(at::stack(of_x), 0, level), at::_add_batch_dim(at::stack(of_w), 0, level)}, true);
  for (at::Tensor& product : together) product = at::_remove_batch_dim(product, level, 2, 0);
  at::impl::VmapMode::decrement_nesting();
  for (int64_t i = 0; i < 2; ++i) {
    const auto alone = torch::autograd::grad(
        first, {x, w}, {of_x[static_cast<size_t>(i)], of_w[static_cast<size_t>(i)]}, true);
    for (size_t j = 0; j < alone.size(); ++j)
      EXPECT(RelativeError(together[j][i], alone[j].to(c10::kDouble)) < 1e-5);
  }
  EXPECT(scope.filtered());
}

// An infinite pixel is one negative output in libtorch's convolution, which ReLU takes away, and NaN all over
// its tile in a filtered one.
void TestPointsWithoutFiniteTransforms() {
  torch::jit::Module module("infinite");
  module.register_parameter("weight", -Random({16, 16, 3, 3}, 1).abs().to(c10::kFloat), false);
  module.register_buffer("mean", at::zeros({16}));
  module.register_buffer("variance", at::ones({16}));
  module.register_attribute("training", c10::BoolType::get(), false);
  DefineForward(module,
                "y = torch.conv2d(torch.exp(100.0 * x), self.weight)\n"
                "y = torch.batch_norm(y, None, None, self.mean, self.variance, False, 0.1, 1e-5, True)\n"
                "return torch.relu(y + 200.0).mean([2, 3])");
  LoadOptions options;
  options.dtype = c10::kFloat;
  options.include_frozen = true;
  const auto objective = std::make_shared<Objective>();
  objective->model = std::make_shared<TorchScriptModel>(module, options);
  objective->criterion.kind = Criterion::Kind::kMeanSquaredError;
  at::Tensor x = at::zeros({8, 16, 14, 14});
  x.select(2, 6).select(2, 6).fill_(1);
  const Batch batch({x}, at::zeros({8, 16}), {at::kFloat, at::kFloat});
  const auto loss = [&] {
    SubspacePoints points(objective, {objective->model->Parameters(), {}, nullptr, {}}, Precision::kFull, 1);
    return points.Evaluate({}, 1, batch, /*one_by_one=*/true).front().loss_sum;
  };
  const double found = loss();
  setenv("LOSSATLAS_WINOGRAD", "libtorch", 1);
  const double expected = loss();
  unsetenv("LOSSATLAS_WINOGRAD");
  EXPECT(std::isfinite(expected) && expected > 0 && found == expected);
}

}  // namespace

std::vector<Test> WinogradTests() {
  return {
      {"Winograd's filtering is a convolution, with vectors of both widths", TestBothWidthsOfVectors},
      {"Winograd's filtering in bfloat16", TestBfloat16},
      {"convolutions in bfloat16 by float32", TestWidenedBfloat16},
      {"Winograd's filtering: bits do not depend on threads", TestBitsDoNotDependOnThreads},
      {"Winograd's filtering runs where it is asked for and fits", TestOnlyWhereItIsAskedForAndFits},
      {"Winograd's filtering in second derivatives", TestSecondDerivatives},
      {"Winograd's filtering beside vmap", TestBlocksOfVectors},
      {"Winograd's filtering leaves points to libtorch where it is not finite",
       TestPointsWithoutFiniteTransforms},
  };
}

}  // namespace lossatlas
