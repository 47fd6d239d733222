#include "core/normalization.h"

#include <algorithm>

#include "core/error.h"

namespace lossatlas {
namespace {

// Scales each row of `rows` to the norm of the same row of `reference` in place; rows are the groups.
int64_t ScaleRows(at::Tensor rows, const at::Tensor& reference, int order) {
  const at::Tensor have = at::linalg_vector_norm(rows, order, {1}, /*keepdim=*/true, c10::kDouble);
  const at::Tensor want = at::linalg_vector_norm(reference, order, {1}, true, c10::kDouble);
  const at::Tensor zero = at::logical_or(have == 0, want == 0);
  const at::Tensor factor = at::where(zero, at::zeros_like(have), want / have);
  rows.mul_(factor.to(rows.scalar_type()));
  return zero.sum().item<int64_t>();
}

}  // namespace

Normalization ParseNormalization(const std::string& name) {
  if (name == "none") return Normalization::kNone;
  if (name == "weight") return Normalization::kWeight;
  if (name == "filter") return Normalization::kFilter;
  if (name == "layer") return Normalization::kLayer;
  if (name == "model") return Normalization::kModel;
  throw Error(code::kInvalidArgument,
              "normalization '" + name + "' is not none, weight, filter, layer or model");
}

NormalizedDirection Normalize(const ParameterLayout& layout, const at::Tensor& direction,
                              const at::Tensor& reference, const NormalizationOptions& options) {
  at::NoGradGuard no_grad;
  NormalizedDirection out{direction.clone(), 0};
  at::Tensor kept_reference = reference.clone();
  auto contains = [](const auto& list, const auto& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  auto ignored = [&](const ParameterInfo& p) {
    return contains(options.ignored, p.role) || contains(options.frozen, &p - layout.parameters().data());
  };
  for (const ParameterInfo& p : layout.parameters()) {
    if (!ignored(p)) continue;
    out.values.narrow(0, p.offset, p.numel).zero_();
    kept_reference.narrow(0, p.offset, p.numel).zero_();
  }
  switch (options.kind) {
    case Normalization::kNone:
      return out;
    case Normalization::kWeight:
      out.values.mul_(kept_reference);
      return out;
    case Normalization::kModel:
      out.num_zero_groups = ScaleRows(out.values.view({1, -1}), kept_reference.view({1, -1}), options.order);
      return out;
    case Normalization::kFilter:
    case Normalization::kLayer:
      break;
  }
  for (const ParameterInfo& p : layout.parameters()) {
    if (ignored(p) || p.numel == 0) continue;
    const int64_t num_groups = options.kind == Normalization::kFilter && p.shape.size() > 1 ? p.shape[0] : 1;
    out.num_zero_groups +=
        ScaleRows(out.values.narrow(0, p.offset, p.numel).view({num_groups, -1}),
                  kept_reference.narrow(0, p.offset, p.numel).view({num_groups, -1}), options.order);
  }
  return out;
}

}  // namespace lossatlas
