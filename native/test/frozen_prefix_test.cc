// Forward passes from what comes before the moving parameters, against those of the whole model.
#include "core/frozen_prefix.h"

#include "check.h"
#include "core/inlined_graph.h"
#include "modules.h"

namespace lossatlas {
namespace {

struct Case {
  const char* name;
  std::string body;  // of forward(self, x), a statement a line; `last` is what moves
  int kept;          // values between the two parts, lists of settings among them; -1: they are not parted
};

const std::string kFirst = "y = torch.tanh(torch.conv2d(x, self.first, self.bias))\n";
const std::string kLast = "return torch.conv2d(y, self.last)";

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"two layers", kFirst + kLast, 1},
      {"ReLU in place before", "y = torch.relu_(torch.conv2d(x, self.first))\n" + kLast, 1},
      {"ReLU in place afterwards",
       "y = torch.conv2d(x, self.first)\nz = torch.conv2d(y, self.last)\n"
       "return torch.relu_(z)",
       1},
      {"a shortcut",
       kFirst + "z = torch.conv2d(y, self.last, None, [1, 1], [1, 1])\n"
                "return torch.relu_(z.add_(y.mean(1, True)))",
       3},
      {"a shortcut that is added to",
       kFirst + "z = torch.conv2d(y, self.last, None, [1, 1], [1, 1])\ny += 0.5\nreturn z.mean() * y", 3},
      {"a shortcut that is added to, seen by another",
       kFirst +
           "v = y[0]\nz = torch.conv2d(y, self.last, None, [1, 1], [1, 1])\ny += 0.5\nreturn z.mean() * v",
       -1},
      {"a list that grows",
       kFirst + "l = [y]\nl.append(torch.conv2d(y, self.last, None, [1, 1], [1, 1]))\nreturn torch.cat(l, 1)",
       -1},
      {"a list that grows before",
       kFirst + "l = [y]\nl.append(y * 2)\nz = torch.cat(l, 1)\nreturn z * torch.conv2d(y, self.last).sum()",
       -1},
      {"sizes", kFirst + "n = y.size(1)\nreturn torch.conv2d(y, self.last) * n", 2},
      {"a branch over the frozen", kFirst + "if bool(y.sum() > 0):\n    y = y * 2\n" + kLast, 1},
      {"the moving one in a branch",
       kFirst + "if bool(y.sum() > -1e9):\n    y = torch.conv2d(y, self.last)\nreturn y", 2},
      {"the input again", kFirst + "return torch.conv2d(y, self.last).sum() * x", 1},
      {"the frozen one read again", kFirst + "return torch.conv2d(y, self.last) * self.first.sum()", 1},
      {"eval mode", kFirst + "if self.training:\n    y = y * self.last.sum()\n" + kLast, 1},
      {"dropout in eval mode", "y = torch.dropout(torch.conv2d(x, self.first), 0.5, self.training)\n" + kLast,
       1},
      {"a frozen layer after the moving one",
       kFirst + "z = torch.conv2d(y, self.last)\nreturn torch.conv2d(z, self.back)", 1},

      {"the moving one first", "y = torch.conv2d(x, self.last1)\n" + kLast, -1},
      {"no layer before", "y = torch.tanh(x)[:, :3].repeat([1, 2, 1, 1])\n" + kLast, -1},
      {"drawn at random before",
       "y = torch.dropout(torch.conv2d(x, self.first), 0.5, True)\nreturn y.sum() * self.last", 1},
      {"a parameter written to", "self.bias.mul_(1.5)\n" + kFirst + kLast, -1},
      {"the input written to", "x.add_(0.5)\n" + kFirst + kLast, -1},
      {"an attribute assigned", "self.count = self.count + 1\n" + kFirst + kLast, -1},
  };
  return cases;
}

torch::jit::Module Make(const Case& c) {
  torch::jit::Module module("frozen");
  module.register_parameter("first", Random({6, 4, 3, 3}, 1), false);
  module.register_parameter("bias", Random({6}, 2), false);
  module.register_parameter("last", Random({1, 6, 3, 3}, 3), false);
  module.register_parameter("last1", Random({6, 4, 3, 3}, 4), false);
  module.register_parameter("back", Random({2, 1, 1, 1}, 5), false);
  module.register_buffer("count", at::zeros({}, at::kLong));
  module.register_attribute("training", c10::BoolType::get(), false);
  DefineForward(module, c.body);
  return module;
}

void TestCases() {
  const at::NoGradGuard no_grad;
  for (const Case& c : Cases()) {
    const int before = NumFailures();
    torch::jit::Module module = Make(c);
    std::set<const c10::TensorImpl*> moving;
    for (const char* name : {"last", "last1"})
      moving.insert(module.attr(name).toTensor().unsafeGetTensorImpl());
    const std::unique_ptr<FrozenPrefix> prefix =
        SplitAtMoving(module, InlinedEvalForward(module), moving, false);
    EXPECT((prefix != nullptr) == (c.kept >= 0));
    if (prefix != nullptr && c.kept >= 0) {
      const at::Tensor x = Random({5, 4, 7, 6}, 9);
      const std::vector<c10::IValue> values = prefix->Values({module._ivalue(), x});
      EXPECT(static_cast<int>(values.size()) == c.kept);
      const bool is_random = std::string(c.name).find("at random") != std::string::npos;
      const at::Tensor last = module.attr("last").toTensor();
      for (const double factor : {1.0, -0.5, 2.0}) {
        last.mul_(factor);
        at::manual_seed(3);
        const at::Tensor expected = module.forward({x.clone()}).toTensor();
        at::manual_seed(3);
        const at::Tensor got = prefix->Run({module._ivalue(), x}, values).toTensor();
        EXPECT(at::equal(got, expected));
        // Every point draws anew, as it does without a prefix.
        if (is_random) EXPECT(!at::equal(prefix->Run({module._ivalue(), x}, values).toTensor(), expected));
      }
      // What is kept was not written to.
      const std::vector<c10::IValue> again = prefix->Values({module._ivalue(), x});
      for (size_t i = 0; i < values.size(); ++i) {
        if (values[i].isTensor()) EXPECT(at::equal(values[i].toTensor(), again[i].toTensor()));
      }
    }
    if (NumFailures() != before) std::printf("    in the case: %s\n", c.name);
  }
}

}  // namespace

std::vector<Test> FrozenPrefixTests() {
  return {
      {"what comes before the moving parameters is parted where that is safe; passes from there give the "
       "same",
       TestCases}};
}

}  // namespace lossatlas
