#include "core/affine_proof.h"

#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/functions/tensor.h>
#include <torch/csrc/autograd/generated/Functions.h>

#include <cctype>
#include <map>
#include <set>
#include <utility>

namespace lossatlas {
namespace {

using torch::autograd::Node;

// Piecewise linear in all tensors that they take together.
const std::set<std::string> kLinear = {
    "Abs",
    "AdaptiveAvgPool2D",
    "AdaptiveAvgPool3D",
    "AdaptiveMaxPool2D",
    "AdaptiveMaxPool3D",
    "Add",
    "Alias",
    "Amax",
    "Amin",
    "AsStrided",
    "AvgPool2D",
    "AvgPool3D",
    "Cat",
    "ChannelShuffle",
    "Chunk",
    "Clamp",
    "ClampMax",
    "ClampMin",
    "Clone",
    "Col2Im",
    "ConstantPadNd",
    "CopyBackwards",
    "Cumsum",
    "Diagonal",
    "DiagonalScatter",
    "Embedding",
    "Expand",
    "Fill",
    "Flip",
    "Gather",
    "Hardshrink",
    "Hardtanh",
    "Im2Col",
    "Index",
    "IndexAdd",
    "IndexSelect",
    "LeakyRelu",
    "MaskedFill",
    "MaskedSelect",
    "Max",
    "MaxPool2DWithIndices",
    "MaxPool3DWithIndices",
    "Maximum",
    "Mean",
    "Median",
    "Min",
    "Minimum",
    "MkldnnAdaptiveAvgPool2D",
    "NarrowCopy",
    "NativeDropout",
    "Neg",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "ReflectionPad1D",
    "ReflectionPad2D",
    "ReflectionPad3D",
    "Relu",
    "Repeat",
    "ReplicationPad1D",
    "ReplicationPad2D",
    "ReplicationPad3D",
    "ReshapeAlias",
    "ReshapeCopy",
    "Roll",
    "Rot90",
    "Rsub",
    "Select",
    "SelectScatter",
    "Slice",
    "SliceScatter",
    "Softshrink",
    "Split",
    "SplitWithSizes",
    "Squeeze",
    "Stack",
    "Sub",
    "Sum",
    "T",
    "Threshold",
    "ToCopy",
    "Topk",
    "Trace",
    "Transpose",
    "Tril",
    "Triu",
    "Unbind",
    "Unfold",
    "UnsafeSplit",
    "UnsafeSplitWithSizes",
    "UnsafeView",
    "Unsqueeze",
    "UpsampleBicubic2D",
    "UpsampleBilinear2D",
    "UpsampleLinear1D",
    "UpsampleNearest1D",
    "UpsampleNearest2D",
    "UpsampleNearest3D",
    "UpsampleTrilinear3D",
    "View",
    "Where",
    "Zero",
};

// Sums of products: linear in either factor alone (the pair), and in what they add to it. Arguments by place.
const std::map<std::string, std::pair<size_t, size_t>> kProducts = {
    {"Addbmm", {1, 2}},
    {"Addcmul", {1, 2}},
    {"Addmm", {1, 2}},
    {"Addmv", {1, 2}},
    {"Addr", {1, 2}},
    {"Baddbmm", {1, 2}},
    {"Bmm", {0, 1}},
    {"ConvDepthwise2D", {0, 1}},
    {"Convolution", {0, 1}},
    {"ConvolutionOverrideable", {0, 1}},
    {"CudnnConvolution", {0, 1}},
    {"Dot", {0, 1}},
    {"Linear", {0, 1}},
    {"MkldnnConvolution", {0, 1}},
    {"MkldnnLinear", {0, 1}},
    {"Mm", {0, 1}},
    {"Mul", {0, 1}},
    {"Mv", {0, 1}},
    {"PreluKernel", {0, 1}},
    {"SlowConv2D", {0, 1}},
    {"SlowConv3D", {0, 1}},
    {"SlowConvDilated2D", {0, 1}},
    {"SlowConvDilated3D", {0, 1}},
    {"SlowConvTranspose2D", {0, 1}},
    {"SlowConvTranspose3D", {0, 1}},
};

// Linear in all but one argument.
const std::map<std::string, size_t> kNonlinearIn = {
    {"Div", 1},
    {"FusedRmsNorm", 0},
    {"NativeGroupNorm", 0},
    {"NativeLayerNorm", 0},
};

bool StartsWith(const std::string& text, const std::string& part) { return text.rfind(part, 0) == 0; }

// AddmmBackward0 -> Addmm
std::string OperatorOf(const Node& node) {
  std::string name = node.name();
  const size_t colons = name.rfind("::");
  if (colons != std::string::npos) name = name.substr(colons + 2);
  size_t end = name.size();
  while (end > 0 && std::isdigit(static_cast<unsigned char>(name[end - 1])) != 0) --end;
  const std::string suffix = "Backward";
  const bool has_suffix =
      end > suffix.size() && name.compare(end - suffix.size(), suffix.size(), suffix) == 0;
  return has_suffix ? name.substr(0, end - suffix.size()) : name;
}

// BatchNorm with constant statistics is a product of input and weight; with the batch's own it is nonlinear.
template <class Function>
bool NormalisesByBatch(const Node& node) {
  const auto* function = dynamic_cast<const Function*>(&node);
  return function == nullptr || function->training;
}

bool NormalisesByBatch(const std::string& name, const Node& node) {
  namespace generated = torch::autograd::generated;
  if (name == "NativeBatchNorm") return NormalisesByBatch<generated::NativeBatchNormBackward0>(node);
  if (name == "CudnnBatchNorm") return NormalisesByBatch<generated::CudnnBatchNormBackward0>(node);
  if (name == "MiopenBatchNorm") return NormalisesByBatch<generated::MiopenBatchNormBackward0>(node);
  return name != "NativeBatchNormLegitNoTraining";
}

class Proof {
 public:
  Proof(const std::vector<at::Tensor>& leaves, const std::vector<std::string>& names) : names_(names) {
    for (size_t i = 0; i < leaves.size(); ++i) places_[leaves[i].unsafeGetTensorImpl()] = i;
  }

