// Max-pooling of grids against libtorch's own, bit for bit.
#include "core/pooling.h"

#include <limits>

#include "check.h"
#include "modules.h"

namespace lossatlas {
namespace {

struct Windows {
  std::vector<int64_t> kernel = {2, 2};
  std::vector<int64_t> stride = {};
  std::vector<int64_t> padding = {0, 0};
  std::vector<int64_t> dilation = {1, 1};
  bool ceil_mode = false;
};

// NaN, infinities and ties at some places.
at::Tensor Odd(at::IntArrayRef shape, c10::ScalarType type) {
  const at::Tensor tensor = Random(shape, 3, type);
  const at::Tensor flat = tensor.view(-1);
  const double infinity = std::numeric_limits<double>::infinity();
  const double values[] = {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity, 0.5};
  for (int64_t i = 0; i < flat.numel(); i += 3) flat[i] = values[(i / 3) % 4];
  return tensor;
}

at::Tensor Pool(const at::Tensor& input, const Windows& w) {
  return at::max_pool2d(input, w.kernel, w.stride, w.padding, w.dilation, w.ceil_mode);
}

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         at::allclose(a, b, /*rtol=*/0, /*atol=*/0, /*equal_nan=*/true);
}

void TestEqual() {
  const at::NoGradGuard no_grad;
  for (const c10::ScalarType type : {c10::kFloat, c10::kDouble}) {
    const std::vector<at::Tensor> inputs = {
        Random({3, 4, 8, 10}, 3, type),
        Odd({2, 3, 7, 9}, type),
        Odd({1, 1, 2, 2}, type),
        Odd({5, 64, 66}, type),
        Odd({2, 3, 35, 4}, type),
        Random({64, 6, 28, 28}, 3, type),
        Random({2, 8, 6, 12}, 3, type).contiguous(at::MemoryFormat::ChannelsLast),
        Random({4, 6, 8, 10}, 3, type).narrow(3, 1, 7)};
    std::vector<Windows> windows(8);
    windows[1].stride = {2, 2};
    windows[2].kernel = {2};
    windows[3].stride = {1, 1};
    windows[4].padding = {1, 1};
    windows[5].ceil_mode = true;
    windows[6].kernel = {3, 3};
    windows[6].stride = {2, 2};
    windows[6].padding = {1, 1};
    windows[7].dilation = {2, 2};
    for (const at::Tensor& input : inputs) {
      for (const Windows& w : windows) {
        if (input.size(-2) < 3 && &w != &windows[0]) continue;
        const at::Tensor expected = Pool(input, w);
        const ScopedPooling scope;
        EXPECT(SameBits(Pool(input, w), expected));
      }
    }
  }
}

void TestScope() {
  const at::Tensor input = Random({2, 3, 6, 8}, 3, c10::kFloat).requires_grad_(true);
  const Windows w;
  {
    const at::NoGradGuard no_grad;
    EXPECT(PoolPairs(input, w.kernel, w.stride, w.padding, w.dilation).defined());
    EXPECT(!PoolPairs(input.to(c10::kBFloat16), w.kernel, w.stride, w.padding, w.dilation).defined());
    EXPECT(!PoolPairs(input, w.kernel, {1, 1}, w.padding, w.dilation).defined());
  }
  // Gradients go to the first of equal values, which takes libtorch's indices.
  const at::Tensor expected = torch::autograd::grad({Pool(input, w).sum()}, {input})[0];
  const ScopedPooling scope;
  EXPECT(at::equal(torch::autograd::grad({Pool(input, w).sum()}, {input})[0], expected));
}

}  // namespace

std::vector<Test> PoolingTests() {
  return {{"max-pooling of grids equals libtorch's", TestEqual},
          {"max-pooling of grids leaves gradients alone", TestScope}};
}

}  // namespace lossatlas
