#include "core/krylov_basis.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/flat_kernels.h"

namespace lossatlas {

KrylovBasis::KrylovBasis(std::shared_ptr<const ParameterLayout> layout, int64_t capacity,
                         at::TensorOptions options)
    : layout_(std::move(layout)), rows_(at::empty({capacity, layout_->size()}, options)) {}

KrylovBasis::Extension KrylovBasis::Extend(const at::Tensor& vector, double breakdown, double scale) {
  at::NoGradGuard no_grad;
  Extension out;
  at::Tensor rest = vector.clone();
  const double start = Norm(rest);
  out.overlaps.assign(static_cast<size_t>(count_), 0.0);
  double before = start;
  // Two passes suffice unless the rest is noise, which the breakdown test catches.
  for (int pass = 0; pass < 2; ++pass) {
    const std::vector<double> overlaps = RowDots(rows_, count_, rest);
    SubtractRows(rows_, overlaps, rest);
    for (size_t i = 0; i < overlaps.size(); ++i) out.overlaps[i] += overlaps[i];
    out.norm = Norm(rest);
    if (out.norm > before * std::numbers::sqrt2 / 2) break;
    before = out.norm;
  }
  // Written so that a NaN is not appended.
  out.appended = count_ < capacity() && out.norm > breakdown * std::max(start, scale);
  if (out.appended) rows_[count_++].copy_(rest.mul_(1.0 / out.norm));
  return out;
}

at::Tensor KrylovBasis::Row(int64_t index) const {
  if (index < 0 || index >= count_) {
    throw Error(code::kInvalidArgument,
                "row " + std::to_string(index) + " of a basis of " + std::to_string(count_) + " vectors");
  }
  return rows_[index];
}

std::vector<at::Tensor> KrylovBasis::Combine(const std::vector<double>& coefficients,
                                             int64_t num_columns) const {
  at::NoGradGuard no_grad;
  const at::Tensor c = at::tensor(coefficients, c10::kDouble).view({num_columns, count_}).to(rows_.options());
  const at::Tensor product = at::mm(c, rows_.narrow(0, 0, count_));
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < num_columns; ++i) out.push_back(product[i].clone());
  return out;
}

}  // namespace lossatlas
