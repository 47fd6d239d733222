#include "core/output_pullback.h"

#include "core/affine_proof.h"
#include "core/curvature_graph.h"
#include "core/error.h"
#include "core/flat_kernels.h"
#include "core/memory_meter.h"
#include "core/output_matrix.h"
#include "core/random.h"
#include "core/scoped_state.h"

namespace lossatlas {

OutputPullback::OutputPullback(const Objective& objective, const ParameterSpace& space,
                               const at::Tensor& theta, const BufferState* buffers,
                               std::shared_ptr<const Batch> batch)
    : objective_(objective), batch_(std::move(batch)) {
  const MemoryMeter meter;
  const SpaceLeaves leaves = MakeSpaceLeaves(*objective_.model, space, theta);
  leaves_ = leaves.chosen;
  const ScopedState state(*objective_.model, leaves.all, objective_.mode, TensorsOf(buffers));
  output_ = RunForward(objective_, *batch_);
  evaluation_ = ReadTerms(ComputeLoss(objective_.criterion, output_.detach(), *batch_));
  // Throws now, not at the first probe.
  MultiplyRoot(objective_, output_, *batch_, at::zeros_like(output_.detach()));
  std::vector<std::string> names;
  for (const ParameterInfo& info : space.layout()->parameters()) names.push_back(info.name);
  const bool is_nll = objective_.criterion.kind == Criterion::Kind::kNegativeLogLikelihood;
  obstacle_ = FindNonAffine(output_, leaves_, names, is_nll);
  graph_bytes_ = meter.live_bytes();
}

std::vector<double> OutputPullback::RandomSquares(uint64_t seed, uint64_t probe) const {
  const at::Tensor v = RandomVector(Law::kRademacher, StreamSeed(seed, probe),
                                    static_cast<uint64_t>(batch_->index()), output_size(), output_.options());
  std::vector<double> squares(leaves_.size(), 0.0);
  AddSquares(v.view(output_.sizes()), squares);
  return squares;
}

std::vector<double> OutputPullback::UnitSquares(int64_t from, int64_t count) const {
  if (from < 0 || count < 0 || from + count > output_size())
    throw Error(code::kInvalidArgument, "there are " + std::to_string(output_size()) + " outputs");
  std::vector<double> squares(leaves_.size(), 0.0);
  at::Tensor v = at::zeros({output_size()}, output_.options().requires_grad(false));
  for (int64_t i = from; i < from + count; ++i) {
    v[i] = 1;
    AddSquares(v.view(output_.sizes()), squares);
    v[i] = 0;
  }
  return squares;
}

void OutputPullback::AddSquares(const at::Tensor& v, std::vector<double>& squares) const {
  if (!output_.requires_grad()) return;
  const at::Tensor cotangent = MultiplyRoot(objective_, output_, *batch_, v);
  const torch::autograd::variable_list gradients =
      torch::autograd::grad({output_}, leaves_, {cotangent}, /*retain_graph=*/true, /*create_graph=*/false,
                            /*allow_unused=*/true);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].defined()) continue;
    const at::Tensor flat = gradients[i].contiguous().view({-1});
    squares[i] += Dot(flat, flat);
  }
}

}  // namespace lossatlas
