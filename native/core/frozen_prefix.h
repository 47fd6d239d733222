// The beginning of a forward pass in eval mode, up to the first operator that reads something that moves:
// what points share whose first layers are the same.
#pragma once
#include <memory>
#include <set>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

class FrozenPrefix {
 public:
  // `written`: places of values that `rest` writes to.
  FrozenPrefix(std::shared_ptr<torch::jit::Graph> prefix, std::shared_ptr<torch::jit::Graph> rest,
               std::set<size_t> written, bool takes_channels_last);

  // What the rest reads of it; of the module and what its forward method takes.
  std::vector<c10::IValue> Values(std::vector<c10::IValue> arguments) const;
  // The forward pass from there. The values stay as they are.
  c10::IValue Run(std::vector<c10::IValue> arguments, const std::vector<c10::IValue>& values) const;

  // Places of the values that are copied for each Run.
  const std::set<size_t>& written() const { return written_; }
  // As of FoldedForward.
  bool takes_channels_last() const { return takes_channels_last_; }
  // Whether the rest reads what the forward method takes, too.
  bool reads_arguments() const { return reads_arguments_; }

 private:
  std::unique_ptr<torch::jit::GraphFunction> prefix_;
  std::unique_ptr<torch::jit::GraphFunction> rest_;
  std::set<size_t> written_;
  bool takes_channels_last_;
  bool reads_arguments_ = false;
};

// Of an inlined graph of the module in eval mode, which is spent. `moving`: the tensors of the module, as it
// has them now, that differ from point to point. Null where no layer comes before them, and where what is
// kept could be written to unseen.
std::unique_ptr<FrozenPrefix> SplitAtMoving(const torch::jit::Module& module,
                                            const std::shared_ptr<torch::jit::Graph>& graph,
                                            const std::set<const c10::TensorImpl*>& moving,
                                            bool takes_channels_last);

}  // namespace lossatlas
