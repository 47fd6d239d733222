#include "core/winograd_kernels.h"

#include <array>
#include <utility>

#include "core/environment.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define LOSSATLAS_HAS_WINOGRAD
#include <immintrin.h>
#endif

namespace lossatlas {

#ifdef LOSSATLAS_HAS_WINOGRAD
namespace {

constexpr float kPoint1 = 0.70710678118654752f;  // 1/√2
constexpr float kPoint2 = 1.41421356237309505f;  // √2
// Of Lagrange's polynomials there: 1 / (2 p² (p² − q²)).
constexpr float kScale1 = -2.0f / 3;
constexpr float kScale2 = 1.0f / 6;

// Of blocks of nearly one height: a last one of one row would cost nearly as much as the others.
constexpr int64_t FirstRow(int64_t rows, int64_t blocks, int64_t block) { return rows * block / blocks; }

#define LOSSATLAS_INLINE LOSSATLAS_TARGET static inline __attribute__((always_inline))

// Rows of a block: sums fill the registers, but for those of two factors.
namespace avx512 {
constexpr int64_t kLanes = 16;
constexpr int kRows = 14;
#define LOSSATLAS_TARGET __attribute__((target("arch=x86-64-v4")))
#include "core/winograd_transforms.h"
// After it.
#include "core/winograd_float_loops.h"
#undef LOSSATLAS_TARGET
}  // namespace avx512

namespace avx512_bf16 {
constexpr int64_t kLanes = 16;
constexpr int kRows = 14;
#define LOSSATLAS_TARGET __attribute__((target("arch=x86-64-v4,avx512bf16")))
#include "core/winograd_transforms.h"
// After it.
#include "core/winograd_bfloat16_loops.h"
#undef LOSSATLAS_TARGET
}  // namespace avx512_bf16

namespace avx2 {
constexpr int64_t kLanes = 8;
constexpr int kRows = 6;
#define LOSSATLAS_TARGET __attribute__((target("arch=x86-64-v3")))
#include "core/winograd_transforms.h"
// After it.
#include "core/winograd_float_loops.h"
#undef LOSSATLAS_TARGET
}  // namespace avx2

bool Has512() {
  return __builtin_cpu_supports("x86-64-v4") && !EnvironmentSays("LOSSATLAS_WINOGRAD", "avx2");
}
bool Has256() { return __builtin_cpu_supports("x86-64-v3"); }
bool IsOff() { return EnvironmentSays("LOSSATLAS_WINOGRAD", "libtorch"); }

}  // namespace

template <>
const WinogradKernels<float>* FindWinogradKernels() {
  if (IsOff()) return nullptr;
  return Has512() ? &avx512::kKernels : Has256() ? &avx2::kKernels : nullptr;
}

template <>
const WinogradKernels<c10::BFloat16>* FindWinogradKernels() {
  const bool is_fastest =
      Has512() && __builtin_cpu_supports("avx512bf16") && !__builtin_cpu_supports("amx-bf16");
  return is_fastest && !IsOff() ? &avx512_bf16::kKernels : nullptr;
}

const WinogradGradientKernels* FindWinogradGradientKernels() {
  if (IsOff()) return nullptr;
  return Has512() ? &avx512::kGradientKernels : Has256() ? &avx2::kGradientKernels : nullptr;
}
#else
template <>
const WinogradKernels<float>* FindWinogradKernels() {
  return nullptr;
}
template <>
const WinogradKernels<c10::BFloat16>* FindWinogradKernels() {
  return nullptr;
}
const WinogradGradientKernels* FindWinogradGradientKernels() { return nullptr; }
#endif

}  // namespace lossatlas
