// Products with the sum of several graphs' matrices, some graphs at a time.
#pragma once
#include <memory>
#include <vector>

#include "core/curvature_graph.h"

namespace lossatlas {

struct ProductOptions {
  bool keep = true;      // as in CurvatureGraph::Apply
  bool batched = false;  // as there
  // Graphs that are multiplied at once, each on one thread; 1: one after the other, on all threads.
  int64_t num_workers = 1;
};

// sums[i] += Σ over the graphs of the product with vectors[i], in the order of the graphs, so that the bits
// do not depend on which worker was faster. An undefined sum is zero, and defined afterwards.
void AddProducts(const std::vector<std::shared_ptr<CurvatureGraph>>& graphs,
                 const std::vector<at::Tensor>& vectors, const ProductOptions& options,
                 std::vector<at::Tensor>& sums);

}  // namespace lossatlas
