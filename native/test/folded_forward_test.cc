// Folded BatchNorm against the forward pass as it was written: values, gradients and products with the
// Hessian.
#include "core/folded_forward.h"

#include <torch/csrc/jit/api/module.h>

#include "check.h"
#include "core/objective.h"
#include "core/scoped_state.h"
#include "core/torchscript_model.h"
#include "modules.h"

namespace lossatlas {
namespace {

using torch::autograd::variable_list;

struct Case {
  const char* name;
  std::string forward;  // of self and x
  bool folds;
  std::vector<int64_t> weight = {6, 4, 3, 3};
  std::vector<int64_t> input = {5, 4, 7, 6};
  int64_t channels = 6;
};

const char* const kNorm =
    "torch.batch_norm(y, self.gamma, self.beta, self.mean, self.variance, self.training, 0.1, 1e-5, True)";

std::string Code(const std::string& convolution, const std::string& rest) {
  return "def forward(self, x):\n    y = " + convolution + "\n    " + rest + "\n";
}
std::string Normed(const std::string& convolution) {
  return Code(convolution, std::string("z = ") + kNorm + "\n    return torch.tanh(z)");
}

torch::jit::Module Make(const Case& c) {
  torch::jit::Module module("folding");
  module.register_parameter("weight", Random(c.weight, 1), false);
  module.register_parameter("bias", Random({c.channels}, 2), false);
  module.register_parameter("gamma", Random({c.channels}, 3), false);
  module.register_parameter("beta", Random({c.channels}, 4), false);
  module.register_buffer("mean", Random({c.channels}, 5));
  module.register_buffer("variance", Random({c.channels}, 6).square().add(0.1));
  module.register_attribute("training", c10::BoolType::get(), false);
  module.register_attribute("maybe", c10::OptionalType::ofTensor(), c10::IValue());
  module.register_attribute("surely", c10::OptionalType::ofTensor(), module.attr("bias"));
  module.define(c.forward);
  return module;
}

struct Derived {
  at::Tensor value;
  variable_list gradients;
  variable_list products;
};

template <class Forward>
Derived Derive(const torch::jit::Module& module, const Forward& forward) {
  variable_list leaves;
  for (const at::Tensor& parameter : module.parameters()) leaves.push_back(parameter.requires_grad_(true));
  Derived out;
  out.value = forward();
  const at::Tensor loss = (out.value * Random(out.value.sizes(), 7)).square().sum();
  out.gradients = torch::autograd::grad({loss}, leaves, {}, true, true, true);
  variable_list used;
  variable_list vectors;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!out.gradients[i].defined() || !out.gradients[i].requires_grad()) continue;
    used.push_back(out.gradients[i]);
    vectors.push_back(Random(leaves[i].sizes(), 8 + i));
  }
  out.products = torch::autograd::grad(used, leaves, vectors, false, false, true);
  return out;
}

bool Close(const variable_list& a, const variable_list& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return false;
    if (a[i].defined() && !at::allclose(a[i], b[i], 1e-11, 1e-11)) return false;
  }
  return true;
}

