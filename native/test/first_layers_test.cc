// First layers found in graphs, and forward passes from their outputs against those of the whole model.
#include "core/first_layers.h"

#include <limits>

#include "check.h"
#include "core/combination.h"
#include "modules.h"

namespace lossatlas {
namespace {

struct Case {
  const char* name;
  std::string body;  // of forward(self, x), a statement a line
  int layers;        // -1: none are found
  bool pools = false;
  bool rectifies = false;
};

const std::string kConv = "torch.conv2d(x, self.weight, self.bias)";

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"a convolution", "return torch.tanh(" + kConv + ")", 1},
      {"no bias", "return torch.tanh(torch.conv2d(x, self.weight))", 1},
      {"a bias that is None", "return torch.tanh(torch.conv2d(x, self.weight, self.maybe))", 1},
      {"as traced",
       "return torch.tanh(torch._convolution(x, self.weight, self.bias, [1, 1], [0, 0], [1, 1], False, [0, "
       "0], "
       "1, False, False, True, True))",
       1},
      {"padding in words", "return torch.conv2d(x, self.weight, None, [1, 1], 'same')", 1},
      {"linear on a view", "return torch.linear(x.flatten(2), self.matrix, None)", 1},
      {"the input shifted and padded",
       "y = torch.reflection_pad2d(x - 0.5, [1, 1, 1, 1])\nreturn torch.conv2d(y, self.weight)", 1},
      {"the input divided, by branches that older files have",
       "if x.is_floating_point():\n    y = x / 2\nelse:\n    y = x * 2\nreturn torch.conv2d(y, self.weight)",
       1},
      {"two of one weight", "return torch.conv2d(x, self.weight) * torch.conv2d(2 * x, self.weight)", 2},
      {"the weight read elsewhere", "return " + kConv + " * self.weight.sum()", 1},
      {"ReLU", "return torch.tanh(torch.relu(" + kConv + "))", 1, false, true},
      {"ReLU in place", "return torch.tanh(torch.relu_(" + kConv + "))", 1, false, true},
      {"ReLU and pooling", "return torch.max_pool2d(torch.relu(" + kConv + "), [2, 2])", 1, true, true},
      {"pooling and ReLU", "return torch.relu(torch.max_pool2d(" + kConv + ", [2, 2], [2, 2]))", 1, true,
       true},
      {"pooling twice", "return torch.max_pool2d(torch.max_pool2d(" + kConv + ", [2, 2]), [2, 2])", 1, true,
       false},
      {"other windows", "return torch.max_pool2d(torch.relu(" + kConv + "), [3, 3], [2, 2])", 1, false, true},
      {"padded windows", "return torch.max_pool2d(" + kConv + ", [2, 2], [2, 2], [1, 1])", 1},
      {"windows rounded up", "return torch.max_pool2d(" + kConv + ", [2, 2], [2, 2], [0, 0], [1, 1], True)",
       1},
      {"a window that is written to",
       "k = [2, 2]\nk[0] = 3\nreturn torch.max_pool2d(" + kConv + ", k, [2, 2])", 1},
      {"ReLU and pooling of a second layer",
       "y = torch.conv2d(torch.tanh(" + kConv +
           "), self.second)\nreturn torch.max_pool2d(torch.relu(y), [2, 2])",
       1},
      {"ReLU in place and pooling of a second layer, read again",
       "y = torch.conv2d(torch.tanh(" + kConv +
           "), self.second)\nz = torch.max_pool2d(torch.relu_(y), [2, 2])\n"
           "return z.sum() + y",
       1},
      {"the output read twice", "y = " + kConv + "\nreturn torch.relu(y) + y", 1},
      {"the output written to", "y = " + kConv + "\nz = torch.relu(y)\ny += 1.0\nreturn y * z", 1},
      {"the rectified one read twice",
       "y = torch.relu(" + kConv + ")\nreturn torch.max_pool2d(y, [2, 2]).sum() + y", 1, false, true},
      {"a branch afterwards", "y = " + kConv + "\nif self.training:\n    y = y + 1.0\nreturn torch.tanh(y)",
       1},
      {"pooling in a branch",
       "y = " + kConv + "\nif bool(x.sum() > 0):\n    y = torch.max_pool2d(y, [2, 2])\nreturn y", 1},
      {"a counter written to", "self.count.add_(1)\nreturn torch.tanh(" + kConv + ")", 1},

