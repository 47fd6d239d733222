// Eigenproblem of the small symmetric matrices of Krylov methods, in float64 on the host.
#pragma once
#include <cstdint>
#include <vector>

namespace lossatlas {

struct SmallEigen {
  std::vector<double> values;   // ascending
  std::vector<double> vectors;  // [m][m]: vectors[i * m + j] is entry j of the unit eigenvector of values[i]
};

// Symmetric m × m matrix, row by row; only the lower triangle is read.
SmallEigen SymmetricEigen(const std::vector<double>& matrix, int64_t m);

}  // namespace lossatlas
