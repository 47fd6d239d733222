// What a graph writes to.
#pragma once
#include <torch/csrc/jit/ir/alias_analysis.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/torch.h"

namespace lossatlas {

// An attribute of the module or of one inside it, or the module.
bool IsAttribute(const torch::jit::Graph& graph, const torch::jit::Value* value);

// Operators that may give back a tensor that they are given, or a view of it, though their schema does not
// say so.
bool MayPassOn(const torch::jit::Node& node);

// Code that cannot be seen in the graph: it may write to anything, and draw at random.
bool IsUnseen(const torch::jit::Node& node);

class GraphWrites {
 public:
  // `module` has its tensors in place.
  GraphWrites(const torch::jit::Module& module, const std::shared_ptr<torch::jit::Graph>& graph);

  bool are_known() const { return are_known_; }
  bool AssignsAttribute(const std::string& name) const { return assigned_.contains(name); }
  bool assigns_attributes() const { return !assigned_.empty(); }
  // Whether what is written to may be one of `values`, or in them.
  bool MayReach(const std::vector<torch::jit::Value*>& values);
  // What the nodes, with what is in their blocks, write to: values that may be others under another name too.
  std::vector<torch::jit::Value*> WrittenBy(const std::vector<torch::jit::Node*>& nodes);
  bool MayShare(torch::jit::Value* a, torch::jit::Value* b);

 private:
  void Add(torch::jit::Node& node);
  // Adds what is the same tensor by operators that give back what they are given.
  void AddUnseenAliases(std::vector<torch::jit::Value*>& values);
  bool Reaches(torch::jit::Value* written, const std::set<const void*>& own,
               const std::vector<torch::jit::Value*>& values);
  // The tensor that `value` reads from an attribute; null for anything else.
  const void* AttributeTensor(const torch::jit::Value* value) const;

  const torch::jit::Module& module_;
  const torch::jit::Graph& graph_;
  torch::jit::AliasDb aliases_;
  std::vector<torch::jit::Value*> written_;
  std::vector<torch::jit::Node*> passing_on_;
  std::set<std::string> assigned_;
  bool are_known_ = true;
};

}  // namespace lossatlas
