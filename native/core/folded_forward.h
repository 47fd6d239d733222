// A forward pass in eval mode with fewer passes over activations, which is differentiated as it is: BatchNorm
// folded into the convolution before it, max-pooling before ReLU, and convolutions of traced modules as
// scripted ones have them.
#pragma once
#include <memory>
#include <set>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// The forward pass of a module in eval mode where every BatchNorm that follows a convolution whose output
// nobody else reads is part of it: weight' = weight · s and bias' = (bias − mean) · s + β with s = γ /
// √(variance + ε). These are operators of the graph, so that all derivatives stay exact, and the passes over
// activations go. Then PoolFirst.
class FoldedForward {
 public:
  FoldedForward(std::shared_ptr<torch::jit::Graph> graph, bool folds_batch_norm);

  // The module, and what its forward method takes. Without gradients convolutions have their ends
  // (EndConvolutions).
  c10::IValue Run(std::vector<c10::IValue> arguments) const;
  bool folds_batch_norm() const { return folds_batch_norm_; }
  // Whether it may have its images with channels last in memory, which pays where BatchNorm is folded: no
  // operator asks how they lie.
  bool takes_channels_last() const { return takes_channels_last_; }
  std::shared_ptr<torch::jit::Graph> CopyGraph() const;
  // The tensors of the module, as it has them now, that are weights of convolutions over images and nothing
  // else.
  std::set<const c10::TensorImpl*> ImageWeights(const torch::jit::Module& module) const;

 private:
  std::unique_ptr<torch::jit::GraphFunction> function_;
  std::unique_ptr<torch::jit::GraphFunction> ended_;  // the same
  bool folds_batch_norm_;
  bool takes_channels_last_;
};

// Null where there is nothing to do, and with LOSSATLAS_FOLDING=libtorch.
std::unique_ptr<FoldedForward> FoldForward(const torch::jit::Module& module);

}  // namespace lossatlas
