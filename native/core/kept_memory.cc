#include "core/kept_memory.h"

#include <map>

namespace lossatlas {

int64_t KeptBytes(const std::vector<at::Tensor>& tensors) {
  std::map<const void*, int64_t> storages;
  for (const at::Tensor& tensor : tensors)
    storages[tensor.storage().unsafeGetStorageImpl()] = static_cast<int64_t>(tensor.storage().nbytes());
  int64_t bytes = 0;
  for (const auto& [storage, size] : storages) bytes += size;
  return bytes;
}

bool FitsAmongKept(int64_t bytes, const Batch& batch) {
  const double samples = static_cast<double>(batch.first_sample() + batch.num_samples());
  const double all = static_cast<double>(bytes) * samples / static_cast<double>(batch.num_samples());
  return all <= static_cast<double>(kMostKeptBytes);
}

}  // namespace lossatlas