void TestFolding() {
  const std::string plain = "torch.conv2d(x, self.weight, None, [1, 1], [1, 1], [1, 1], 1)";
  const std::string biased = "torch.conv2d(x, self.weight, self.bias, [2, 1], [0, 2], [1, 1], 1)";
  const std::string unscaled =
      "torch.batch_norm(y, None, None, self.mean, self.variance, False, 0.1, 1e-5, True)";
  const std::vector<Case> cases = {
      {"no bias", Normed(plain), true},
      {"bias, strides, padding", Normed(biased), true},
      {"a bias that is None", Normed("torch.conv2d(x, self.weight, self.maybe)"), true},
      {"a bias that need not be there", Normed("torch.conv2d(x, self.weight, self.surely)"), true},
      {"padding in words", Normed("torch.conv2d(x, self.weight, None, [1, 1], 'same')"), true},
      {"groups",
       Normed("torch.conv2d(x, self.weight, self.bias, [1, 1], [1, 1], [1, 1], 2)"),
       true,
       {6, 2, 3, 3}},
      {"one dimension", Normed("torch.conv1d(x, self.weight, self.bias)"), true, {6, 4, 3}, {5, 4, 9}},
      {"three dimensions",
       Normed("torch.conv3d(x, self.weight, None)"),
       true,
       {6, 4, 2, 2, 2},
       {3, 4, 4, 5, 4}},
      {"as traced",
       Normed(
           "torch._convolution(x, self.weight, self.bias, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, "
           "False, True, True)"),
       true},
      {"no scale", Code(plain, "return " + unscaled), true},
      {"the native operator",
       Code(plain,
            "z, m, s = torch.native_batch_norm(y, self.gamma, self.beta, self.mean, self.variance, False, "
            "0.1, 1e-5)\n    return torch.tanh(z)"),
       true},
      {"in a branch",
       "def forward(self, x):\n    if x.size(0) > 1:\n        y = " + plain + "\n        return " + kNorm +
           "\n    else:\n        return x\n",
       true},
      {"the dimensions are asked for", Code(plain, std::string("assert y.dim() == 4\n    return ") + kNorm),
       true},
      {"its output written afterwards",
       Code(plain, std::string("z = ") + kNorm + "\n    return torch.relu_(z)"), true},
      {"the output read elsewhere", Code(plain, std::string("return torch.tanh(y) + ") + kNorm), false},
      {"the input written in between",
       "def forward(self, x):\n    x = x.clone()\n    y = " + plain +
           "\n    gamma = self.gamma + x.add_(1.0).mean()\n" +
           "    return torch.batch_norm(y, gamma, None, self.mean, self.variance, False, 0.1, 1e-5, True)\n",
       false},
      {"transposed",
       Normed("torch._convolution(x, self.weight, self.bias, [1, 1], [0, 0], [1, 1], True, [0, 0], 1, False, "
              "False, True, True)"),
       false,
       {4, 6, 3, 3}},
      {"in train mode",
       Code(plain, "return torch.batch_norm(y, self.gamma, self.beta, None, None, True, 0.1, 1e-5, True)"),
       false},
      {"the mode is assigned",
       "def forward(self, x):\n    self.training = False\n    y = " + plain + "\n    return " + kNorm + "\n",
       false},
      {"no BatchNorm", Code(plain, "return torch.tanh(y)"), false},
  };
  for (const Case& c : cases) {
    const torch::jit::Module module = Make(c);
    const std::unique_ptr<FoldedForward> folded = FoldForward(module);
    const bool as_expected = (folded != nullptr) == c.folds;
    if (!as_expected) std::fprintf(stderr, "%s\n", c.name);
    EXPECT(as_expected);
    if (folded == nullptr) continue;
    const at::Tensor x = Random(c.input, 9);
    torch::jit::Module plain_module = module;
    const Derived expected = Derive(module, [&] { return plain_module.forward({x}).toTensor(); });
    const Derived got = Derive(module, [&] { return folded->Run({module._ivalue(), x}).toTensor(); });
    const bool equal = at::allclose(got.value, expected.value, 1e-12, 1e-12) &&
                       Close(got.gradients, expected.gradients) && Close(got.products, expected.products);
    if (!equal) std::fprintf(stderr, "%s\n", c.name);
    EXPECT(equal);
    EXPECT(!at::equal(got.value, expected.value));  // it is another computation
  }
}

