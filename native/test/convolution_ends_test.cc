// Convolutions with their ends against the forward pass as it was written.
#include "core/convolution_ends.h"

#include "check.h"
#include "core/inlined_graph.h"
#include "core/precision.h"
#include "core/thread_state.h"
#include "core/winograd_operators.h"
#include "modules.h"

namespace lossatlas {
namespace {

struct Case {
  const char* name;
  std::string body;  // of forward(self, x), a statement a line
  int ended;         // convolutions that end in something
};

const std::string kFirst = "y = torch.conv2d(x, self.first, self.bias, [1, 1], [1, 1])\n";

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"ReLU", kFirst + "return torch.relu(y)", 1},
      {"ReLU in place", kFirst + "return torch.relu_(y)", 1},
      {"as traced",
       "y = torch._convolution(x, self.first, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, "
       "True, True)\nreturn torch.relu(y)",
       0},
      {"a stride", "return torch.relu(torch.conv2d(x, self.first, self.bias, [2, 2], [1, 1]))", 1},
      {"a shortcut", kFirst + "return y + x", 1},
      {"a shortcut first", kFirst + "return torch.relu(x + y)", 1},
      {"a shortcut in place", kFirst + "y += x\nreturn torch.relu_(y)", 1},
      {"a shortcut that is computed afterwards",
       kFirst + "z = torch.conv2d(x, self.last, None, [1, 1], [1, 1])\nreturn torch.relu(y + z)", 1},
      {"a shortcut with a ReLU of its own",
       kFirst +
           "z = torch.relu(torch.conv2d(x, self.last, None, [1, 1], [1, 1]))\ny += z\nreturn torch.relu_(y)",
       2},
      {"a shortcut from what was ended",
       kFirst + "y = torch.relu(y)\nz = torch.relu(torch.conv2d(y, self.last, None, [1, 1], [1, 1]))\n"
                "z = torch.conv2d(z, self.first, None, [1, 1], [1, 1])\nz += y\nreturn torch.relu_(z)",
       3},
      {"two convolutions that are added",
       kFirst + "return torch.relu(y + torch.conv2d(x, self.last, None, [1, 1], [1, 1]))", 1},
      {"two layers", kFirst + "y = torch.relu_(y)\nreturn torch.relu(torch.conv2d(y, self.last) )", 2},
      {"a shortcut of one column", kFirst + "return torch.relu(y + x.mean(3, True))", 1},
      {"a larger shortcut", kFirst + "return torch.relu(y + torch.stack([x, x]))", 1},
      {"in a branch",
       kFirst + "if bool(x.sum() > -1e9):\n    y = torch.relu(torch.conv2d(x, self.last))\nreturn y", 1},
      {"a module without images", "return torch.relu(torch.conv1d(x.flatten(2), self.line))", 0},
      {"another factor", kFirst + "return torch.add(y, x, alpha=2)", 0},
      {"a number", kFirst + "return y + 1.5", 0},
      {"twice itself", kFirst + "return y + y", 0},
      {"into the shortcut", kFirst + "z = x.clone()\nz += y\nreturn z", 0},
      {"read elsewhere", kFirst + "return torch.relu(y) + y.mean()", 0},
      {"the sum read elsewhere", kFirst + "z = y + x\nreturn torch.relu(z) * z.mean()", 1},
      {"padding in words", "return torch.relu(torch.conv2d(x, self.first, None, [1, 1], 'same'))", 0},
      {"transposed", "return torch.relu(torch.conv_transpose2d(x, self.first))", 0},
      {"the input written in between", "x = x.clone()\n" + kFirst + "x.mul_(2.0)\nreturn torch.relu(y + x)",
       0},
      {"the weight written in between",
       "w = self.first.clone()\ny = torch.conv2d(x, w)\nw.zero_()\nreturn torch.relu(y + w.sum())", 0},
      {"the weight written afterwards",
       "w = self.first.clone()\ny = torch.conv2d(x, w)\nw.zero_()\nreturn torch.relu(y)", 1},
      {"the shortcut written afterwards",
       "z = x.clone()\ny = torch.conv2d(x, self.first, None, [1, 1], [1, 1])\ny = y + z\nz.zero_()\n"
       "return torch.relu(y)",
       1},
  };
  return cases;
}

int CountEnded(torch::jit::Graph& graph) {
  int count = 0;
  ForEachNode(graph.block(), [&](torch::jit::Node* node) {
    count += std::string(node->kind().toQualString()) == "lossatlas::ended_conv2d" ? 1 : 0;
  });
  return count;
}

void TestEnds() {
  const ThreadState state;
  for (const Case& c : Cases()) {
    const int before = NumFailures();
    torch::jit::Module module("ends");
    module.register_parameter("first", Random({16, 16, 3, 3}, 1, c10::kFloat), false);
    module.register_parameter("bias", Random({16}, 2, c10::kFloat), false);
    module.register_parameter("last", Random({16, 16, 3, 3}, 3, c10::kFloat), false);
    module.register_parameter("line", Random({16, 16, 3}, 4, c10::kFloat), false);
    module.register_attribute("training", c10::BoolType::get(), false);
    DefineForward(module, c.body);
    const std::shared_ptr<torch::jit::Graph> graph = InlinedEvalForward(module);
    std::shared_ptr<torch::jit::Graph> ended = graph->copy();
    EndConvolutions(ended);
    EXPECT(CountEnded(*ended) == c.ended);
    torch::jit::GraphFunction plain("plain", graph, nullptr);
    torch::jit::GraphFunction with_ends("ended", ended, nullptr);
    for (const bool channels_last : {true, false}) {
      at::Tensor x = Random({6, 16, 14, 13}, 9, c10::kFloat);
      if (channels_last) x = x.contiguous(at::MemoryFormat::ChannelsLast);
      x[0][0][3][3] = NAN;
      const auto run = [&](torch::jit::GraphFunction& function) {
        std::vector<c10::IValue> stack = {module._ivalue(), x.clone()};
        function.run(stack);
        return stack.front().toTensor();
      };
      const auto are_same = [&](const at::Tensor& a, const at::Tensor& b) {
        return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
               at::allclose(a, b, 0, 0, /*equal_nan=*/true);
      };
      const bool grows = std::string(c.name) == "a larger shortcut";
      for (const bool has_gradients : {false, true}) {
        const at::AutoGradMode mode(has_gradients);
        EXPECT(are_same(run(with_ends), run(plain)));
        const ScopedWinograd winograd;
        EXPECT(are_same(run(with_ends), run(plain)));
        if (channels_last && c.ended > 0 && !grows && std::string(c.name) != "a stride")
          EXPECT(winograd.filtered());
        const ScopedPrecision half(Precision::kBfloat16, c10::Device(c10::kCPU));
        EXPECT(are_same(run(with_ends), run(plain)));
      }
    }
    if (NumFailures() != before) std::printf("    in the case: %s\n", c.name);
  }
}

}  // namespace

std::vector<Test> ConvolutionEndsTests() {
  return {{"convolutions with their ends have the bits of those without", TestEnds}};
}

}  // namespace lossatlas
