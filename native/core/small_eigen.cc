#include "core/small_eigen.h"

#include "core/torch.h"

namespace lossatlas {

SmallEigen SymmetricEigen(const std::vector<double>& matrix, int64_t m) {
  at::NoGradGuard no_grad;
  const auto [values, vectors] = at::linalg_eigh(at::tensor(matrix, c10::kDouble).view({m, m}), "L");
  const at::Tensor by_row = vectors.t().contiguous();
  return {{values.data_ptr<double>(), values.data_ptr<double>() + m},
          {by_row.data_ptr<double>(), by_row.data_ptr<double>() + m * m}};
}

}  // namespace lossatlas
