#include "core/krylov_basis.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/flat_kernels.h"

namespace lossatlas {

namespace {
constexpr int64_t kBlockRows = 16;
}

KrylovBasis::KrylovBasis(std::shared_ptr<const ParameterLayout> layout, int64_t capacity,
                         at::TensorOptions options)
    : layout_(std::move(layout)), options_(options), capacity_(capacity) {}

int64_t KrylovBasis::Used(size_t block) const {
  return std::min(kBlockRows, count_ - static_cast<int64_t>(block) * kBlockRows);
}

KrylovBasis::Extension KrylovBasis::Extend(const at::Tensor& vector, double breakdown, double scale) {
  at::NoGradGuard no_grad;
  Extension out;
  at::Tensor rest = vector.clone();
  const double start = Norm(rest);
  out.overlaps.assign(static_cast<size_t>(count_), 0.0);
  double before = start;
  // Two passes suffice unless the rest is noise, which the breakdown test catches.
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> overlaps;
    for (size_t block = 0; block < blocks_.size(); ++block) {
      const std::vector<double> part = RowDots(blocks_[block], Used(block), rest);
      overlaps.insert(overlaps.end(), part.begin(), part.end());
    }
    for (size_t block = 0; block < blocks_.size(); ++block) {
      const auto from = overlaps.begin() + static_cast<int64_t>(block) * kBlockRows;
      SubtractRows(blocks_[block], {from, from + Used(block)}, rest);
    }
    for (size_t i = 0; i < overlaps.size(); ++i) out.overlaps[i] += overlaps[i];
    out.norm = Norm(rest);
    if (out.norm > before * std::numbers::sqrt2 / 2) break;
    before = out.norm;
  }
  // Written so that a NaN is not appended.
  out.appended = count_ < capacity() && out.norm > breakdown * std::max(start, scale);
  if (!out.appended) return out;
  if (count_ % kBlockRows == 0) {
    blocks_.push_back(at::empty({std::min(kBlockRows, capacity_ - count_), layout_->size()}, options_));
  }
  blocks_.back()[count_ % kBlockRows].copy_(rest.mul_(1.0 / out.norm));
  ++count_;
  return out;
}

at::Tensor KrylovBasis::Row(int64_t index) const {
  if (index < 0 || index >= count_) {
    throw Error(code::kInvalidArgument,
                "row " + std::to_string(index) + " of a basis of " + std::to_string(count_) + " vectors");
  }
  return blocks_[static_cast<size_t>(index / kBlockRows)][index % kBlockRows];
}

std::vector<at::Tensor> KrylovBasis::Combine(const std::vector<double>& coefficients,
                                             int64_t num_columns) const {
  at::NoGradGuard no_grad;
  const at::Tensor c = at::tensor(coefficients, c10::kDouble).view({num_columns, count_}).to(options_);
  at::Tensor product = at::zeros({num_columns, layout_->size()}, options_);
  for (size_t block = 0; block < blocks_.size(); ++block) {
    const int64_t used = Used(block);
    product.addmm_(c.narrow(1, static_cast<int64_t>(block) * kBlockRows, used),
                   blocks_[block].narrow(0, 0, used));
  }
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < num_columns; ++i) out.push_back(product[i].clone());
  return out;
}

}  // namespace lossatlas
