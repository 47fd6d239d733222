// Tests of the core without Node: kernels, layouts, random numbers, orthogonalisation, scopes.
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "core/affine_proof.h"
#include "core/batch.h"
#include "core/criterion.h"
#include "core/error.h"
#include "core/flat_kernels.h"
#include "core/krylov_basis.h"
#include "core/memory_meter.h"
#include "core/normalization.h"
#include "core/orthogonalization.h"
#include "core/random.h"
#include "core/scoped_state.h"
#include "core/small_eigen.h"
#include "core/thread_state.h"
#include "test/check.h"

namespace lossatlas {
namespace {

int failures = 0;

template <class Function>
std::string CodeOf(Function function) {
  try {
    function();
  } catch (const Error& e) {
    return e.code();
  }
  return "";
}

std::shared_ptr<const ParameterLayout> LayoutOf(int64_t n) {
  return std::make_shared<ParameterLayout>(std::vector<ParameterInfo>{{"w", {n}, 0, 0, Role::kWeight}});
}

void TestKernels() {
  for (const c10::ScalarType type : {c10::kFloat, c10::kDouble}) {
    for (const int64_t n : {1, 15, 4096, 100'003}) {
      const at::Tensor a = RandomVector(Law::kGaussian, 1, 0, n, type);
      const at::Tensor b = RandomVector(Law::kGaussian, 2, 0, n, type);
      const double exact = (a.to(c10::kDouble) * b.to(c10::kDouble)).sum().item<double>();
      EXPECT(Near(Dot(a, b), exact, 1e-9 * std::sqrt(n)));
      EXPECT(Near(Norm(a, 1), a.to(c10::kDouble).abs().sum().item<double>(), 1e-9 * n));
    }
  }
}

// Against what is left by Householder's QR in float64, by both ways and for vectors that one pass suffices
// for and not.
void TestOrthogonalize() {
  for (const c10::ScalarType type : {c10::kFloat, c10::kDouble}) {
    const double eps = type == c10::kFloat ? 1e-6 : 1e-14;
    for (const int64_t count : {0, 1, 5, 21}) {
      for (const int64_t n : {30, 2048, 100'003}) {
        const at::Tensor drawn = RandomVector(Law::kGaussian, 1, 0, 22 * n, c10::kDouble).view({22, n});
        const at::Tensor exact = std::get<0>(at::linalg_qr(drawn.narrow(0, 0, 22).t())).t().contiguous();
        const at::Tensor rows = exact.to(type);
        // Of 16 rows each; some that do not count.
        const std::vector<at::Tensor> blocks = {rows.narrow(0, 0, 16).clone(), rows.narrow(0, 16, 6).clone()};
        for (const double share : {1.0, 1e-3}) {
          const at::Tensor inside = exact.narrow(0, 0, count).sum(0);
          const at::Tensor vector = (inside + share * drawn[21] / std::sqrt(n)).to(type);
          const at::Tensor q = rows.narrow(0, 0, count).to(c10::kDouble);
          const at::Tensor v = vector.to(c10::kDouble);
          const at::Tensor overlaps = at::mv(q, v);
          const at::Tensor left = v - at::mv(q.t(), overlaps);
          for (const char* way : {"", "libtorch"}) {
            setenv("LOSSATLAS_GRAM_SCHMIDT", way, 1);
            const at::Tensor rest = at::full({n}, NAN, type);
            const Orthogonalized got = Orthogonalize({blocks, count}, vector, rest, false);
            EXPECT(Near(got.start, v.norm().item<double>(), eps * (1 + std::sqrt(count))));
            EXPECT(Near(got.norm, left.norm().item<double>(), 10 * eps));
            EXPECT((rest.to(c10::kDouble) - left).norm().item<double>() < 10 * eps);
            EXPECT(at::mv(q, rest.to(c10::kDouble)).norm().item<double>() < 2 * eps * (eps + got.norm));
            EXPECT(static_cast<int64_t>(got.overlaps.size()) == count);
            for (int64_t i = 0; i < count; ++i)
              EXPECT(Near(got.overlaps[i], overlaps[i].item<double>(), 10 * eps));
            Orthogonalize({blocks, count}, vector, rest, true);
            EXPECT((rest.to(c10::kDouble) * got.norm - left).norm().item<double>() < 10 * eps);
          }
        }
      }
    }
  }
  unsetenv("LOSSATLAS_GRAM_SCHMIDT");
}

void TestOrthogonalizeDoesNotDependOnThreads() {
  const int64_t n = 1'000'003;
  const at::Tensor rows = RandomVector(Law::kGaussian, 1, 0, 5 * n, c10::kFloat).view({5, n}) / std::sqrt(n);
  const at::Tensor vector = rows.sum(0) + RandomVector(Law::kGaussian, 2, 0, n, c10::kFloat) / std::sqrt(n);
  const std::vector<at::Tensor> blocks = {rows};  // Rows refers to it
  const at::Tensor many = at::empty({n}, c10::kFloat);
  const at::Tensor one = at::empty_like(many);
  const int threads = at::get_num_threads();
  const Orthogonalized of_many = Orthogonalize({blocks, 5}, vector, many, true);
  at::set_num_threads(1);
  const Orthogonalized of_one = Orthogonalize({blocks, 5}, vector, one, true);
  at::set_num_threads(threads);
  EXPECT(of_many.overlaps == of_one.overlaps && of_many.norm == of_one.norm && at::equal(many, one));
}

// Without OpenMP at::parallel_for is serial, and says nothing.
void TestParallelForUsesThreads() {
  if (at::get_num_threads() < 2) return;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  at::parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT(threads.size() == 2);
}

void TestKernelsDoNotDependOnThreads() {
  const at::Tensor a = RandomVector(Law::kGaussian, 1, 0, 1'000'003, c10::kFloat);
  const int threads = at::get_num_threads();
  const double many = Dot(a, a);
  at::set_num_threads(1);
  const double one = Dot(a, a);
  at::set_num_threads(threads);
  EXPECT(many == one);
}

void TestRandom() {
  const at::Tensor a = RandomVector(Law::kGaussian, 7, 0, 200'000, c10::kDouble);
  EXPECT(Near(a.mean().item<double>(), 0, 0.01));
  EXPECT(Near(a.var().item<double>(), 1, 0.02));
  EXPECT(Near(a.pow(4).mean().item<double>(), 3, 0.1));
  const at::Tensor u = RandomVector(Law::kUniform, 7, 0, 200'000, c10::kDouble);
  EXPECT(Near(u.mean().item<double>(), 0, 0.01) && u.min().item<double>() > -1 && u.max().item<double>() < 1);
  EXPECT(Near(u.var().item<double>(), 1.0 / 3, 0.01));
  const at::Tensor r = RandomVector(Law::kRademacher, 7, 0, 200'001, c10::kDouble);
  EXPECT(at::all(r.abs() == 1).item<bool>() && Near(r.mean().item<double>(), 0, 0.01));
  const at::Tensor other = RandomVector(Law::kGaussian, 7, 1, 200'000, c10::kDouble);
  EXPECT(std::abs(Dot(a, other)) / 200'000 < 0.01);
  EXPECT(at::equal(a.to(c10::kFloat), RandomVector(Law::kGaussian, 7, 0, 200'000, c10::kFloat)));
}

void TestLayout() {
  const ParameterLayout layout(
      {{"a", {2, 3}, 0, 0, Role::kWeight}, {"b", {}, 0, 0, Role::kBias}, {"c", {0}, 0, 0, Role::kWeight}});
  EXPECT(layout.size() == 7 && layout.parameters()[1].offset == 6 && layout.parameters()[2].numel == 0);
  const at::Tensor flat = at::arange(7, c10::kDouble);
  const std::vector<at::Tensor> parts = layout.Split(flat);
  EXPECT(parts[0].sizes() == at::IntArrayRef({2, 3}) && parts[1].item<double>() == 6);
  EXPECT(at::equal(layout.Join(parts, flat.options()), flat));
  const at::Tensor with_zeros = layout.Join({at::Tensor(), parts[1], parts[2]}, flat.options());
  EXPECT(with_zeros.sum().item<double>() == 6);
  const ParameterLayout renamed(
      {{"a", {2, 3}, 0, 0, Role::kWeight}, {"z", {}, 0, 0, Role::kBias}, {"c", {0}, 0, 0, Role::kWeight}});
  EXPECT(CodeOf([&] { layout.RequireMatch(renamed); }) == code::kLayoutMismatch);
}

void TestSegmentDots() {
  for (const c10::ScalarType type : {c10::kFloat, c10::kDouble}) {
    const at::Tensor a = RandomVector(Law::kGaussian, 4, 0, 10'000, type);
    const at::Tensor b = RandomVector(Law::kGaussian, 4, 1, 10'000, type);
    const std::vector<double> dots = SegmentDots(a, b, {3, 0, 8'997, 1'000});
    EXPECT(dots.size() == 4 && dots[1] == 0);
    EXPECT(dots[0] == Dot(a.narrow(0, 0, 3), b.narrow(0, 0, 3)));
    EXPECT(Near(dots[0] + dots[2] + dots[3], Dot(a, b), 1e-9));
  }
}

void TestAffineProof() {
  const auto leaf = [](int64_t rows, int64_t columns) {
    return at::randn({rows, columns}, c10::kDouble).requires_grad_(true);
  };
  const std::vector<at::Tensor> leaves = {leaf(4, 4), leaf(4, 4), leaf(1, 4)};
  const at::Tensor x = at::randn({3, 4}, c10::kDouble);
  const auto obstacle = [&](const at::Tensor& output, bool log_softmax = false) {
    return FindNonAffine(output, leaves, {"a", "b", "c"}, log_softmax);
  };
  const auto refuses = [&](const at::Tensor& output, const char* what) {
    return obstacle(output).find(what) != std::string::npos;
  };
  const at::Tensor hidden = at::relu(x.mm(leaves[0]) + leaves[2]);
  EXPECT(obstacle(x).empty());
  EXPECT(obstacle(hidden.mm(leaves[1])).empty());
  EXPECT(obstacle(x.mm(leaves[0]) + x.mm(leaves[0]).abs()).empty());
  EXPECT(obstacle(at::linear(x, leaves[0] * leaves[2])).empty());
  EXPECT(obstacle(hidden.log_softmax(1), true).empty());
  EXPECT(obstacle(hidden.detach().tanh() * leaves[2]).empty());
  EXPECT(refuses(hidden.log_softmax(1), "LogSoftmax"));
  EXPECT(refuses(hidden.mm(leaves[0]), "both depend on 'a'"));
  EXPECT(refuses(hidden * hidden, "'Mul'"));
  EXPECT(refuses(hidden / hidden, "'Div'"));
  EXPECT(refuses(leaves[2].reciprocal(), "'Reciprocal'"));
  EXPECT(!obstacle(1 / leaves[2]).empty());
  EXPECT(refuses(hidden.pow(2), "'Pow'"));
  EXPECT(refuses(hidden.sigmoid().mm(leaves[1]), "'Sigmoid'"));
  EXPECT(refuses(at::layer_norm(hidden, {4}), "'NativeLayerNorm'"));
  at::Tensor in_place = x.mm(leaves[0]);
  in_place.select(1, 0).exp_();
  EXPECT(refuses(in_place, "'Exp'"));
  at::Tensor copied = x.mm(leaves[0]);
  copied.select(1, 0).copy_(hidden.select(1, 1));
  EXPECT(obstacle(copied).empty());
  const at::Tensor mean = at::zeros({4}, c10::kDouble);
  const at::Tensor variance = at::ones({4}, c10::kDouble);
  const auto batch_norm = [&](bool training) {
    return at::batch_norm(hidden, leaves[2].view({4}) * 2, {}, mean, variance, training, 0.1, 1e-5, false);
  };
  EXPECT(refuses(batch_norm(true), "statistics of the batch"));
  // The scale is the bias of the layer before.
  EXPECT(refuses(batch_norm(false), "both depend on 'c'"));
}

void TestKrylovBasis(const char* way) {
  setenv("LOSSATLAS_GRAM_SCHMIDT", way, 1);
  for (const c10::ScalarType type : {c10::kFloat, c10::kDouble}) {
    const int64_t n = 5000;
    KrylovBasis basis(LayoutOf(n), 40, type);
    // Nearly parallel vectors: one pass of Gram-Schmidt would not do.
    const at::Tensor base = RandomVector(Law::kGaussian, 3, 0, n, type);
    for (int i = 0; i < 40; ++i)
      basis.Extend(base + 1e-3 * RandomVector(Law::kGaussian, 3, 1 + i, n, type), 1e-9, 0);
    EXPECT(basis.count() == 40);
    double worst = 0;
    for (int i = 0; i < 40; ++i) {
      for (int j = 0; j <= i; ++j)
        worst = std::max(worst, std::abs(Dot(basis.Row(i), basis.Row(j)) - (i == j ? 1 : 0)));
    }
    EXPECT(worst < (type == c10::kFloat ? 1e-6 : 1e-14));
    EXPECT(!basis.Extend(base, 0, 0).appended);  // full
    // What brings nothing leaves the basis as it was, where it would open a block too.
    KrylovBasis small(LayoutOf(n), 20, type);
    for (int i = 0; i < 16; ++i) small.Extend(RandomVector(Law::kGaussian, 5, i, n, type), 1e-9, 0);
    const at::Tensor first = small.Row(0).clone();
    EXPECT(!small.Extend(small.Row(15), 1e-5, 0).appended && small.count() == 16);
    EXPECT(!small.Extend(at::zeros({n}, type), 1e-5, 0).appended && small.count() == 16);
    const KrylovBasis::Extension nan = small.Extend(at::full({n}, NAN, type), 1e-5, 0);
    EXPECT(!nan.appended && std::isnan(nan.norm) && small.count() == 16);
    EXPECT(small.Extend(base, 1e-5, 0).appended && small.count() == 17 && at::equal(small.Row(0), first));
    EXPECT(Near(Dot(small.Row(16), small.Row(16)), 1, 1e-6) && Near(Dot(small.Row(16), first), 0, 1e-6));
    const KrylovBasis::Extension inside = basis.Extend(basis.Row(3), 1e-5, 0);
    EXPECT(!inside.appended && Near(inside.overlaps[3], 1, 1e-6));
    EXPECT(CodeOf([&] { basis.Row(40); }) == code::kInvalidArgument);
    // Rotated to two mixed rows: as Combine says, orthonormal, and the basis goes on from there.
    std::vector<double> mix(2 * 40, 0.0);
    mix[3] = mix[40 + 17] = 0.6;
    mix[17] = 0.8;
    mix[40 + 3] = -0.8;
    const std::vector<at::Tensor> expected = basis.Combine(mix, 2);
    basis.Rotate(mix, 2);
    EXPECT(basis.count() == 2);
    EXPECT(Near(Dot(basis.Row(0), expected[0]), 1, 1e-6) && Near(Dot(basis.Row(1), expected[1]), 1, 1e-6));
    EXPECT(Near(Dot(basis.Row(0), basis.Row(1)), 0, 1e-6));
    EXPECT(basis.Extend(base, 0, 0).appended && basis.count() == 3);
  }
  unsetenv("LOSSATLAS_GRAM_SCHMIDT");
}

void TestSmallEigen() {
  const SmallEigen eigen = SymmetricEigen({2, 1, 0, 1, 2, 1, 0, 1, 2}, 3);
  EXPECT(Near(eigen.values[0], 2 - std::sqrt(2.0), 1e-14) && Near(eigen.values[1], 2, 1e-14) &&
         Near(eigen.values[2], 2 + std::sqrt(2.0), 1e-14));
  EXPECT(Near(std::abs(eigen.vectors[0]), 0.5, 1e-14) &&
         Near(std::abs(eigen.vectors[3]), std::sqrt(0.5), 1e-14));
}

void TestNormalizationKeepsZeroGroups() {
  const ParameterLayout layout({{"w", {2, 2}, 0, 0, Role::kWeight}});
  const at::Tensor direction = at::tensor({0.0, 0.0, 3.0, 4.0}, c10::kDouble);
  const at::Tensor reference = at::tensor({1.0, 1.0, 0.0, 10.0}, c10::kDouble);
  const NormalizedDirection out =
      Normalize(layout, direction, reference, {Normalization::kFilter, 2, {}, {}});
  EXPECT(out.num_zero_groups == 1);
  EXPECT(at::allclose(out.values, at::tensor({0.0, 0.0, 6.0, 8.0}, c10::kDouble)));
}

void TestBatch() {
  const auto options = at::TensorOptions().dtype(c10::kFloat);
  EXPECT(CodeOf([&] { Batch({at::zeros({0, 2})}, {}, {options, options}); }) == code::kEmptyData);
  EXPECT(CodeOf([&] {
           Batch({at::zeros({2, 2})}, at::zeros({3}), {options, options});
         }) == code::kInvalidData);
  at::Tensor x = at::zeros({3, 2});
  x[1][0] = NAN;
  EXPECT(CodeOf([&] { Batch({x}, {}, {options, options}); }) == code::kInvalidData);
  const Batch batch({at::zeros({3, 2}, c10::kDouble)}, at::tensor({0, 1, -100}, c10::kLong),
                    {options, options});
  EXPECT(batch.inputs()[0].scalar_type() == c10::kFloat);
  EXPECT(batch.NumCounted(-100) == 2 && batch.NumCounted(0) == 2 && batch.NumCounted(5) == 3);
  EXPECT(CodeOf([&] { batch.RequireLabels(1, -100); }) == code::kLabelRange);
  EXPECT(CodeOf([&] { batch.RequireLabels(2, 7); }) == code::kLabelRange);
  EXPECT(CodeOf([&] { batch.RequireLabels(2, -100); }).empty());
}

void TestMemoryMeter() {
  const MemoryMeter meter;
  at::Tensor kept = at::zeros({1000}, c10::kDouble);
  at::zeros({100'000}, c10::kDouble).sum();
  EXPECT(meter.live_bytes() >= 8000 && meter.live_bytes() < 20'000);
  EXPECT(meter.peak_bytes() >= 800'000);
  kept.reset();
  EXPECT(meter.live_bytes() < 8000);
}

void TestScopedSeed() {
  at::manual_seed(5);
  const at::Tensor expected = at::rand({4});
  at::manual_seed(5);
  at::Tensor first;
  at::Tensor second;
  {
    const ScopedSeed seed(1, c10::Device(c10::kCPU));
    first = at::rand({4});
  }
  {
    const ScopedSeed seed(1, c10::Device(c10::kCPU));
    second = at::rand({4});
  }
  EXPECT(at::equal(first, second));
  EXPECT(at::equal(at::rand({4}), expected));
}

int Main() {
  // What the tests compare with libtorch's own.
  unsetenv("LOSSATLAS_CONVOLUTION");
  unsetenv("LOSSATLAS_BATCH_NORM");
  unsetenv("LOSSATLAS_FOLDING");
  ConfigureProcess();
  std::vector<Test> tests = {
      {"reductions of flat vectors", TestKernels},
      {"orthogonalisation against rows", TestOrthogonalize},
      {"at::parallel_for uses threads", TestParallelForUsesThreads},
      {"reductions do not depend on the number of threads", TestKernelsDoNotDependOnThreads},
      {"orthogonalisation does not depend on the number of threads", TestOrthogonalizeDoesNotDependOnThreads},
      {"sums over segments of flat vectors", TestSegmentDots},
      {"proof that a network is affine in each parameter", TestAffineProof},
      {"random laws", TestRandom},
      {"parameter layout", TestLayout},
      {"Krylov basis stays orthonormal", [] { TestKrylovBasis(""); }},
      {"Krylov basis stays orthonormal by libtorch's operators", [] { TestKrylovBasis("libtorch"); }},
      {"small symmetric eigenproblem", TestSmallEigen},
      {"normalisation keeps zero groups", TestNormalizationKeepsZeroGroups},
      {"batch checks its data", TestBatch},
      {"memory meter", TestMemoryMeter},
      {"scoped seed puts the generator back", TestScopedSeed},
  };
  for (const auto& more :
       {ConvolutionEndsTests(), DoubleBackwardTests(), FirstLayersTests(), FoldedForwardTests(),
        FrozenPrefixTests(), PoolingTests(), RecorderTests(), WinogradTests()})
    tests.insert(tests.end(), more.begin(), more.end());
  int failed = 0;
  for (const auto& [name, run] : tests) {
    const int before = failures;
    try {
      run();
    } catch (const std::exception& e) {
      ++failures;
      std::printf("    threw: %s\n", e.what());
    }
    const bool ok = failures == before;
    failed += ok ? 0 : 1;
    std::printf("  %s %s\n", ok ? "ok" : "FAILED", name);
  }
  std::printf("core: %zu passed, %d failed\n", tests.size() - static_cast<size_t>(failed), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int NumFailures() { return failures; }

void Check(bool condition, const char* expression, int line) {
  if (condition) return;
  ++failures;
  std::printf("    line %d: %s\n", line, expression);
}

}  // namespace lossatlas

int main() { return lossatlas::Main(); }
