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
                         at::TensorOptions options, bool on_host)
    : layout_(std::move(layout)),
      options_(options),
      storage_(on_host ? options.device(c10::kCPU) : options),
      capacity_(capacity) {}

int64_t KrylovBasis::Used(size_t block, int64_t count) {
  return std::clamp(count - static_cast<int64_t>(block) * kBlockRows, int64_t{0}, kBlockRows);
}

std::vector<double> KrylovBasis::Subtract(at::Tensor& rest, int64_t count) const {
  std::vector<double> overlaps;
  for (size_t block = 0; block < blocks_.size(); ++block) {
    const std::vector<double> part = RowDots(blocks_[block], Used(block, count), rest);
    overlaps.insert(overlaps.end(), part.begin(), part.end());
  }
  for (size_t block = 0; block < blocks_.size(); ++block) {
    const auto from = overlaps.begin() + std::min(static_cast<int64_t>(block) * kBlockRows, count);
    SubtractRows(blocks_[block], {from, from + Used(block, count)}, rest);
  }
  return overlaps;
}

KrylovBasis::Extension KrylovBasis::Extend(const at::Tensor& vector, double breakdown, double scale) {
  at::NoGradGuard no_grad;
  Extension out;
  at::Tensor rest = vector.to(storage_, /*non_blocking=*/false, /*copy=*/true);
  const double start = Norm(rest);
  out.overlaps.assign(static_cast<size_t>(count_), 0.0);
  double before = start;
  // Two passes suffice unless the rest is noise, which the breakdown test catches.
  for (int pass = 0; pass < 2; ++pass) {
    const std::vector<double> overlaps = Subtract(rest, count_);
    for (size_t i = 0; i < overlaps.size(); ++i) out.overlaps[i] += overlaps[i];
    out.norm = Norm(rest);
    if (out.norm > before * std::numbers::sqrt2 / 2) break;
    before = out.norm;
  }
  // Written so that a NaN is not appended.
  out.appended = count_ < capacity() && out.norm > breakdown * std::max(start, scale);
  if (!out.appended) return out;
  if (count_ % kBlockRows == 0) {
    blocks_.push_back(at::empty({std::min(kBlockRows, capacity_ - count_), layout_->size()}, storage_));
  }
  blocks_.back()[count_ % kBlockRows].copy_(rest.mul_(1.0 / out.norm));
  ++count_;
  return out;
}

at::Tensor KrylovBasis::Project(const at::Tensor& vector, int64_t count) const {
  if (count < 0 || count > count_) {
    throw Error(code::kInvalidArgument,
                std::to_string(count) + " rows of a basis of " + std::to_string(count_) + " vectors");
  }
  at::NoGradGuard no_grad;
  at::Tensor rest = vector.to(storage_, /*non_blocking=*/false, /*copy=*/true);
  for (int pass = 0; pass < 2; ++pass) Subtract(rest, count);
  return rest.to(options_);
}

at::Tensor KrylovBasis::Row(int64_t index) const {
  if (index < 0 || index >= count_) {
    throw Error(code::kInvalidArgument,
                "row " + std::to_string(index) + " of a basis of " + std::to_string(count_) + " vectors");
  }
  return blocks_[static_cast<size_t>(index / kBlockRows)][index % kBlockRows].to(options_);
}

std::vector<at::Tensor> KrylovBasis::Combine(const std::vector<double>& coefficients,
                                             int64_t num_columns) const {
  at::NoGradGuard no_grad;
  const at::Tensor c = at::tensor(coefficients, c10::kDouble).view({num_columns, count_}).to(storage_);
  at::Tensor product = at::zeros({num_columns, layout_->size()}, storage_);
  for (size_t block = 0; block < blocks_.size(); ++block) {
    const int64_t used = Used(block);
    product.addmm_(c.narrow(1, static_cast<int64_t>(block) * kBlockRows, used),
                   blocks_[block].narrow(0, 0, used));
  }
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < num_columns; ++i)
    out.push_back(product[i].to(options_, /*non_blocking=*/false, /*copy=*/true));
  return out;
}

void KrylovBasis::Rotate(const std::vector<double>& coefficients, int64_t num_columns) {
  at::NoGradGuard no_grad;
  const at::Tensor c = at::tensor(coefficients, c10::kDouble).view({num_columns, count_}).to(storage_);
  // A slice of all rows at a time, so that nothing of the basis's size is taken besides it.
  constexpr int64_t kWidth = 1 << 14;
  const int64_t n = layout_->size();
  for (int64_t start = 0; start < n; start += kWidth) {
    const int64_t width = std::min(kWidth, n - start);
    std::vector<at::Tensor> slices;
    for (size_t block = 0; block < blocks_.size(); ++block)
      slices.push_back(blocks_[block].narrow(0, 0, Used(block)).narrow(1, start, width));
    const at::Tensor turned = c.mm(at::cat(slices));
    for (int64_t row = 0; row < num_columns; ++row) {
      blocks_[static_cast<size_t>(row / kBlockRows)][row % kBlockRows]
          .narrow(0, start, width)
          .copy_(turned[row]);
    }
  }
  count_ = num_columns;
  blocks_.resize(static_cast<size_t>((num_columns + kBlockRows - 1) / kBlockRows));
}

}  // namespace lossatlas