  // Nodes after what they depend on; no recursion, since networks may be deep.
  std::string Run(Node* root) {
    std::vector<std::pair<Node*, size_t>> stack{{root, 0}};
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < node->num_outputs()) {
        Node* input = node->next_edge(next++).function.get();
        if (input != nullptr && !leaves_of_.contains(input)) stack.emplace_back(input, 0);
        continue;
      }
      Node* done = node;
      stack.pop_back();
      if (leaves_of_.contains(done)) continue;
      const std::string obstacle = Examine(*done);
      if (!obstacle.empty()) return obstacle;
    }
    return "";
  }

 private:
  using Leaves = std::set<size_t>;

  const Leaves& LeavesOf(const Node& node, size_t input) const {
    static const Leaves none;
    if (input >= node.num_outputs()) return none;
    const Node* function = node.next_edge(input).function.get();
    return function == nullptr ? none : leaves_of_.at(function);
  }

  std::string Examine(Node& node) {
    Leaves& own = leaves_of_[&node];
    if (const auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(&node)) {
      const auto place = places_.find(leaf->variable.unsafeGetTensorImpl());
      if (place != places_.end()) own.insert(place->second);
      return "";
    }
    for (size_t i = 0; i < node.num_outputs(); ++i) {
      const Leaves& of_input = LeavesOf(node, i);
      own.insert(of_input.begin(), of_input.end());
    }
    if (own.empty()) return "";
    // What was done in place to a view of a tensor.
    const auto* in_place = dynamic_cast<torch::autograd::CopySlices*>(&node);
    const std::string name = OperatorOf(in_place != nullptr && in_place->fn ? *in_place->fn : node);
    if (in_place != nullptr && !kLinear.contains(name)) return NotLinear(name, own);
    if (kLinear.contains(name)) return "";
    if (const auto product = kProducts.find(name); product != kProducts.end())
      return ExamineProduct(name, node, product->second);
    if (const auto place = kNonlinearIn.find(name); place != kNonlinearIn.end())
      return LeavesOf(node, place->second).empty() ? "" : NotLinear(name, LeavesOf(node, place->second));
    if (name.find("BatchNorm") != std::string::npos && !StartsWith(name, "BatchNorm")) {
      if (!NormalisesByBatch(name, node)) return ExamineProduct(name, node, {0, 1});
      if (LeavesOf(node, 0).empty()) return "";
      return "the operator '" + name + "' normalises by the statistics of the batch, which depend on " +
             Name(LeavesOf(node, 0)) + " (mode 'eval' does not)";
    }
    return NotLinear(name, own);
  }

  std::string ExamineProduct(const std::string& name, const Node& node, std::pair<size_t, size_t> factors) {
    const Leaves& a = LeavesOf(node, factors.first);
    const Leaves& b = LeavesOf(node, factors.second);
    Leaves common;
    for (const size_t leaf : a) {
      if (b.contains(leaf)) common.insert(leaf);
    }
    if (common.empty()) return "";
    return "the operator '" + name + "' multiplies two factors that both depend on " + Name(common);
  }

  std::string NotLinear(const std::string& name, const Leaves& leaves) const {
    return "the operator '" + name + "' is not known to be piecewise linear, and works on what depends on " +
           Name(leaves);
  }

  std::string Name(const Leaves& leaves) const {
    const std::string first = "'" + names_[*leaves.begin()] + "'";
    return leaves.size() == 1 ? first : first + " and " + std::to_string(leaves.size() - 1) + " more";
  }

  const std::vector<std::string>& names_;
  std::map<const void*, size_t> places_;
  // The leaves that each node depends on.
  std::map<const Node*, Leaves> leaves_of_;
};

}  // namespace

std::string FindNonAffine(const at::Tensor& output, const std::vector<at::Tensor>& leaves,
                          const std::vector<std::string>& names, bool ends_in_log_softmax) {
  Node* root = output.grad_fn().get();
  if (root == nullptr) return "";
  if (ends_in_log_softmax && OperatorOf(*root) == "LogSoftmax") root = root->next_edge(0).function.get();
  return root == nullptr ? "" : Proof(leaves, names).Run(root);
}

}  // namespace lossatlas
