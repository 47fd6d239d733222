// Inner loops over short pieces of vectors, which lie in a cache.
#pragma once
#include <cstdint>

namespace lossatlas {

// Rows that are read side by side, so that what they meet is read once.
constexpr int64_t kRowsAtOnce = 4;

// Σ a_i b_i in float64
double BlockDot(const float* a, const float* b, int64_t n);
double BlockDot(const double* a, const double* b, int64_t n);
// sums[r] += Σ rows[r][i] w_i in float64, of kRowsAtOnce rows
void BlockDots(const float* const* rows, const float* w, double* sums, int64_t n);
void BlockDots(const double* const* rows, const double* w, double* sums, int64_t n);
// w -= c · row
void BlockSubtract(double c, const float* row, float* w, int64_t n);
void BlockSubtract(double c, const double* row, double* w, int64_t n);
// w -= Σ c[r] rows[r], of kRowsAtOnce rows
void BlockSubtractRows(const double* c, const float* const* rows, float* w, int64_t n);
void BlockSubtractRows(const double* c, const double* const* rows, double* w, int64_t n);

}  // namespace lossatlas
