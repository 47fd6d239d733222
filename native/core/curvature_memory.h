// What a graph of a batch and a product with it take, found by making them.
#pragma once
#include <functional>
#include <memory>

#include "core/curvature_graph.h"

namespace lossatlas {

struct CurvatureMemory {
  int64_t graph_bytes = 0;  // what the graph keeps alive
  int64_t peak_bytes = 0;   // the most of building it and of a product, with what the allocator's cache keeps
};

// `num_vectors` are multiplied at once; `keep` and `batched` as in CurvatureGraph::Apply.
CurvatureMemory MeasureMemory(const std::function<std::shared_ptr<CurvatureGraph>()>& make,
                              int64_t num_vectors, bool keep, bool batched);

}  // namespace lossatlas
