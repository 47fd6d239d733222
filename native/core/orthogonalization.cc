#include "core/orthogonalization.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/block_kernels.h"
#include "core/environment.h"
#include "core/host_values.h"

namespace lossatlas {
namespace {

// Elements of which the vector's stay in the first-level cache while the rows come by, and those of a hundred
// rows in the second-level one until they are read again.
constexpr int64_t kBlock = 2048;
constexpr int64_t kBlocksOfSum = 8;  // that are added to one partial sum: fixed, so that sums are

template <typename T>
std::vector<const T*> PointersOf(const Rows& rows) {
  std::vector<const T*> out;
  for (const at::Tensor& block : rows.blocks) {
    for (int64_t i = 0; i < block.size(0) && static_cast<int64_t>(out.size()) < rows.count; ++i)
      out.push_back(block.const_data_ptr<T>() + i * block.stride(0));
  }
  return out;
}

// `run` is given the first of kRowsAtOnce rows and true, and those that are left over one by one and false.
template <class Run>
void InGroups(size_t num_rows, const Run& run) {
  size_t r = 0;
  for (; r + kRowsAtOnce <= num_rows; r += kRowsAtOnce) run(r, true);
  for (; r < num_rows; ++r) run(r, false);
}

template <typename T>
std::array<const T*, kRowsAtOnce> GroupAt(const std::vector<const T*>& rows, size_t r, int64_t place) {
  return {rows[r] + place, rows[r + 1] + place, rows[r + 2] + place, rows[r + 3] + place};
}

template <typename T>
void SubtractFrom(const std::vector<const T*>& rows, const std::vector<double>& taken, int64_t place, T* w,
                  int64_t n) {
  InGroups(rows.size(), [&](size_t r, bool is_group) {
    if (is_group) {
      BlockSubtractRows(&taken[r], GroupAt(rows, r, place).data(), w, n);
    } else {
      BlockSubtract(taken[r], rows[r] + place, w, n);
    }
  });
}

template <typename T>
void AddDots(const std::vector<const T*>& rows, int64_t place, const T* w, double* sums, int64_t n) {
  InGroups(rows.size(), [&](size_t r, bool is_group) {
    if (is_group) {
      BlockDots(GroupAt(rows, r, place).data(), w, sums + r, n);
    } else {
      sums[r] += BlockDot(rows[r] + place, w, n);
    }
  });
}

struct Sums {
  double square = 0;         // ‖w‖²
  std::vector<double> dots;  // with each row
};

// One pass over the rows: w = from − Σ taken_i · row_i, into `to`, and then sums of w. `taken` empty: w is
// `from`.
template <typename T>
Sums Pass(const std::vector<const T*>& rows, const std::vector<double>& taken, const T* from, T* to,
          bool has_dots, int64_t n) {
  constexpr int64_t kPart = kBlock * kBlocksOfSum;
  const int64_t num_parts = (n + kPart - 1) / kPart;
  const size_t num_dots = has_dots ? rows.size() : 0;
  const size_t width = 1 + num_dots;
  std::vector<double> partial(static_cast<size_t>(num_parts) * width, 0.0);
  at::parallel_for(0, num_parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * kBlocksOfSum; i < end * kBlocksOfSum && i * kBlock < n; ++i) {
      const int64_t at = i * kBlock;
      const int64_t length = std::min(kBlock, n - at);
      const T* w = from + at;
      if (!taken.empty()) {
        if (to != from) std::copy(w, w + length, to + at);
        SubtractFrom(rows, taken, at, to + at, length);
        w = to + at;
      }
      double* sums = partial.data() + static_cast<size_t>(i / kBlocksOfSum) * width;
      sums[0] += BlockDot(w, w, length);
      if (has_dots) AddDots(rows, at, w, sums + 1, length);
    }
  });
  Sums out{0, std::vector<double>(num_dots, 0.0)};
  for (size_t part = 0; part < partial.size(); part += width) {
    out.square += partial[part];
    for (size_t r = 0; r < num_dots; ++r) out.dots[r] += partial[part + 1 + r];
  }
  return out;
}

