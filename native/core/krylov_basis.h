// An orthonormal basis as rows of one matrix, grown by Lanczos steps with full reorthogonalisation.
#pragma once
#include <memory>
#include <vector>

#include "core/parameter_vector.h"
#include "core/recorded_orthogonalization.h"

namespace lossatlas {

class KrylovBasis {
 public:
  // At most `capacity` vectors of the layout's size; memory is taken in blocks, as the basis grows; at
  // once where its steps are recorded.
  // `on_host`: keep the rows in host memory though the vectors live on a GPU.
  KrylovBasis(std::shared_ptr<const ParameterLayout> layout, int64_t capacity, at::TensorOptions options,
              bool on_host = false);

  int64_t count() const { return count_; }
  int64_t capacity() const { return capacity_; }
  const std::shared_ptr<const ParameterLayout>& layout() const { return layout_; }

  struct Extension {
    std::vector<double> overlaps;  // with each row before the orthogonalisation: the new column of QᵀHQ
    double norm = 0;               // of what is left; the next β
    bool appended = false;
  };
  // Orthogonalises `vector` against all rows (as Orthogonalize does), then appends it normalised unless what
  // is left is below `breakdown` · max(‖vector‖, scale) or the basis is full.
  Extension Extend(const at::Tensor& vector, double breakdown, double scale);

  // What is left of `vector` without its part in the span of the first `count` rows.
  at::Tensor Project(const at::Tensor& vector, int64_t count) const;

  // On the vectors' device; a view where the rows lie there.
  at::Tensor Row(int64_t index) const;
  // Σ_i coefficients[c][i]·row_i for each c; coefficients is [num_columns][count] row by row.
  std::vector<at::Tensor> Combine(const std::vector<double>& coefficients, int64_t num_columns) const;
  // The rows become Σ_i coefficients[c][i]·row_i, in place; views of rows that were given out change with
  // them. The coefficients' rows must be orthonormal.
  void Rotate(const std::vector<double>& coefficients, int64_t num_columns);

 private:
  // Rows of `block` that there are.
  int64_t Used(size_t block) const;
  // Of rows that are not there yet.
  at::Tensor MakeBlock() const;

  std::shared_ptr<const ParameterLayout> layout_;
  at::TensorOptions options_;  // of the vectors
  at::TensorOptions storage_;  // of the rows
  int64_t capacity_;
  std::vector<at::Tensor> blocks_;  // [kBlockRows, n] each
  int64_t count_ = 0;
  std::unique_ptr<RecordedOrthogonalization> recorded_;  // of rows of which the blocks are parts
};

}  // namespace lossatlas