      {"in a branch", "if bool(x.sum() > 0):\n    return " + kConv + "\nelse:\n    return x", -1},
      {"in a loop", "y = x\nfor i in range(int(x.size(0))):\n    y = " + kConv + "\nreturn y", -1},
      {"the input written to before", "x.add_(0.5)\nreturn torch.tanh(" + kConv + ")", -1},
      {"the input written to afterwards", "y = torch.tanh(" + kConv + ")\nx.add_(0.5)\nreturn y", -1},
      {"a view of the input written to", "x[0].mul_(2.0)\nreturn torch.tanh(" + kConv + ")", -1},
      {"a copy of the input written to", "y = x.clone()\ny.mul_(2.0)\nreturn torch.conv2d(y, self.weight)",
       -1},
      {"the weight written to", "self.weight.mul_(0.5)\nreturn torch.tanh(" + kConv + ")", -1},
      {"the weight assigned", "self.weight = self.weight * 2\nreturn torch.tanh(" + kConv + ")", -1},
      {"the weight computed", "return torch.conv2d(x, self.weight * self.weight)", -1},
      {"a buffer in the input", "return torch.conv2d(x * self.mean, self.weight)", -1},
      {"a parameter in the input", "return torch.conv2d(x * self.matrix.sum(), self.weight)", -1},
      {"the input drawn at random", "return torch.conv2d(torch.dropout(x, 0.5, True), self.weight)", -1},
      {"not the first", "return torch.conv2d(torch.tanh(x), self.weight)", -1},
      {"nothing linear", "return torch.tanh(x) * self.weight.sum()", -1},
  };
  return cases;
}

torch::jit::Module Make(const Case& c) {
  torch::jit::Module module("first");
  module.register_parameter("weight", Random({6, 4, 3, 3}, 1), false);
  module.register_parameter("bias", Random({6}, 2), false);
  module.register_parameter("matrix", Random({3, 42}, 3), false);
  module.register_parameter("second", Random({3, 6, 2, 2}, 5), false);
  module.register_buffer("mean", Random({1}, 4));
  module.register_buffer("count", at::zeros({}, at::kLong));
  module.register_attribute("training", c10::BoolType::get(), false);
  module.register_attribute("maybe", c10::OptionalType::ofTensor(), c10::IValue());
  DefineForward(module, c.body);
  return module;
}

// The module's parameters are origin + a·first + b·second.
void SetPoint(torch::jit::Module& module, const std::vector<at::Tensor>& origin, double a, double b) {
  const at::NoGradGuard no_grad;
  size_t i = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    parameter.copy_(origin[i] + a * Random(parameter.sizes(), 20 + i) +
                    b * Random(parameter.sizes(), 30 + i));
    ++i;
  }
}

void TestCases() {
  const at::NoGradGuard no_grad;
  for (const Case& c : Cases()) {
    const int before = NumFailures();
    torch::jit::Module module = Make(c);
    const std::unique_ptr<FirstLayers> first = FindFirstLayers(module);
    EXPECT((first != nullptr) == (c.layers >= 0));
    if (first != nullptr && c.layers >= 0) {
      EXPECT(static_cast<int>(first->ends().size()) == c.layers);
      EXPECT(first->ends()[0].pools == c.pools && first->ends()[0].rectifies == c.rectifies);
      const at::Tensor x = Random({5, 4, 7, 6}, 9);
      std::vector<at::Tensor> origin;
      for (const at::Tensor& parameter : module.parameters()) origin.push_back(parameter.clone());
      const std::vector<at::Tensor> zero(origin.size(), at::zeros({}, at::kDouble));
      const auto outputs = [&](const std::vector<at::Tensor>& from, double a, double b) {
        SetPoint(module, from, a, b);
        return first->Outputs({module._ivalue(), x});
      };
      const std::vector<at::Tensor> at_origin = outputs(origin, 0, 0);
      const std::vector<at::Tensor> along_first = outputs(zero, 1, 0);
      const std::vector<at::Tensor> along_second = outputs(zero, 0, 1);
      const std::vector<double> points = {0, 0, 0.5, 0, 0, -1, 0.7, 1.3};
      std::vector<std::vector<at::Tensor>> ended(4);
      for (size_t layer = 0; layer < at_origin.size(); ++layer) {
        const std::vector<at::Tensor> made =
            Combine({at_origin[layer], along_first[layer], along_second[layer]}, points.data(), 4,
                    first->ends()[layer]);
        for (size_t p = 0; p < 4; ++p) ended[p].push_back(made[p]);
      }
      for (size_t p = 0; p < 4; ++p) {
        SetPoint(module, origin, points[2 * p], points[2 * p + 1]);
        const at::Tensor expected = module.forward({x.clone()}).toTensor();
        const at::Tensor got = first->Run({module._ivalue(), x}, ended[p]).toTensor();
        EXPECT(at::allclose(got, expected, 1e-12, 1e-12));
      }
      // What is kept was not written to.
      const std::vector<at::Tensor> again = outputs(origin, 0, 0);
      for (size_t layer = 0; layer < again.size(); ++layer) EXPECT(at::equal(again[layer], at_origin[layer]));
    }
    if (NumFailures() != before) std::printf("    in the case: %s\n", c.name);
  }
}

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && at::allclose(a, b, /*rtol=*/0, /*atol=*/0, /*equal_nan=*/true);
}

