#include "core/combination.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/clones.h"
#include "core/pool_rows.h"

namespace lossatlas {
namespace {

// Elements of a term at a time: those of a plane's three terms and of what is made of them stay in the
// first-level cache while every point reads them.
constexpr int64_t kBlock = 1024;
constexpr int64_t kGrain = 16;  // blocks worth a thread

LOSSATLAS_CLONES void AddOne(const float* __restrict a, float x, const float* __restrict b,
                             float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] + x * b[i];
}
LOSSATLAS_CLONES void AddOne(const double* __restrict a, double x, const double* __restrict b,
                             double* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] + x * b[i];
}
LOSSATLAS_CLONES void AddTwo(const float* __restrict a, float x, const float* __restrict b, float y,
                             const float* __restrict c, float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] + x * b[i] + y * c[i];
}
LOSSATLAS_CLONES void AddTwo(const double* __restrict a, double x, const double* __restrict b, double y,
                             const double* __restrict c, double* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = a[i] + x * b[i] + y * c[i];
}
LOSSATLAS_CLONES void AddTo(float x, const float* __restrict b, float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] += x * b[i];
}
LOSSATLAS_CLONES void AddTo(double x, const double* __restrict b, double* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] += x * b[i];
}
// NaN stays.
LOSSATLAS_CLONES void Rectify(float* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = x[i] < 0 ? 0 : x[i];
}
LOSSATLAS_CLONES void Rectify(double* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = x[i] < 0 ? 0 : x[i];
}

// What is not multiplied by zero at one point.
template <typename T>
struct Sum {
  std::vector<T> factors;
  std::vector<const T*> terms;
};

// A + Σ of a block that starts at `from`.
template <typename T>
void AddBlock(const T* a, const Sum<T>& sum, int64_t from, T* out, int64_t n) {
  const size_t count = sum.terms.size();
  size_t next = std::min<size_t>(count, 2);
  if (count == 0) {
    std::copy(a + from, a + from + n, out);
  } else if (count == 1) {
    AddOne(a + from, sum.factors[0], sum.terms[0] + from, out, n);
  } else {
    AddTwo(a + from, sum.factors[0], sum.terms[0] + from, sum.factors[1], sum.terms[1] + from, out, n);
  }
  for (; next < count; ++next) AddTo(sum.factors[next], sum.terms[next] + from, out, n);
}

template <typename T>
std::vector<Sum<T>> SumsOf(const std::vector<at::Tensor>& terms, const double* coefficients,
                           int64_t num_points) {
  const size_t width = terms.size() - 1;
  std::vector<Sum<T>> out(static_cast<size_t>(num_points));
  for (size_t p = 0; p < out.size(); ++p) {
    for (size_t i = 0; i < width; ++i) {
      const T factor = static_cast<T>(coefficients[p * width + i]);
      if (factor == 0 || !terms[i + 1].defined()) continue;
      out[p].factors.push_back(factor);
      out[p].terms.push_back(terms[i + 1].const_data_ptr<T>());
    }
  }
  return out;
}

template <typename T>
void CombineWhole(const T* a, const std::vector<Sum<T>>& sums, bool rectifies, int64_t size,
                  const std::vector<T*>& out) {
  const int64_t num_blocks = (size + kBlock - 1) / kBlock;
  at::parallel_for(0, num_blocks, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t from = block * kBlock;
      const int64_t n = std::min(kBlock, size - from);
      for (size_t p = 0; p < sums.size(); ++p) {
        AddBlock(a, sums[p], from, out[p] + from, n);
        if (rectifies) Rectify(out[p] + from, n);
      }
    }
  });
}

// Planes of `height` × `width`, one after the other.
template <typename T>
void CombinePooled(const T* a, const std::vector<Sum<T>>& sums, bool rectifies, PoolShape shape,
                   const std::vector<T*>& out) {
  const PooledBlocks blocks(shape, kBlock);
  at::parallel_for(0, blocks.count(), kGrain, [&](int64_t begin, int64_t end) {
    std::vector<T> rows(static_cast<size_t>(blocks.in_size()));
    std::vector<T> scratch(rows.size());
    for (int64_t i = begin; i < end; ++i) {
      const PooledBlock block = blocks.at(i);
      for (size_t p = 0; p < sums.size(); ++p) {
        T* to = out[p] + block.out_from;
        AddBlock(a, sums[p], block.in_from, rows.data(), block.in_size);
        PoolRows(rows.data(), block.num_rows, shape.width, scratch.data(), to);
        if (rectifies) Rectify(to, block.num_rows * (shape.width / 2));
      }
    }
  });
}

template <typename T>
std::vector<at::Tensor> CombineDense(const std::vector<at::Tensor>& terms, const double* coefficients,
                                     int64_t num_points, LayerEnd end) {
  const at::Tensor& a = terms[0];
  const std::vector<Sum<T>> sums = SumsOf<T>(terms, coefficients, num_points);
  std::vector<int64_t> sizes = a.sizes().vec();
  if (end.pools) {
    sizes[sizes.size() - 2] /= 2;
    sizes[sizes.size() - 1] /= 2;
  }
  std::vector<at::Tensor> out;
  std::vector<T*> pointers;
  for (int64_t p = 0; p < num_points; ++p) {
    out.push_back(at::empty(sizes, a.options()));
    pointers.push_back(out.back().template data_ptr<T>());
  }
  if (end.pools) {
    const PoolShape shape{a.numel() / (a.size(-2) * a.size(-1)), a.size(-2), a.size(-1)};
    CombinePooled<T>(a.const_data_ptr<T>(), sums, end.rectifies, shape, pointers);
  } else {
    CombineWhole<T>(a.const_data_ptr<T>(), sums, end.rectifies, a.numel(), pointers);
  }
  return out;
}

bool IsDense(const std::vector<at::Tensor>& terms) {
  const at::Tensor& a = terms[0];
  if (!a.device().is_cpu() || (a.scalar_type() != c10::kFloat && a.scalar_type() != c10::kDouble))
    return false;
  return std::all_of(terms.begin(), terms.end(), [&](const at::Tensor& term) {
    return !term.defined() ||
           (term.is_contiguous() && term.scalar_type() == a.scalar_type() && term.sizes() == a.sizes());
  });
}

}  // namespace

std::vector<at::Tensor> Combine(const std::vector<at::Tensor>& terms, const double* coefficients,
                                int64_t num_points, LayerEnd end) {
  const at::Tensor& a = terms[0];
  const bool pools_planes = a.dim() >= 3 && a.dim() <= 4 && a.numel() > 0 && a.size(-2) > 1 && a.size(-1) > 1;
  if (IsDense(terms) && (!end.pools || pools_planes)) {
    return a.scalar_type() == c10::kFloat ? CombineDense<float>(terms, coefficients, num_points, end)
                                          : CombineDense<double>(terms, coefficients, num_points, end);
  }
  std::vector<at::Tensor> out;
  const size_t width = terms.size() - 1;
  for (int64_t p = 0; p < num_points; ++p) {
    at::Tensor sum = a.clone();
    for (size_t i = 0; i < width; ++i) {
      const double factor = coefficients[static_cast<size_t>(p) * width + i];
      if (factor != 0 && terms[i + 1].defined()) sum.add_(terms[i + 1], factor);
    }
    if (end.rectifies) sum.relu_();
    out.push_back(end.pools ? at::max_pool2d(sum, {2, 2}, {2, 2}) : sum);
  }
  return out;
}

}  // namespace lossatlas