// The same to the bit, with windows whose largest value is not positive, and with NaN.
void TestPoolingFirst() {
  const std::string layer = "torch.conv2d(x, self.weight, self.bias)";
  const auto pooled = [](const std::string& of, const std::string& pool) {
    return "z = torch.max_pool2d(" + of + "(y), " + pool + ")\n    return torch.tanh(z)";
  };
  const std::vector<std::pair<Case, bool>> cases = {
      {{"ReLU", Code(layer, pooled("torch.relu", "[2, 2]")), true}, true},
      {{"in place", Code(layer, pooled("torch.relu_", "[2, 2]")), true}, true},
      {{"overlapping windows", Code(layer, pooled("torch.relu", "[3, 3], [2, 2], [1, 1]")), true}, true},
      {{"after BatchNorm",
        Code(layer, std::string("y = ") + kNorm + "\n    " + pooled("torch.relu", "[2, 2]")), true},
       false},
      {{"read elsewhere", Code(layer, "z = torch.max_pool2d(torch.relu(y), [2, 2])\n    return z * y.mean()"),
        false},
       true},
      {{"another function", Code(layer, pooled("torch.tanh", "[2, 2]")), false}, true},
  };
  for (const auto& [c, is_exact] : cases) {
    const torch::jit::Module module = Make(c);
    module.attr("bias").toTensor().sub_(1.5);
    const std::unique_ptr<FoldedForward> folded = FoldForward(module);
    const int before = NumFailures();
    EXPECT((folded != nullptr) == c.folds);
    if (folded != nullptr) {
      EXPECT(folded->folds_batch_norm() != is_exact && folded->takes_channels_last() != is_exact);
      torch::jit::Module plain = module;
      const auto are_same = [&](const Derived& a, const Derived& b) {
        if (!is_exact)
          return at::allclose(a.value, b.value, 1e-12, 1e-12) && Close(a.gradients, b.gradients) &&
                 Close(a.products, b.products);
        bool same = at::equal(a.value, b.value);
        for (size_t i = 0; i < a.gradients.size(); ++i) {
          same = same && a.gradients[i].defined() == b.gradients[i].defined();
          if (a.gradients[i].defined()) same = same && at::equal(a.gradients[i], b.gradients[i]);
          if (a.products[i].defined()) same = same && at::equal(a.products[i], b.products[i]);
        }
        return same;
      };
      at::Tensor x = Random(c.input, 9);
      const Derived expected = Derive(module, [&] { return plain.forward({x}).toTensor(); });
      EXPECT(are_same(Derive(module,
                             [&] {
                               return folded->Run({module._ivalue(), x}).toTensor();
                             }),
                      expected));
      EXPECT((expected.value == 0).any().item<bool>());
      x = x.clone();
      x[0][0][2][2] = NAN;
      const at::NoGradGuard no_grad;
      EXPECT(at::allclose(folded->Run({module._ivalue(), x}).toTensor(), plain.forward({x}).toTensor(), 1e-12,
                          1e-12, /*equal_nan=*/true));
    }
    if (NumFailures() != before) std::printf("    in the case: %s\n", c.name);
  }
}

void TestLayout() {
  const std::string plain = "torch.conv2d(x, self.weight)";
  const std::unique_ptr<FoldedForward> free = FoldForward(Make({"", Normed(plain), true}));
  EXPECT(free != nullptr && free->takes_channels_last());
  const std::string asks = Code(plain, std::string("z = ") + kNorm + "\n    return z * float(x.stride(1))");
  const std::unique_ptr<FoldedForward> bound = FoldForward(Make({"", asks, true}));
  EXPECT(bound != nullptr && !bound->takes_channels_last());
}

// Of the model that analyses use, in float32, where images have channels last, with what the layout does not
// allow.
void TestModel() {
  const std::string plain = "torch.conv2d(x, self.weight, self.bias)";
  const std::vector<std::string> ends = {"return torch.tanh(z).flatten(1)",
                                         "return torch.tanh(z).view([z.size(0), -1])"};
  for (const std::string& end : ends) {
    const torch::jit::Module module =
        Make({"", Code(plain, std::string("z = ") + kNorm + "\n    " + end), true});
    LoadOptions options;
    options.dtype = c10::kFloat;
    options.include_frozen = true;
    TorchScriptModel model(module, options);
    const Batch batch({Random({5, 4, 7, 6}, 9)}, std::nullopt, {at::kFloat, at::kFloat});
    const ScopedState state(model, MakeLeaves(*model.layout(), model.Parameters(), true), Mode::kEval);
    const auto run = [&](BatchNormForm form) { return model.Forward(batch, form).toTensor(); };
    const at::Tensor folded = run(BatchNormForm::kFolded);
    EXPECT(folded.sizes() == run(BatchNormForm::kPlain).sizes());
    EXPECT(at::allclose(folded, run(BatchNormForm::kPlain), 1e-5, 1e-6));
    EXPECT(!at::equal(folded, run(BatchNormForm::kPlain)));
  }
}

}  // namespace

std::vector<Test> FoldedForwardTests() {
  return {{"folded BatchNorm has the values and derivatives of the plain one", TestFolding},
          {"max-pooling before ReLU has the bits of ReLU before it", TestPoolingFirst},
          {"folded forward passes know whether images may have channels last", TestLayout},
          {"models fold in float32, also where a view does not allow channels last", TestModel}};
}

}  // namespace lossatlas