// One pass against one operator after the other; and each point against itself in other company.
void TestCombination() {
  const at::NoGradGuard no_grad;
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const c10::ScalarType type : {c10::kFloat, c10::kDouble}) {
    for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{{3, 4, 8, 10},
                                                                               {2, 3, 7, 9},
                                                                               {1, 1, 2, 2},
                                                                               {4, 5, 1, 6},
                                                                               {5, 64, 66},
                                                                               {33, 6, 28, 28},
                                                                               {7, 2, 5, 40}}) {
      std::vector<at::Tensor> terms = {Random(shape, 1, type), Random(shape, 2, type), Random(shape, 3, type),
                                       at::Tensor(), Random(shape, 4, type)};
      for (int64_t i = 0; i < terms[0].numel(); i += 11)
        terms[0].view(-1)[i] = i % 3 == 0 ? nan : i % 3 == 1 ? infinity : -infinity;
      const std::vector<double> points = {0,   0, 0, 0, 1, 0, 0, 0,  0,   -0.5, 1, 0,
                                          0.3, 2, 0, 0, 2, 3, 4, -1, 0.1, 0,    0, 5};
      for (const LayerEnd end :
           {LayerEnd{false, false}, LayerEnd{false, true}, LayerEnd{true, false}, LayerEnd{true, true}}) {
        if (end.pools && shape[shape.size() - 2] < 2) continue;
        const std::vector<at::Tensor> sums = Combine(terms, points.data(), 6, {});
        const std::vector<at::Tensor> got = Combine(terms, points.data(), 6, end);
        for (int64_t p = 0; p < 6; ++p) {
          at::Tensor expected = end.rectifies ? at::relu(sums[p]) : sums[p];
          if (end.pools) expected = at::max_pool2d(expected, {2, 2}, {2, 2});
          EXPECT(SameBits(got[p], expected));
          EXPECT(SameBits(Combine(terms, points.data() + 4 * p, 1, end)[0], got[p]));
          at::Tensor plain = terms[0].to(c10::kDouble);
          for (size_t i : {1, 2, 4}) {
            if (points[4 * p + i - 1] != 0) plain = plain + points[4 * p + i - 1] * terms[i].to(c10::kDouble);
          }
          const double tolerance = type == c10::kFloat ? 1e-5 : 1e-13;
          EXPECT(at::allclose(sums[p].to(c10::kDouble), plain, tolerance, tolerance, true));
        }
      }
    }
  }
}

// Layouts that the kernel leaves to libtorch.
void TestLayouts() {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> terms = {Random({2, 4, 6, 8}, 1), Random({2, 4, 6, 8}, 2)};
  std::vector<at::Tensor> last;
  for (const at::Tensor& term : terms) last.push_back(term.contiguous(at::MemoryFormat::ChannelsLast));
  const double points[] = {0.5, 0};
  for (const LayerEnd end : {LayerEnd{false, false}, LayerEnd{true, true}}) {
    const std::vector<at::Tensor> got = Combine(last, points, 2, end);
    const std::vector<at::Tensor> expected = Combine(terms, points, 2, end);
    for (size_t p = 0; p < 2; ++p) EXPECT(at::allclose(got[p], expected[p], 1e-14, 1e-14));
  }
}

}  // namespace

std::vector<Test> FirstLayersTests() {
  return {{"first layers are found where the graph allows it; from their outputs on models give the same",
           TestCases},
          {"combinations with their ends in one pass are those of one step after the other", TestCombination},
          {"combinations in layouts of any kind", TestLayouts}};
}

}  // namespace lossatlas
