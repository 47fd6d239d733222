#include "core/random.h"

#include <cmath>
#include <numbers>
#include <random>

#include "core/error.h"

namespace lossatlas {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): spreads nearby seeds and streams over the whole state space.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The engine's output is fixed by the C++ standard; the standard's distributions are not, so they are written
// here.
using Engine = std::mt19937_64;

// In (0, 1), 53 bits: never 0, so its logarithm is finite.
double OpenUnit(Engine& engine) { return (static_cast<double>(engine() >> 11) + 0.5) * 0x1.0p-53; }

template <typename T>
void Fill(Law law, Engine& engine, T* out, int64_t n) {
  switch (law) {
    case Law::kGaussian:
      // Box-Muller, both values used.
      for (int64_t i = 0; i < n; i += 2) {
        const double radius = std::sqrt(-2.0 * std::log(OpenUnit(engine)));
        const double angle = 2.0 * std::numbers::pi * OpenUnit(engine);
        out[i] = static_cast<T>(radius * std::cos(angle));
        if (i + 1 < n) out[i + 1] = static_cast<T>(radius * std::sin(angle));
      }
      return;
    case Law::kUniform:
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(2.0 * OpenUnit(engine) - 1.0);
      return;
    case Law::kRademacher:
      for (int64_t i = 0; i < n; i += 64) {
        const uint64_t bits = engine();
        const int64_t end = std::min<int64_t>(64, n - i);
        for (int64_t b = 0; b < end; ++b) out[i + b] = ((bits >> b) & 1) != 0 ? T(1) : T(-1);
      }
      return;
  }
}

}  // namespace

Law ParseLaw(const std::string& name) {
  if (name == "gaussian") return Law::kGaussian;
  if (name == "uniform") return Law::kUniform;
  if (name == "rademacher") return Law::kRademacher;
  throw Error(code::kInvalidArgument, "law '" + name + "' is not gaussian, uniform or rademacher");
}

// Mixed twice, and added in between: neighbouring seeds and streams must not meet.
uint64_t StreamSeed(uint64_t seed, uint64_t stream) { return Mix(Mix(seed) + stream); }

at::Tensor RandomVector(Law law, uint64_t seed, uint64_t stream, int64_t n, at::TensorOptions options) {
  Engine engine(StreamSeed(seed, stream));
  at::Tensor host = at::empty({n}, options.device(c10::kCPU));
  if (host.scalar_type() == c10::kDouble) {
    Fill(law, engine, host.data_ptr<double>(), n);
  } else {
    Fill(law, engine, host.data_ptr<float>(), n);
  }
  return host.to(options.device());
}

}  // namespace lossatlas
