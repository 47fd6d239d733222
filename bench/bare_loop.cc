// The floor that the engine is measured against: the same work as a plain libtorch loop, on the main thread,
// with no engine around it. bench/run.mjs starts it and says with which flags; --float64 makes the reference
// of its gate. Writes what it computed to --result (float64) and one JSON line of milliseconds a unit to
// stdout.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using at::Tensor;
using Tensors = std::vector<Tensor>;

namespace {

class Flags {
 public:
  Flags(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
  }
  const std::string& Text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw std::runtime_error("flag " + name + " is missing");
    return found->second;
  }
  int64_t Number(const std::string& name) const { return std::stoll(Text(name)); }

 private:
  std::map<std::string, std::string> values_;
};

Tensor ReadTensor(const std::string& path, std::vector<int64_t> shape, at::ScalarType type) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const Tensor tensor = at::from_blob(bytes.data(), shape, type);
  if (bytes.size() != tensor.nbytes()) throw std::runtime_error(path + " has not the expected size");
  return tensor.clone();
}

// What every kind of work starts from.
struct Setup {
  torch::jit::Module model;
  std::string folder;
  at::ScalarType type;
  Tensor x, y;
  Tensors parameters;
  int64_t size = 0;

  explicit Setup(const Flags& flags)
      : model(torch::jit::load(flags.Text("--model"))),
        folder(flags.Text("--folder") + "/"),
        type(flags.Number("--float64") != 0 ? at::kDouble : at::kFloat) {
    model.eval();
    model.to(type);
    std::vector<int64_t> shape;
    std::stringstream dims(flags.Text("--shape"));
    for (std::string dim; std::getline(dims, dim, ',');) shape.push_back(std::stoll(dim));
    x = ReadTensor(folder + "x.bin", shape, at::kFloat).to(type);
    y = ReadTensor(folder + "y.bin", {shape[0]}, at::kLong);
    for (const Tensor& p : model.parameters()) parameters.push_back(p);
    for (const Tensor& p : parameters) size += p.numel();
  }

  Tensor Loss() { return at::cross_entropy_loss(model.forward({x}).toTensor(), y); }
  Tensor Vector(const char* name) const { return ReadTensor(folder + name, {size}, at::kFloat).to(type); }
  Tensors Split(const Tensor& flat) const {
    Tensors parts;
    int64_t offset = 0;
    for (const Tensor& p : parameters) {
      parts.push_back(flat.narrow(0, offset, p.numel()).view_as(p));
      offset += p.numel();
    }
    return parts;
  }
  static Tensor Join(const Tensors& parts) {
    Tensors flat;
    for (const Tensor& part : parts) flat.push_back(part.reshape({-1}));
    return at::cat(flat);
  }
};

// One repetition. Returns what it computed, in parts that are joined outside the timing.
using Step = std::function<Tensors(bool warming)>;

// θ itself, then the grid over [−1, 1]²: point j·grid + i is θ + aᵢ·d1 + bⱼ·d2.
Step MakePoints(Setup& setup, int64_t grid) {
  Tensors origin;
  for (const Tensor& p : setup.parameters) origin.push_back(p.detach().clone());
  const Tensors d1 = setup.Split(setup.Vector("d1.bin"));
  const Tensors d2 = setup.Split(setup.Vector("d2.bin"));
  return [=, &setup](bool warming) -> Tensors {
    at::NoGradGuard no_grad;
    const double step = 2.0 / static_cast<double>(grid - 1);
    std::vector<double> losses;
    for (int64_t point = -1; point < (warming ? 3 : grid * grid); ++point) {
      const double a = point < 0 ? 0 : -1 + step * static_cast<double>(point % grid);
      const double b = point < 0 ? 0 : -1 + step * static_cast<double>(point / grid);
      for (size_t k = 0; k < origin.size(); ++k) {
        at::add_out(setup.parameters[k], origin[k], d1[k], a);
        setup.parameters[k].add_(d2[k], b);
      }
      losses.push_back(setup.Loss().item<double>());
    }
    return {at::tensor(losses, at::kDouble)};
  };
}

// H·v on the retained graph of the gradient.
std::function<Tensors(const Tensors&)> MakeOperator(Setup& setup) {
  const Tensors gradient = torch::autograd::grad({setup.Loss()}, setup.parameters, {}, /*retain_graph=*/true,
                                                 /*create_graph=*/true);
  return [=, &setup](const Tensors& v) {
    return torch::autograd::grad(gradient, setup.parameters, v, /*retain_graph=*/true,
                                 /*create_graph=*/false);
  };
}

Step MakeProduct(Setup& setup) {
  const auto product = MakeOperator(setup);
  const Tensors v = setup.Split(setup.Vector("v.bin"));
  return [=](bool) { return product(v); };
}

// The same product `count` times: what a spectral density of so many steps cannot do without.
Step MakeProducts(Setup& setup, int64_t count) {
  const Step product = MakeProduct(setup);
  return [=](bool warming) {
    for (int64_t i = 1; i < (warming ? 2 : count); ++i) product(warming);
    return product(warming);
  };
}

