#include "core/winograd_kernels.h"

#include <array>
#include <utility>

#include "core/environment.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define LOSSATLAS_HAS_WINOGRAD
#endif

namespace lossatlas {

#ifdef LOSSATLAS_HAS_WINOGRAD
namespace {

constexpr float kPoint1 = 0.70710678118654752f;  // 1/√2
constexpr float kPoint2 = 1.41421356237309505f;  // √2
// Of Lagrange's polynomials there: 1 / (2 p² (p² − q²)).
constexpr float kScale1 = -2.0f / 3;
constexpr float kScale2 = 1.0f / 6;

// Rows of a block: sums fill the registers, but for those of two factors.
namespace avx512 {
constexpr int64_t kLanes = 16;
constexpr int kRows = 14;
#define LOSSATLAS_TARGET __attribute__((target("arch=x86-64-v4")))
#include "core/winograd_loops.h"
#undef LOSSATLAS_TARGET
}  // namespace avx512

namespace avx2 {
constexpr int64_t kLanes = 8;
constexpr int kRows = 6;
#define LOSSATLAS_TARGET __attribute__((target("arch=x86-64-v3")))
#include "core/winograd_loops.h"
#undef LOSSATLAS_TARGET
}  // namespace avx2

}  // namespace

const WinogradKernels* FindWinogradKernels() {
  if (EnvironmentSays("LOSSATLAS_WINOGRAD", "libtorch")) return nullptr;
  const bool narrow = EnvironmentSays("LOSSATLAS_WINOGRAD", "avx2");
  if (__builtin_cpu_supports("x86-64-v4") && !narrow) return &avx512::kKernels;
  if (__builtin_cpu_supports("x86-64-v3")) return &avx2::kKernels;
  return nullptr;
}
#else
const WinogradKernels* FindWinogradKernels() { return nullptr; }
#endif

}  // namespace lossatlas
