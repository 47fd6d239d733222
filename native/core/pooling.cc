#include "core/pooling.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "core/environment.h"
#include "core/pool_rows.h"

namespace lossatlas {
namespace {

// A key that libtorch itself leaves alone and that only scopes of ours put into a thread's set: what is
// registered for it overrides nothing elsewhere.
constexpr c10::DispatchKey kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

bool IsAll(at::IntArrayRef values, int64_t expected) {
  return std::all_of(values.begin(), values.end(), [=](int64_t value) { return value == expected; });
}

template <typename T>
void PoolPlanes(const at::Tensor& input, at::Tensor& output) {
  constexpr int64_t kBlock = 8192;  // what is read and what is written stays in the second-level cache
  const int64_t height = input.size(-2);
  const int64_t width = input.size(-1);
  const PoolShape shape{input.numel() / (height * width), height, width};
  const T* in = input.const_data_ptr<T>();
  T* out = output.data_ptr<T>();
  const PooledBlocks blocks(shape, kBlock);
  const int64_t grain = std::max<int64_t>(1, at::internal::GRAIN_SIZE / blocks.in_size());
  at::parallel_for(0, blocks.count(), grain, [&](int64_t begin, int64_t end) {
    std::vector<T> scratch(static_cast<size_t>(blocks.in_size()));
    for (int64_t i = begin; i < end; ++i) {
      const PooledBlock block = blocks.at(i);
      PoolRows(in + block.in_from, block.num_rows, width, scratch.data(), out + block.out_from);
    }
  });
}

at::Tensor MaxPool2d(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride,
                     at::IntArrayRef padding, at::IntArrayRef dilation, bool ceil_mode) {
  if (!ceil_mode && !at::GradMode::is_enabled()) {
    const at::Tensor pooled = PoolPairs(input, kernel, stride, padding, dilation);
    if (pooled.defined()) return pooled;
  }
  const c10::impl::ExcludeDispatchKeyGuard exclude(kKey);
  return at::max_pool2d(input, kernel, stride, padding, dilation, ceil_mode);
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, m) { m.fallback(torch::CppFunction::makeFallthrough()); }

TORCH_LIBRARY_IMPL(aten, TESTING_ONLY_GenericMode, m) { m.impl("max_pool2d", TORCH_FN(MaxPool2d)); }

c10::DispatchKeySet KeysToInclude() {
  const bool is_off = EnvironmentSays("LOSSATLAS_POOLING", "libtorch");
  return is_off ? c10::DispatchKeySet() : c10::DispatchKeySet(kKey);
}

}  // namespace

ScopedPooling::ScopedPooling() : guard_(KeysToInclude()) {}

at::Tensor PoolPairs(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride,
                     at::IntArrayRef padding, at::IntArrayRef dilation) {
  const bool is_float = input.scalar_type() == c10::kFloat;
  if (!IsAll(kernel, 2) || !IsAll(stride, 2) || !IsAll(padding, 0) || !IsAll(dilation, 1)) return {};
  if (!input.device().is_cpu() || !(is_float || input.scalar_type() == c10::kDouble)) return {};
  if (input.dim() < 3 || input.dim() > 4 || input.numel() == 0 || !input.is_contiguous()) return {};
  if (input.size(-2) < 2 || input.size(-1) < 2) return {};
  std::vector<int64_t> shape = input.sizes().vec();
  shape[shape.size() - 2] /= 2;
  shape[shape.size() - 1] /= 2;
  at::Tensor output = at::empty(shape, input.options());
  if (is_float) {
    PoolPlanes<float>(input, output);
  } else {
    PoolPlanes<double>(input, output);
  }
  return output;
}

}  // namespace lossatlas
