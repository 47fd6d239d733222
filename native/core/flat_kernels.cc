#include "core/flat_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/clones.h"
#include "core/host_values.h"

namespace lossatlas {
namespace {

constexpr int64_t kBlock = 4096;  // a block of w stays in the first-level cache while the rows stream by
constexpr int64_t kLanes = 16;    // independent partial sums, so that the compiler may vectorise

LOSSATLAS_CLONES double BlockDot(const float* a, const float* b, int64_t n) {
  std::array<double, kLanes> sum{};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l)
      sum[l] += static_cast<double>(a[i + l]) * static_cast<double>(b[i + l]);
  }
  double total = 0;
  for (; i < n; ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (double s : sum) total += s;
  return total;
}

LOSSATLAS_CLONES double BlockDot(const double* a, const double* b, int64_t n) {
  std::array<double, kLanes> sum{};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) sum[l] += a[i + l] * b[i + l];
  }
  double total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  for (double s : sum) total += s;
  return total;
}

LOSSATLAS_CLONES void BlockAxpy(double c, const float* row, float* w, int64_t n) {
  const float factor = static_cast<float>(c);
  for (int64_t i = 0; i < n; ++i) w[i] -= factor * row[i];
}

LOSSATLAS_CLONES void BlockAxpy(double c, const double* row, double* w, int64_t n) {
  for (int64_t i = 0; i < n; ++i) w[i] -= c * row[i];
}

int64_t NumBlocks(int64_t n) { return (n + kBlock - 1) / kBlock; }

template <typename T>
std::vector<double> RowDotsHost(const T* rows, int64_t count, int64_t stride, const T* w, int64_t n) {
  const int64_t num_blocks = NumBlocks(n);
  std::vector<double> partial(static_cast<size_t>(num_blocks * count));
  at::parallel_for(0, num_blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t from = block * kBlock;
      const int64_t length = std::min(kBlock, n - from);
      for (int64_t r = 0; r < count; ++r) {
        partial[static_cast<size_t>(block * count + r)] =
            BlockDot(rows + r * stride + from, w + from, length);
      }
    }
  });
  std::vector<double> dots(static_cast<size_t>(count), 0.0);
  for (int64_t block = 0; block < num_blocks; ++block) {
    for (int64_t r = 0; r < count; ++r) {
      dots[static_cast<size_t>(r)] += partial[static_cast<size_t>(block * count + r)];
    }
  }
  return dots;
}

template <typename T>
void SubtractRowsHost(const T* rows, int64_t stride, const std::vector<double>& coefficients, T* w,
                      int64_t n) {
  at::parallel_for(0, NumBlocks(n), 4, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t from = block * kBlock;
      const int64_t length = std::min(kBlock, n - from);
      for (size_t r = 0; r < coefficients.size(); ++r) {
        BlockAxpy(coefficients[r], rows + static_cast<int64_t>(r) * stride + from, w + from, length);
      }
    }
  });
}

bool OnHost(const at::Tensor& t) { return t.device().is_cpu(); }

}  // namespace

double Dot(const at::Tensor& a, const at::Tensor& b) {
  if (!OnHost(a)) return at::sum(a * b, c10::kDouble).item<double>();
  return RowDots(a.view({1, -1}), 1, b)[0];
}

std::vector<double> SegmentDots(const at::Tensor& a, const at::Tensor& b,
                                const std::vector<int64_t>& lengths) {
  std::vector<double> dots;
  if (!OnHost(a)) {
    // One transfer for all.
    std::vector<at::Tensor> sums;
    for (const at::Tensor& part : (a * b).split_with_sizes(lengths))
      sums.push_back(at::sum(part, c10::kDouble));
    return HostValues(at::stack(sums));
  }
  int64_t from = 0;
  for (const int64_t length : lengths) {
    dots.push_back(Dot(a.narrow(0, from, length), b.narrow(0, from, length)));
    from += length;
  }
  return dots;
}

double Norm(const at::Tensor& a, int order) {
  if (order == 1) return at::sum(a.abs(), c10::kDouble).item<double>();
  return std::sqrt(Dot(a, a));
}

std::vector<double> RowDots(const at::Tensor& rows, int64_t count, const at::Tensor& w) {
  if (!OnHost(w)) {
    constexpr int64_t kChunk = int64_t{1} << 20;  // bounds the float64 copies
    at::Tensor sum = at::zeros({count}, w.options().dtype(c10::kDouble));
    for (int64_t from = 0; from < w.numel(); from += kChunk) {
      const int64_t length = std::min(kChunk, w.numel() - from);
      const at::Tensor part = rows.narrow(0, 0, count).narrow(1, from, length).to(c10::kDouble);
      sum.add_(at::mv(part, w.narrow(0, from, length).to(c10::kDouble)));
    }
    return HostValues(sum);
  }
  const int64_t n = w.numel();
  if (w.scalar_type() == c10::kDouble) {
    return RowDotsHost(rows.data_ptr<double>(), count, rows.stride(0), w.data_ptr<double>(), n);
  }
  return RowDotsHost(rows.data_ptr<float>(), count, rows.stride(0), w.data_ptr<float>(), n);
}

void SubtractRows(const at::Tensor& rows, const std::vector<double>& coefficients, at::Tensor& w) {
  const int64_t count = static_cast<int64_t>(coefficients.size());
  if (count == 0) return;
  if (!OnHost(w)) {
    const at::Tensor c = at::tensor(coefficients, c10::kDouble).to(w.device(), w.scalar_type());
    w.addmv_(rows.narrow(0, 0, count).t(), c, 1, -1);
    return;
  }
  const int64_t n = w.numel();
  if (w.scalar_type() == c10::kDouble) {
    SubtractRowsHost(rows.data_ptr<double>(), rows.stride(0), coefficients, w.data_ptr<double>(), n);
  } else {
    SubtractRowsHost(rows.data_ptr<float>(), rows.stride(0), coefficients, w.data_ptr<float>(), n);
  }
}

}  // namespace lossatlas
