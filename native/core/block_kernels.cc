#include "core/block_kernels.h"

#include <array>
#include <cstring>

#include "core/clones.h"

namespace lossatlas {
namespace {

constexpr int64_t kLanes = 16;  // independent partial sums, so that the compiler may vectorise

// Vectors of the compiler, which it splits where the processor's are narrower. Left to itself it shuffles
// them.
constexpr int64_t kWidth = 8;
typedef double Doubles __attribute__((vector_size(kWidth * sizeof(double))));
typedef float Floats __attribute__((vector_size(kWidth * sizeof(float))));

inline __attribute__((always_inline)) void Load(const double* from, Doubles& out) {
  std::memcpy(&out, from, sizeof(out));
}
inline __attribute__((always_inline)) void Load(const float* from, Doubles& out) {
  Floats values;
  std::memcpy(&values, from, sizeof(values));
  out = __builtin_convertvector(values, Doubles);
}

// Bodies of the clones, into each of which they are inlined.
template <typename T>
inline __attribute__((always_inline)) double DotOf(const T* a, const T* b, int64_t n) {
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

template <typename T>
inline __attribute__((always_inline)) void AddDotsOf(const T* const* rows, const T* w, double* sums,
                                                     int64_t n) {
  static_assert(kRowsAtOnce == 4);
  Doubles s0{}, s1{}, s2{}, s3{};
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    Doubles x, r0, r1, r2, r3;
    Load(w + i, x);
    Load(rows[0] + i, r0);
    Load(rows[1] + i, r1);
    Load(rows[2] + i, r2);
    Load(rows[3] + i, r3);
    s0 += r0 * x;
    s1 += r1 * x;
    s2 += r2 * x;
    s3 += r3 * x;
  }
  for (int64_t l = 0; l < kWidth; ++l) {
    sums[0] += s0[l];
    sums[1] += s1[l];
    sums[2] += s2[l];
    sums[3] += s3[l];
  }
  for (; i < n; ++i) {
    for (int64_t r = 0; r < kRowsAtOnce; ++r)
      sums[r] += static_cast<double>(rows[r][i]) * static_cast<double>(w[i]);
  }
}

template <typename T>
inline __attribute__((always_inline)) void SubtractOf(double c, const T* row, T* w, int64_t n) {
  const T factor = static_cast<T>(c);
  for (int64_t i = 0; i < n; ++i) w[i] -= factor * row[i];
}

template <typename T>
inline __attribute__((always_inline)) void SubtractRowsOf(const double* c, const T* const* rows,
                                                          T* __restrict w, int64_t n) {
  const T* __restrict r0 = rows[0];
  const T* __restrict r1 = rows[1];
  const T* __restrict r2 = rows[2];
  const T* __restrict r3 = rows[3];
  const T c0 = static_cast<T>(c[0]);
  const T c1 = static_cast<T>(c[1]);
  const T c2 = static_cast<T>(c[2]);
  const T c3 = static_cast<T>(c[3]);
  for (int64_t i = 0; i < n; ++i) w[i] -= (c0 * r0[i] + c1 * r1[i]) + (c2 * r2[i] + c3 * r3[i]);
}

}  // namespace

LOSSATLAS_CLONES double BlockDot(const float* a, const float* b, int64_t n) { return DotOf(a, b, n); }
LOSSATLAS_CLONES void BlockDots(const float* const* rows, const float* w, double* sums, int64_t n) {
  AddDotsOf(rows, w, sums, n);
}
LOSSATLAS_CLONES void BlockSubtract(double c, const float* row, float* w, int64_t n) {
  SubtractOf(c, row, w, n);
}
LOSSATLAS_CLONES void BlockSubtractRows(const double* c, const float* const* rows, float* w, int64_t n) {
  SubtractRowsOf(c, rows, w, n);
}

LOSSATLAS_CLONES double BlockDot(const double* a, const double* b, int64_t n) { return DotOf(a, b, n); }
LOSSATLAS_CLONES void BlockDots(const double* const* rows, const double* w, double* sums, int64_t n) {
  AddDotsOf(rows, w, sums, n);
}
LOSSATLAS_CLONES void BlockSubtract(double c, const double* row, double* w, int64_t n) {
  SubtractOf(c, row, w, n);
}
LOSSATLAS_CLONES void BlockSubtractRows(const double* c, const double* const* rows, double* w, int64_t n) {
  SubtractRowsOf(c, rows, w, n);
}

}  // namespace lossatlas
