#include "core/flat_kernels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/block_kernels.h"
#include "core/host_values.h"

namespace lossatlas {
namespace {

// Fixed, so that sums are.
constexpr int64_t kBlock = 4096;

template <typename T>
double DotHost(const at::Tensor& a, const at::Tensor& b) {
  const T* x = a.const_data_ptr<T>();
  const T* y = b.const_data_ptr<T>();
  const int64_t n = a.numel();
  std::vector<double> partial(static_cast<size_t>((n + kBlock - 1) / kBlock));
  at::parallel_for(0, static_cast<int64_t>(partial.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t from = block * kBlock;
      partial[static_cast<size_t>(block)] = BlockDot(x + from, y + from, std::min(kBlock, n - from));
    }
  });
  return std::accumulate(partial.begin(), partial.end(), 0.0);
}

bool OnHost(const at::Tensor& t) { return t.device().is_cpu(); }

}  // namespace

double Dot(const at::Tensor& a, const at::Tensor& b) {
  if (!OnHost(a)) return at::sum(a * b, c10::kDouble).item<double>();
  return a.scalar_type() == c10::kDouble ? DotHost<double>(a, b) : DotHost<float>(a, b);
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

}  // namespace lossatlas
