// The floor that the engine is measured against: the same work as a plain libtorch loop, on the main thread, with no
// engine around it. Prints one JSON line of milliseconds a repetition.
//   lossatlas_bare_loop MODEL X.bin N,C,H,W Y.bin points|hvp WARMUP REPETITIONS
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

using at::Tensor;

static std::vector<char> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  torch::jit::setGraphExecutorOptimize(false);
  torch::jit::Module model = torch::jit::load(argv[1]);
  model.eval();
  std::vector<int64_t> shape;
  std::stringstream dims(argv[3]);
  for (std::string dim; std::getline(dims, dim, ',');) shape.push_back(std::stoll(dim));
  std::vector<char> pixels = ReadFile(argv[2]);
  std::vector<char> classes = ReadFile(argv[4]);
  const Tensor x = at::from_blob(pixels.data(), shape, at::kFloat).clone();
  const Tensor y = at::from_blob(classes.data(), {shape[0]}, at::kLong).clone();
  const std::string work = argv[5];
  const int warmup = std::stoi(argv[6]);
  const int repetitions = std::stoi(argv[7]);

  std::vector<Tensor> parameters;
  for (const Tensor& p : model.parameters()) parameters.push_back(p);
  auto loss = [&] { return at::cross_entropy_loss(model.forward({x}).toTensor(), y); };
  std::vector<Tensor> direction;
  at::manual_seed(0);
  for (const Tensor& p : parameters) direction.push_back(at::randn_like(p));

  std::vector<double> ms;
  auto time = [&](auto step) {
    for (int i = 0; i < warmup + repetitions; ++i) {
      const auto start = std::chrono::steady_clock::now();
      step(i);
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
      if (i >= warmup) ms.push_back(took.count());
    }
  };
  double check = 0;
  if (work == "points") {
    at::NoGradGuard no_grad;
    std::vector<Tensor> start;
    for (const Tensor& p : parameters) start.push_back(p.clone());
    time([&](int i) {
      for (size_t k = 0; k < parameters.size(); ++k) at::add_out(parameters[k], start[k], direction[k], 1e-4 * i);
      check += loss().item<double>();
    });
  } else {
    const auto gradient = torch::autograd::grad({loss()}, parameters, {}, true, true);
    std::vector<Tensor> v = direction;
    time([&](int) {
      const auto product = torch::autograd::grad(gradient, parameters, v, true, false, true);
      check += product[0].sum().item<double>();
    });
  }
  std::printf("{\"check\": %.9g, \"ms\": [", check);
  for (size_t i = 0; i < ms.size(); ++i) std::printf("%s%.4f", i > 0 ? ", " : "", ms[i]);
  std::printf("]}\n");
  return 0;
}