template <typename T>
Orthogonalized OrthogonalizeHost(const Rows& rows, const at::Tensor& vector, at::Tensor& rest,
                                 bool normalizes) {
  const std::vector<const T*> pointers = PointersOf<T>(rows);
  const int64_t n = vector.numel();
  const T* from = vector.const_data_ptr<T>();
  T* to = rest.data_ptr<T>();
  const Sums first = Pass<T>(pointers, {}, from, to, true, n);
  Orthogonalized out{first.dots, std::sqrt(first.square), 0};
  double square = first.square;
  if (pointers.empty()) {
    rest.copy_(vector);
  } else {
    double taken = 0;
    for (const double overlap : first.dots) taken += overlap * overlap;
    // Known beforehand, so that the overlaps of what is left are had while the rows are at hand. Of a NaN,
    // too.
    const bool goes_on = !(first.square - taken > first.square / 2);
    const Sums second = Pass<T>(pointers, first.dots, from, to, goes_on, n);
    square = second.square;
    if (goes_on) {
      square = Pass<T>(pointers, second.dots, to, to, false, n).square;
      for (size_t r = 0; r < out.overlaps.size(); ++r) out.overlaps[r] += second.dots[r];
    }
  }
  out.norm = std::sqrt(square);
  if (normalizes && out.norm > 0) rest.mul_(1.0 / out.norm);
  return out;
}

// rows · w, in float64
at::Tensor OverlapsOf(const at::Tensor& rows, const at::Tensor& w) {
  constexpr int64_t kChunk = int64_t{1} << 20;  // bounds the float64 copies
  at::Tensor sum = at::zeros({rows.size(0)}, w.options().dtype(c10::kDouble));
  for (int64_t from = 0; from < w.numel(); from += kChunk) {
    const int64_t length = std::min(kChunk, w.numel() - from);
    sum.addmv_(rows.narrow(1, from, length).to(c10::kDouble), w.narrow(0, from, length).to(c10::kDouble));
  }
  return sum;
}

// By libtorch's operators, on any device.
Orthogonalized OrthogonalizeThere(const Rows& rows, const at::Tensor& vector, at::Tensor& rest,
                                  bool normalizes) {
  rest.copy_(vector);
  const std::vector<at::Tensor> values = SubtractRows(rows, rest);
  if (normalizes) rest.mul_(values.back().rsqrt().to(rest.scalar_type()));
  return ReadOverlaps(at::cat(values), rows.count, rows.count);
}

}  // namespace

Orthogonalized Orthogonalize(const Rows& rows, const at::Tensor& vector, at::Tensor rest, bool normalizes) {
  if (!rest.device().is_cpu() || EnvironmentSays("LOSSATLAS_GRAM_SCHMIDT", "libtorch"))
    return OrthogonalizeThere(rows, vector, rest, normalizes);
  return rest.scalar_type() == c10::kDouble ? OrthogonalizeHost<double>(rows, vector, rest, normalizes)
                                            : OrthogonalizeHost<float>(rows, vector, rest, normalizes);
}

std::vector<at::Tensor> SubtractRows(const Rows& rows, at::Tensor& rest) {
  constexpr int kPasses = 2;
  const auto square = [&] { return at::sum(rest.to(c10::kDouble).square()).view({1}); };
  std::vector<at::Tensor> values = {square()};
  for (int pass = 0; pass < kPasses && rows.count > 0; ++pass) {
    std::vector<at::Tensor> overlaps;
    std::vector<at::Tensor> used;
    for (int64_t done = 0; done < rows.count; done += used.back().size(0)) {
      const at::Tensor& block = rows.blocks[used.size()];
      used.push_back(block.narrow(0, 0, std::min(block.size(0), rows.count - done)));
      overlaps.push_back(OverlapsOf(used.back(), rest));
    }
    for (size_t i = 0; i < used.size(); ++i)
      rest.addmv_(used[i].t(), overlaps[i].to(rest.scalar_type()), 1, -1);
    values.insert(values.end(), overlaps.begin(), overlaps.end());
  }
  values.push_back(square());
  return values;
}

Orthogonalized ReadOverlaps(const at::Tensor& values, int64_t width, int64_t count) {
  const std::vector<double> read = HostValues(values);
  Orthogonalized out{std::vector<double>(static_cast<size_t>(count), 0.0), std::sqrt(read.front()),
                     std::sqrt(read.back())};
  for (size_t i = 1; i + 1 < read.size(); ++i) {
    const size_t row = (i - 1) % static_cast<size_t>(width);
    if (row < out.overlaps.size()) out.overlaps[row] += read[i];
  }
  return out;
}

}  // namespace lossatlas
