#include "core/krylov_basis.h"

#include <algorithm>

#include "core/error.h"
#include "core/orthogonalization.h"

namespace lossatlas {

namespace {
constexpr int64_t kBlockRows = 16;
// Of a basis: a recording reads all of its rows in every step, those that are not there yet too, which costs
// less than launching kernels one by one where they are small.
constexpr int64_t kMostRecordedBytes = int64_t{256} << 20;
}  // namespace

KrylovBasis::KrylovBasis(std::shared_ptr<const ParameterLayout> layout, int64_t capacity,
                         at::TensorOptions options, bool on_host)
    : layout_(std::move(layout)),
      options_(options),
      storage_(on_host ? options.device(c10::kCPU) : options),
      capacity_(capacity) {
  std::shared_ptr<Recorder> recorder = on_host ? nullptr : RecorderFor(options.device());
  if (recorder == nullptr) return;
  const int64_t row_bytes = layout_->size() * static_cast<int64_t>(storage_.dtype().itemsize());
  if (capacity <= kMostRecordedBytes / row_bytes) {
    recorded_ = std::make_unique<RecordedOrthogonalization>(at::zeros({capacity, layout_->size()}, storage_),
                                                            std::move(recorder));
  }
}

at::Tensor KrylovBasis::MakeBlock() const {
  const int64_t num_rows = std::min(kBlockRows, capacity_ - count_);
  if (recorded_ != nullptr) return recorded_->rows().narrow(0, count_, num_rows);
  return at::empty({num_rows, layout_->size()}, storage_);
}

KrylovBasis::Extension KrylovBasis::Extend(const at::Tensor& vector, double breakdown, double scale) {
  at::NoGradGuard no_grad;
  const bool has_room = count_ < capacity();
  const size_t place = static_cast<size_t>(count_ / kBlockRows);
  // Straight to its place, which counts only if it is appended; what throws before leaves the rows as they
  // are.
  at::Tensor block = has_room && place < blocks_.size() ? blocks_[place] : at::Tensor();
  if (has_room && !block.defined()) block = MakeBlock();
  const at::Tensor rest = has_room ? block[count_ % kBlockRows] : at::empty({layout_->size()}, storage_);
  const auto [overlaps, start, norm] =
      recorded_ != nullptr && has_room
          ? recorded_->Run(vector, count_)
          : Orthogonalize({blocks_, count_}, vector.to(storage_), rest, /*normalizes=*/has_room);
  // Written so that a NaN is not appended.
  const bool appended = has_room && norm > breakdown * std::max(start, scale);
  if (appended) {
    if (place == blocks_.size()) blocks_.push_back(block);
    ++count_;
  }
  return {overlaps, norm, appended};
}

int64_t KrylovBasis::Used(size_t block) const {
  return std::min(count_ - static_cast<int64_t>(block) * kBlockRows, kBlockRows);
}

at::Tensor KrylovBasis::Project(const at::Tensor& vector, int64_t count) const {
  if (count < 0 || count > count_) {
    throw Error(code::kInvalidArgument,
                std::to_string(count) + " rows of a basis of " + std::to_string(count_) + " vectors");
  }
  at::NoGradGuard no_grad;
  const at::Tensor rest = at::empty({layout_->size()}, storage_);
  Orthogonalize({blocks_, count}, vector.to(storage_), rest, /*normalizes=*/false);
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
  if (recorded_ != nullptr) recorded_->rows().narrow(0, count_, capacity_ - count_).zero_();
  blocks_.resize(static_cast<size_t>((num_columns + kBlockRows - 1) / kBlockRows));
}

}  // namespace lossatlas
