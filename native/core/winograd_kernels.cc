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

// LOSSATLAS_BROADCAST reads one number into all lanes: a load alone. What the compiler makes of `Floats{} +
// x` adds, and then shuffles, on the ports that multiply (of Intel's, which have two: half the speed).

// Rows of a block: sums fill the registers, but for those of two factors.
namespace avx512 {
using Element = float;
constexpr int64_t kLanes = 16;
constexpr int kRows = 14;
#define LOSSATLAS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define LOSSATLAS_BROADCAST _mm512_set1_ps
#include "core/winograd_transforms.h"
// After it.
#include "core/winograd_float_loops.h"
#undef LOSSATLAS_BROADCAST
#undef LOSSATLAS_TARGET
}  // namespace avx512

namespace avx512_bf16 {
using Element = c10::BFloat16;
constexpr int64_t kLanes = 16;
constexpr int kRows = 14;
#define LOSSATLAS_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")))
#include "core/winograd_transforms.h"
// After it.
#include "core/winograd_bfloat16_loops.h"
#undef LOSSATLAS_TARGET
}  // namespace avx512_bf16

namespace avx2 {
using Element = float;
constexpr int64_t kLanes = 8;
constexpr int kRows = 6;
#define LOSSATLAS_TARGET __attribute__((target("avx2,fma")))
#define LOSSATLAS_BROADCAST _mm256_set1_ps
#include "core/winograd_transforms.h"
// After it.
#include "core/winograd_float_loops.h"
#undef LOSSATLAS_BROADCAST
#undef LOSSATLAS_TARGET
}  // namespace avx2

bool Has256() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool Has512() {
  return Has256() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

}  // namespace

WinogradKernels FindWinogradKernels(bool in_bfloat16) {
  if (EnvironmentSays("LOSSATLAS_WINOGRAD", "libtorch") || !Has256()) return {};
  // With tiles (AMX) libtorch's own convolutions in bfloat16 are the fastest.
  const bool is_ours = in_bfloat16 && !__builtin_cpu_supports("amx-bf16");
  WinogradKernels out{&avx2::kKernels, &avx2::kGradientKernels, nullptr, is_ours};
  if (!Has512() || EnvironmentSays("LOSSATLAS_WINOGRAD", "avx2")) return out;
  out.single = &avx512::kKernels;
  out.gradient = &avx512::kGradientKernels;
  // Intel's processors without tiles multiply pairs of bfloat16 half as often as numbers of float32 (measured
  // on one of family 6, model 207).
  const bool pays = !__builtin_cpu_is("intel") || EnvironmentSays("LOSSATLAS_WINOGRAD", "bfloat16");
  if (is_ours && pays && __builtin_cpu_supports("avx512bf16")) {
    out.half = &avx512_bf16::kKernels;
    out.widens_half = false;
  }
  return out;
}
#else
WinogradKernels FindWinogradKernels(bool) { return {}; }
#endif

}  // namespace lossatlas
