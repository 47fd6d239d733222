#include "binding/binding.h"
#include "core/error.h"
#include "core/flat_kernels.h"
#include "core/normalization.h"
#include "core/random.h"

namespace lossatlas {
namespace {

using VectorPointer = std::shared_ptr<ParameterVector>;

Role ParseRole(const std::string& name) {
  if (name == "bias") return Role::kBias;
  if (name == "norm") return Role::kNorm;
  throw Error(code::kInvalidArgument, "role '" + name + "' is not bias or norm");
}

// vectorFromArray(model, values: Float32Array | Float64Array)
Napi::Value VectorFromArray(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  const at::Tensor values = args.Flat(1, "values");
  if (values.numel() != model->layout()->size()) {
    throw Error(code::kLayoutMismatch, "The array has " + std::to_string(values.numel()) +
                                           " values, the model " + std::to_string(model->layout()->size()) +
                                           " parameters.");
  }
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{model->layout(), values.to(model->options())};
      },
      VectorHandle);
}

// vectorToArray(vector): Float64Array
Napi::Value VectorToArray(const Arguments& args) {
  const VectorPointer vector = args.Handle<ParameterVector>(0, "vector");
  return Submit(
      args.env(),
      [=] {
        const at::Tensor host = vector->values.to(c10::kCPU, c10::kDouble).contiguous();
        return std::vector<double>(host.data_ptr<double>(), host.data_ptr<double>() + host.numel());
      },
      [](Napi::Env env, const std::vector<double>& values) { return ToFloat64Array(env, values); });
}

// randomVector(model, law, seed, stream)
Napi::Value MakeRandomVector(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  const Law law = ParseLaw(args.String(1, "law"));
  constexpr int64_t kLargest = (int64_t{1} << 53) - 1;
  const auto seed = static_cast<uint64_t>(args.Integer(2, "seed", 0, kLargest));
  const auto stream = static_cast<uint64_t>(args.Integer(3, "stream", 0, kLargest));
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{model->layout(),
                               RandomVector(law, seed, stream, model->layout()->size(), model->options())};
      },
      VectorHandle);
}

// combineVectors(vectors, coefficients): Σ c_i v_i
Napi::Value CombineVectors(const Arguments& args) {
  const std::vector<VectorPointer> vectors = args.Handles<ParameterVector>(0, "vectors");
  const std::vector<double> coefficients = args.Doubles(1, "coefficients");
  if (vectors.empty() || vectors.size() != coefficients.size()) {
    throw Error(code::kInvalidArgument,
                "combineVectors wants as many coefficients as vectors, and at least one");
  }
  for (const VectorPointer& v : vectors) vectors[0]->layout->RequireMatch(*v->layout);
  return Submit(
      args.env(),
      [=] {
        at::NoGradGuard no_grad;
        at::Tensor sum = vectors[0]->values * coefficients[0];
        for (size_t i = 1; i < vectors.size(); ++i) sum.add_(vectors[i]->values, coefficients[i]);
        return ParameterVector{vectors[0]->layout, sum};
      },
      VectorHandle);
}

// multiplyVectors(a, b): a ⊙ b
Napi::Value MultiplyVectors(const Arguments& args) {
  const VectorPointer a = args.Handle<ParameterVector>(0, "a");
  const VectorPointer b = args.Handle<ParameterVector>(1, "b");
  a->layout->RequireMatch(*b->layout);
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{a->layout, a->values * b->values};
      },
      VectorHandle);
}

// dotVectors(a, b)
Napi::Value DotVectors(const Arguments& args) {
  const VectorPointer a = args.Handle<ParameterVector>(0, "a");
  const VectorPointer b = args.Handle<ParameterVector>(1, "b");
  a->layout->RequireMatch(*b->layout);
  return Submit(
      args.env(), [=] { return Dot(a->values, b->values); },
      [](Napi::Env env, double dot) { return Napi::Number::New(env, dot); });
}

// vectorNorm(vector, order)
Napi::Value VectorNorm(const Arguments& args) {
  const VectorPointer vector = args.Handle<ParameterVector>(0, "vector");
  const int order = static_cast<int>(args.Integer(1, "order", 1, 2));
  return Submit(
      args.env(), [=] { return Norm(vector->values, order); },
      [](Napi::Env env, double norm) { return Napi::Number::New(env, norm); });
}

// adamDirection(firstMoment, secondMoment, epsilon): m1 / (√m2 + ε)
Napi::Value AdamDirection(const Arguments& args) {
  const VectorPointer first = args.Handle<ParameterVector>(0, "firstMoment");
  const VectorPointer second = args.Handle<ParameterVector>(1, "secondMoment");
  const double epsilon = args.Number(2, "epsilon");
  first->layout->RequireMatch(*second->layout);
  return Submit(
      args.env(),
      [=] {
        at::NoGradGuard no_grad;
        return ParameterVector{first->layout, first->values / second->values.sqrt().add_(epsilon)};
      },
      VectorHandle);
}

// normalizeVector(direction, reference, kind, order, ignoredRoles, frozen): {vector, numZeroGroups}
Napi::Value NormalizeVector(const Arguments& args) {
  const VectorPointer direction = args.Handle<ParameterVector>(0, "direction");
  const VectorPointer reference = args.Handle<ParameterVector>(1, "reference");
  NormalizationOptions options{
      ParseNormalization(args.String(2, "kind")), static_cast<int>(args.Integer(3, "order", 1, 2)), {}, {}};
  for (const std::string& role : args.Strings(4, "ignoredRoles")) options.ignored.push_back(ParseRole(role));
  for (const double index : args.Doubles(5, "frozen")) options.frozen.push_back(static_cast<int64_t>(index));
  reference->layout->RequireMatch(*direction->layout);
  return Submit(
      args.env(),
      [=] { return Normalize(*reference->layout, direction->values, reference->values, options); },
      [reference](Napi::Env env, NormalizedDirection result) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("vector", VectorHandle(env, {reference->layout, std::move(result.values)}));
        out.Set("numZeroGroups", static_cast<double>(result.num_zero_groups));
        return out;
      });
}

}  // namespace

void ExportVector(Napi::Object exports) {
  Export<VectorFromArray>(exports, "vectorFromArray");
  Export<VectorToArray>(exports, "vectorToArray");
  Export<MakeRandomVector>(exports, "randomVector");
  Export<CombineVectors>(exports, "combineVectors");
  Export<MultiplyVectors>(exports, "multiplyVectors");
  Export<DotVectors>(exports, "dotVectors");
  Export<VectorNorm>(exports, "vectorNorm");
  Export<AdamDirection>(exports, "adamDirection");
  Export<NormalizeVector>(exports, "normalizeVector");
}

}  // namespace lossatlas
