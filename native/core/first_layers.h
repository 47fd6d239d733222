// The layers of a model that are linear in their parameters and see nothing but the model's input: at points
// origin + Σᵢ aᵢ·directionᵢ their outputs are A + Σᵢ aᵢ·Bᵢ, with A and Bᵢ what the same layers give for the
// origin and for each direction in the place of the parameters.
#pragma once
#include <memory>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// What follows a layer and nothing else reads in between, so that it can be done in the same pass over
// memory: max-pooling over windows of 2 × 2 with stride 2, and ReLU. The order of the two changes nothing.
struct LayerEnd {
  bool pools = false;
  bool rectifies = false;
};

class FirstLayers {
 public:
  FirstLayers(std::shared_ptr<torch::jit::Graph> layers, std::shared_ptr<torch::jit::Graph> rest,
              std::vector<LayerEnd> ends);

  // The output of each layer, without its end, of the module and what its forward method takes.
  std::vector<at::Tensor> Outputs(std::vector<c10::IValue> arguments) const;
  // The forward pass from there: `ended` has each layer's output after its end, and may be written to.
  c10::IValue Run(std::vector<c10::IValue> arguments, std::vector<at::Tensor> ended) const;
  const std::vector<LayerEnd>& ends() const { return ends_; }
  // Whether Run reads what the forward method takes, too.
  bool reads_arguments() const { return reads_arguments_; }

 private:
  std::unique_ptr<torch::jit::GraphFunction> layers_;
  std::unique_ptr<torch::jit::GraphFunction> rest_;
  std::vector<LayerEnd> ends_;
  bool reads_arguments_;
};

// Null where the graph shows no such layer, and with LOSSATLAS_FIRST_LAYER=libtorch. Every parameter and
// buffer that a layer of them reads is an attribute, which nothing writes to.
std::unique_ptr<FirstLayers> FindFirstLayers(const torch::jit::Module& module);

}  // namespace lossatlas
