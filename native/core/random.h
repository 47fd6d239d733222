// Seeded random vectors. Drawn on the host, in index order, in float64: the same seed gives the same vector
// on every device, dtype, libtorch version and number of threads.
#pragma once
#include <cstdint>
#include <string>

#include "core/torch.h"

namespace lossatlas {

enum class Law { kGaussian, kUniform, kRademacher };

// "gaussian" N(0,1), "uniform" U(-1,1), "rademacher" +-1 with equal probability.
Law ParseLaw(const std::string& name);

// A seed of its own for each stream of `seed`.
uint64_t StreamSeed(uint64_t seed, uint64_t stream);

// n draws of stream `stream` of `seed`; streams of one seed are independent.
at::Tensor RandomVector(Law law, uint64_t seed, uint64_t stream, int64_t n, at::TensorOptions options);

}  // namespace lossatlas