// Lanczos with full reorthogonalisation: classical Gram-Schmidt, a second pass where the first took much
// away. Returns the Ritz values, ascending. Warms up with two steps.
Step MakeLanczos(Setup& setup, int64_t all_steps) {
  const auto product = MakeOperator(setup);
  const Tensor start = setup.Vector("start.bin");
  return [=, &setup](bool warming) -> Tensors {
    const int64_t steps = warming ? 2 : all_steps;
    at::NoGradGuard no_grad;
    const Tensor basis = at::empty({steps, setup.size}, start.options());
    const Tensor t = at::zeros({steps, steps}, at::kDouble);
    auto entry = t.accessor<double, 2>();
    basis[0].copy_(start / start.norm());
    for (int64_t j = 0; j < steps; ++j) {
      Tensor w = Setup::Join(product(setup.Split(basis[j])));
      const Tensor rows = basis.narrow(0, 0, j + 1);
      double before = w.norm().item<double>();
      double left = before;
      for (int pass = 0; pass < 2; ++pass) {
        const Tensor overlaps = at::mv(rows, w);
        w.addmv_(rows.t(), overlaps, 1, -1);
        entry[j][j] += overlaps[j].item<double>();
        left = w.norm().item<double>();
        if (left > before * M_SQRT1_2) break;
        before = left;
      }
      if (j + 1 == steps) break;
      entry[j][j + 1] = entry[j + 1][j] = left;
      basis[j + 1].copy_(w.div_(left));
    }
    return {at::linalg_eigvalsh(t)};
  };
}

// The trace of the Hessian, exactly: a product of every unit vector. The truth that estimates are compared
// to.
Step MakeTrace(Setup& setup) {
  const auto product = MakeOperator(setup);
  return [=, &setup](bool) -> Tensors {
    const Tensor unit = at::zeros({setup.size}, setup.type);
    double trace = 0;
    for (int64_t i = 0; i < setup.size; ++i) {
      unit[i] = 1;
      trace += Setup::Join(product(setup.Split(unit)))[i].item<double>();
      unit[i] = 0;
    }
    return {at::tensor({trace}, at::kDouble)};
  };
}

Step MakeStep(Setup& setup, const Flags& flags) {
  const std::string& work = flags.Text("--work");
  if (work == "point") return MakePoints(setup, flags.Number("--grid"));
  if (work == "hvp") return MakeProduct(setup);
  if (work == "hvps") return MakeProducts(setup, flags.Number("--steps"));
  if (work == "lanczos") return MakeLanczos(setup, flags.Number("--steps"));
  if (work == "trace") return MakeTrace(setup);
  throw std::runtime_error("--work " + work + " is unknown");
}

// MB of this process by /proc: VmRSS, what it takes now, or VmHWM, at its peak; NaN where there is no /proc.
double Memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return 1024e-6 * std::stod(line.substr(field.size() + 1));
  }
  return NAN;
}

void WriteResult(const std::string& path, const Tensors& parts) {
  const Tensor values = Setup::Join(parts).detach().to(at::kDouble).contiguous();
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(values.data_ptr()), static_cast<std::streamsize>(values.nbytes()));
  if (!file) throw std::runtime_error(path + " cannot be written");
}

// What the machine can do at most: products of square matrices and copies, the fastest of some.
void PrintCeilings() {
  const auto fastest = [](const std::function<void()>& work) {
    double seconds = INFINITY;
    for (int i = 0; i < 7; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      work();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      seconds = std::min(seconds, took.count());
    }
    return seconds;
  };
  at::NoGradGuard no_grad;
  constexpr int64_t n = 2048;
  const Tensor a = at::ones({n, n}, at::kFloat);
  Tensor product = at::zeros({n, n}, at::kFloat);
  const double gemm = fastest([&] { at::mm_out(product, a, a); });
  const Tensor from = at::ones({int64_t{1} << 26}, at::kFloat);
  Tensor to = at::zeros_like(from);
  const double copy = fastest([&] { to.copy_(from); });
  std::printf("{\"gigaflops\": %.1f, \"copyGigabytes\": %.2f}\n",
              2e-9 * static_cast<double>(n * n * n) / gemm, 2e-9 * static_cast<double>(from.nbytes()) / copy);
}

void Run(const Flags& flags) {
  at::set_num_threads(static_cast<int>(flags.Number("--threads")));
  if (flags.Text("--work") == "ceilings") return PrintCeilings();
  torch::jit::setGraphExecutorOptimize(false);
  Setup setup(flags);
  const double loaded = Memory("VmRSS");
  const Step step = MakeStep(setup, flags);
  for (int64_t i = 0; i < flags.Number("--warmup"); ++i) step(true);
  const double units = static_cast<double>(flags.Number("--units"));
  std::string milliseconds;
  Tensors result;
  for (int64_t i = 0; i < flags.Number("--repetitions"); ++i) {
    const auto begin = std::chrono::steady_clock::now();
    result = step(false);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    milliseconds += (i > 0 ? ", " : "") + std::to_string(took.count() / units);
  }
  WriteResult(flags.Text("--result"), result);
  const double megabytes = Memory("VmHWM") - loaded;
  std::printf("{\"libtorch\": \"%s\", \"threads\": %d, \"milliseconds\": [%s], \"megabytes\": %s}\n",
              TORCH_VERSION, at::get_num_threads(), milliseconds.c_str(),
              std::isnan(megabytes) ? "null" : std::to_string(megabytes).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Run(Flags(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lossatlas_bare_loop: %s\n", error.what());
    return 1;
  }
}
