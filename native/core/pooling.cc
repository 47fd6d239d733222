#include "core/pooling.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/clones.h"

namespace lossatlas {
namespace {

// A key that libtorch itself leaves alone and that only scopes of ours put into a thread's set: what is
// registered for it overrides nothing elsewhere.
constexpr c10::DispatchKey kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

bool IsAll(at::IntArrayRef values, int64_t expected) {
  return std::all_of(values.begin(), values.end(), [=](int64_t value) { return value == expected; });
}

// As libtorch: the first of equal ones, and NaN wherever there is one.
template <typename T>
inline T Larger(T a, T b) {
  return b > a || b != b ? b : a;
}

LOSSATLAS_CLONES void PoolRow(const float* a, const float* b, float* out, int64_t n) {
  for (int64_t j = 0; j < n; ++j)
    out[j] = Larger(Larger(Larger(a[2 * j], a[2 * j + 1]), b[2 * j]), b[2 * j + 1]);
}

LOSSATLAS_CLONES void PoolRow(const double* a, const double* b, double* out, int64_t n) {
  for (int64_t j = 0; j < n; ++j)
    out[j] = Larger(Larger(Larger(a[2 * j], a[2 * j + 1]), b[2 * j]), b[2 * j + 1]);
}

template <typename T>
void PoolPlanes(const at::Tensor& input, at::Tensor& output) {
  const int64_t height = input.size(-2);
  const int64_t width = input.size(-1);
  const int64_t out_height = height / 2;
  const int64_t out_width = width / 2;
  const T* in = input.const_data_ptr<T>();
  T* out = output.data_ptr<T>();
  const int64_t num_planes = output.numel() / (out_height * out_width);
  // As many planes at a time as are worth a thread.
  const int64_t grain = std::max<int64_t>(1, at::internal::GRAIN_SIZE / (height * width));
  at::parallel_for(0, num_planes, grain, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      for (int64_t row = 0; row < out_height; ++row) {
        const T* first = in + plane * height * width + 2 * row * width;
        PoolRow(first, first + width, out + (plane * out_height + row) * out_width, out_width);
      }
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
  const char* choice = std::getenv("LOSSATLAS_POOLING");
  const bool is_off = choice != nullptr && std::strcmp(choice, "libtorch") == 0;
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
