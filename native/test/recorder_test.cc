// Recorded computations against computed ones, with a recorder that is as strict as CUDA graphs.
#include <memory>
#include <stdexcept>

#include "check.h"
#include "core/gauss_newton_graph.h"
#include "core/hessian_graph.h"
#include "core/krylov_basis.h"
#include "core/recorded_function.h"
#include "core/subspace_points.h"
#include "core/thread_state.h"
#include "core/torchscript_model.h"
#include "modules.h"
#include "tape_recorder.h"

namespace lossatlas {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr int kCallsBefore = 3;

double Difference(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

void TestFunction() {
  const auto recorder = std::make_shared<TapeRecorder>();
  const at::Tensor factor = Random({5, 5}, 1);
  int num_computed = 0;
  RecordedFunction function(recorder, c10::kDouble, [&](const Tensors& in) -> Tensors {
    ++num_computed;
    return {factor.mm(in[0]).tanh_(), in[0].sum(0).add_(in[1])};
  });
  for (int i = 0; i < 6; ++i) {
    const at::Tensor x = Random({5, 2}, 10 + static_cast<uint64_t>(i));
    const at::Tensor y = Random({2}, 20 + static_cast<uint64_t>(i));
    const Tensors out = function({x, y});
    EXPECT(Difference(out[0], factor.mm(x).tanh()) < 1e-14 && Difference(out[1], x.sum(0) + y) < 1e-14);
    EXPECT(function.is_recorded() == (i + 1 >= kCallsBefore));
  }
  // Three calls, the recording, and the other inputs that it is checked with.
  EXPECT(num_computed == 5 && recorder->num_recordings == 1 && recorder->num_replays == 2 + 3);
  // What was given out is not written to again.
  const Tensors first = function({at::ones({5, 2}, at::kDouble), at::zeros({2}, at::kDouble)});
  const at::Tensor before = first[1].clone();
  function({Random({5, 2}, 30), Random({2}, 31)});
  EXPECT(at::equal(first[1], before));
  // Another shape and another type are computed.
  EXPECT(function({Random({5, 3}, 40), Random({3}, 41)})[0].size(1) == 3 && num_computed == 6);
  EXPECT(recorder->num_recordings == 1);
}

// Calls it often enough and sees that it computes on, rightly.
void ExpectComputed(const std::shared_ptr<TapeRecorder>& recorder, const RecordedFunction::Compute& compute,
                    const std::function<at::Tensor(const at::Tensor&)>& expected) {
  RecordedFunction function(recorder, c10::kDouble, compute);
  for (uint64_t i = 0; i < 6; ++i) {
    const at::Tensor x = Random({4}, 50 + i);
    EXPECT(Difference(function({x})[0], expected(x)) < 1e-14);
    EXPECT(!function.is_recorded());
  }
}

void TestFunctionsThatCannotBeRecorded() {
  const auto recorder = std::make_shared<TapeRecorder>();
  ExpectComputed(
      recorder, [](const Tensors& in) -> Tensors { return {in[0] * in[0].sum().item<double>()}; },
      [](const at::Tensor& x) { return x * x.sum(); });
  EXPECT(recorder->num_recordings == 0);
  // A number that no operator reads: in the recording it is that of the recording.
  ExpectComputed(
      recorder, [](const Tensors& in) -> Tensors { return {in[0] * in[0].const_data_ptr<double>()[0]}; },
      [](const at::Tensor& x) { return x * x[0]; });
  EXPECT(recorder->num_recordings == 1 && recorder->num_replays == 1);
  // Something that is written beside the outputs is of the last inputs.
  at::Tensor written = at::zeros({4}, at::kDouble);
  ExpectComputed(
      recorder,
      [&](const Tensors& in) -> Tensors {
        written.copy_(in[0]);
        return {in[0] + in[0].sum().item<double>()};
      },
      [](const at::Tensor& x) { return x + x.sum(); });
  EXPECT(at::equal(written, Random({4}, 55)));

  // A small part that is stale, and a function that is not finite.
  ExpectComputed(
      recorder,
      [](const Tensors& in) -> Tensors {
        at::Tensor out = in[0] * 1e3;
        out[3].fill_(in[0].const_data_ptr<double>()[3] * 1e-3);
        return {out};
      },
      [](const at::Tensor& x) {
        at::Tensor out = x * 1e3;
        out[3] = x[3] * 1e-3;
        return out;
      });
  {
    RecordedFunction infinite(recorder, c10::kDouble,
                              [](const Tensors& in) -> Tensors { return {in[0] / 0.0}; });
    for (uint64_t i = 0; i < 5; ++i) infinite({Random({4}, i)});
    EXPECT(!infinite.is_recorded() && infinite.has_failed());
  }

  class Broken : public Recorder {
   public:
    std::unique_ptr<Recording> Record(const std::function<void()>&) override {
      ++num_tries;
      throw std::runtime_error("no room");
    }
    int num_tries = 0;
  };
  const auto broken = std::make_shared<Broken>();
  RecordedFunction function(broken, c10::kDouble, [](const Tensors& in) -> Tensors { return {in[0] * 2}; });
  for (uint64_t i = 0; i < 6; ++i) {
    const at::Tensor x = Random({4}, i);
    EXPECT(at::equal(function({x})[0], x * 2));
  }
  EXPECT(broken->num_tries == 1);
  // Its own errors come through.
  RecordedFunction throwing(recorder, c10::kDouble,
                            [](const Tensors& in) -> Tensors { return {in[0].view({7})}; });
  for (int i = 0; i < 5; ++i) {
    bool threw = false;
    try {
      throwing({at::ones({4})});
    } catch (const c10::Error&) {
      threw = true;
    }
    EXPECT(threw);
  }
}

struct Net {
  std::shared_ptr<Objective> objective;
  Batch batch;
};

// Convolution, BatchNorm, ReLU, pooling and a linear layer, in float64: libtorch's own kernels on the CPU.
Net MakeNet(Mode mode, int64_t index = 0) {
  torch::jit::Module module("net");
  module.register_parameter("first", Random({6, 3, 3, 3}, 1), false);
  module.register_parameter("gamma", at::rand({6}, at::kDouble) + 0.5, false);
  module.register_parameter("last", Random({4, 6}, 3), false);
  module.register_buffer("mean", Random({6}, 4));
  module.register_buffer("variance", at::rand({6}, at::kDouble) + 0.5);
  module.register_attribute("training", c10::BoolType::get(), false);
  DefineForward(
      module,
      "y = torch.conv2d(x, self.first, None, [1, 1], [1, 1])\n"
      "y = torch.batch_norm(y, self.gamma, None, self.mean, self.variance, self.training, 0.1, 1e-5, "
      "True)\n"
      "y = torch.avg_pool2d(torch.relu(y), [2, 2])\n"
      "return torch.linear(torch.tanh(y).mean([2, 3]), self.last)");
  LoadOptions options;
  options.include_frozen = true;
  auto objective = std::make_shared<Objective>();
  objective->model = std::make_shared<TorchScriptModel>(module, options);
  objective->mode = mode;
  BatchSource source;
  source.index = index;
  return {objective, Batch({Random({8, 3, 6, 6}, 5 + static_cast<uint64_t>(index))},
                           at::arange(8, at::kLong).remainder(4), {at::kDouble, at::kDouble}, {}, source)};
}

void TestProducts() {
  const ThreadState state;
  for (const Mode mode : {Mode::kEval, Mode::kTrain}) {
    const Net net = MakeNet(mode);
    const at::Tensor theta = net.objective->model->Parameters();
    const ParameterSpace space(*net.objective->model);
    const auto graph_of = [&](bool is_hessian) -> std::unique_ptr<CurvatureGraph> {
      if (is_hessian) return std::make_unique<HessianGraph>(*net.objective, space, theta, nullptr, net.batch);
      return std::make_unique<GaussNewtonGraph>(*net.objective, space, theta, nullptr, net.batch,
                                                GaussNewtonOptions());
    };
    for (const bool is_hessian : {true, false}) {
      for (const int64_t num_vectors : {1, 3}) {
        for (const bool batched : {false, true}) {
          const auto recorder = std::make_shared<TapeRecorder>();
          const std::unique_ptr<CurvatureGraph> plain = graph_of(is_hessian);
          const std::unique_ptr<CurvatureGraph> recorded = graph_of(is_hessian);
          for (uint64_t i = 0; i < 6; ++i) {
            Tensors vectors;
            for (int64_t j = 0; j < num_vectors; ++j)
              vectors.push_back(RandomVector(Law::kRademacher, i, j, theta.numel(), c10::kDouble));
            const bool keep = i < 5;
            const Tensors expected = plain->Apply(vectors, keep, batched);
            const ScopedRecorder scope(recorder);
            const Tensors found = recorded->Apply(vectors, keep, batched);
            for (size_t j = 0; j < found.size(); ++j) EXPECT(Difference(found[j], expected[j]) < 1e-12);
          }
          // All vectors are one recording.
          EXPECT(recorder->num_recordings == 1 && recorder->num_replays == 2 + 2);
        }
      }
    }
  }
}

void TestBasis() {
  constexpr int64_t kSize = 300;
  const auto layout =
      std::make_shared<ParameterLayout>(std::vector<ParameterInfo>{{"w", {kSize}, 0, 0, Role::kWeight}});
  const auto recorder = std::make_shared<TapeRecorder>();
  const auto vector_of = [](uint64_t i) { return RandomVector(Law::kGaussian, 7, i, kSize, c10::kDouble); };
  KrylovBasis plain(layout, 21, c10::kDouble);
  const auto recorded = [&] {
    const ScopedRecorder scope(recorder);
    return std::make_unique<KrylovBasis>(layout, 21, c10::kDouble);
  }();
  int num_steps = 0;
  const auto extend = [&](const at::Tensor& vector) {
    const KrylovBasis::Extension a = plain.Extend(vector, 1e-9, 0);
    const KrylovBasis::Extension b = recorded->Extend(vector, 1e-9, 0);
    EXPECT(a.appended == b.appended && a.overlaps.size() == b.overlaps.size());
    EXPECT(plain.count() == recorded->count());
    if (std::isnan(a.norm)) {
      EXPECT(std::isnan(b.norm));
      return;
    }
    EXPECT(Near(a.norm, b.norm, 1e-12 * vector.norm().item<double>() + 1e-300));
    for (size_t i = 0; i < a.overlaps.size(); ++i) EXPECT(Near(a.overlaps[i], b.overlaps[i], 1e-12));
    if (a.appended) {
      const int64_t last = plain.count() - 1;
      EXPECT(Difference(recorded->Row(last), plain.Row(last)) < 1e-12);
    }
    ++num_steps;
  };
  for (uint64_t i = 0; i < 18; ++i) {
    extend(vector_of(i));
    // What brings nothing leaves no trace.
    if (i == 5) extend(at::zeros({kSize}, c10::kDouble));
    if (i == 8) extend(vector_of(3));
    if (i == 11) extend(at::full({kSize}, NAN, c10::kDouble));
  }
  EXPECT(recorder->num_recordings == 1 && recorder->num_replays > 12);
  std::vector<double> mix(2 * 18, 0.0);
  mix[3] = mix[18 + 17] = 0.6;
  mix[17] = 0.8;
  mix[18 + 3] = -0.8;
  plain.Rotate(mix, 2);
  recorded->Rotate(mix, 2);
  for (uint64_t i = 30; plain.count() < 21; ++i) extend(vector_of(i));
  extend(vector_of(60));  // full
  EXPECT(recorder->num_recordings == 1);
}

void TestPoints() {
  const ThreadState state;
  for (const Mode mode : {Mode::kEval, Mode::kTrain}) {
    const Net net = MakeNet(mode);
    const Batch other = MakeNet(mode, 1).batch;
    const at::Tensor origin = net.objective->model->Parameters();
    const Subspace subspace{
        origin, {Random({origin.numel()}, 11), Random({origin.numel()}, 12)}, nullptr, {}};
    const auto recorder = std::make_shared<TapeRecorder>();
    SubspacePoints plain(net.objective, subspace, Precision::kFull, 1);
    SubspacePoints recorded(net.objective, subspace, Precision::kFull, 1);
    const Tensors buffers = net.objective->model->BufferTensors();
    const at::Tensor mean = buffers[0].clone();
    std::vector<Evaluation> first;
    // The model itself is among the points, and the third.
    const std::vector<double> grid = {-1, 0.5, 0.3, -0.2, 0, 0, 0.7, 0, 0, -1.5, 2, 1};
    for (int pass = 0; pass < 3; ++pass) {
      for (const Batch& batch : {net.batch, other}) {
        const std::vector<Evaluation> expected = plain.Evaluate(grid, 6, batch, true);
        const ScopedRecorder scope(recorder);
        const std::vector<Evaluation> found = recorded.Evaluate(grid, 6, batch, true);
        for (size_t p = 0; p < found.size(); ++p) {
          EXPECT(Near(found[p].loss_sum / expected[p].loss_sum, 1, 1e-12));
          EXPECT(found[p].count == 8 && found[p].num_answers == 8);
          EXPECT(found[p].num_correct == expected[p].num_correct);
        }
        if (pass == 0 && batch.index() == 0) first = found;
        // Before the recording and in it: the same operators, so the same bits here.
        if (pass == 2 && batch.index() == 0) {
          for (size_t p = 0; p < found.size(); ++p) EXPECT(found[p].loss_sum == first[p].loss_sum);
        }
      }
    }
    EXPECT(recorder->num_recordings == 2 && recorder->num_replays == 2 * (2 + 3 + 6));
    EXPECT(at::equal(net.objective->model->BufferTensors()[0], mean));
    EXPECT(at::equal(net.objective->model->Parameters(), origin));
    // The same samples in another place are computed.
    const Batch moved = MakeNet(mode).batch;
    const ScopedRecorder scope(recorder);
    EXPECT(Near(recorded.Evaluate(grid, 6, moved, true)[1].loss_sum, first[1].loss_sum, 1e-12));
    EXPECT(recorder->num_replays == 2 * (2 + 3 + 6));
  }
}

}  // namespace

std::vector<Test> RecorderTests() {
  return {
      {"recorded functions of tensors", TestFunction},
      {"functions that cannot be recorded are computed", TestFunctionsThatCannotBeRecorded},
      {"recorded products with curvature matrices", TestProducts},
      {"recorded steps of a Krylov basis", TestBasis},
      {"recorded points", TestPoints},
  };
}

}  // namespace lossatlas
