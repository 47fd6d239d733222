#include "binding/binding.h"
#include "core/error.h"
#include "core/flat_kernels.h"
#include "core/host_values.h"
#include "core/normalization.h"
#include "core/parameter_space.h"
#include "core/random.h"

namespace lossatlas {
namespace {

using VectorPointer = std::shared_ptr<ParameterVector>;

Role ParseRole(const std::string& name) {
  if (name == "bias") return Role::kBias;
  if (name == "norm") return Role::kNorm;
  throw Error(code::kInvalidArgument, "role '" + name + "' is not bias or norm");
}

// makeSpace(model, places | null): null for all parameters
Napi::Value MakeSpace(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  if (args.at(1).IsNull()) return MakeHandle(args.env(), std::make_shared<ParameterSpace>(*model), 0);
  std::vector<size_t> places;
  for (const double place : args.Doubles(1, "places")) {
    if (!(place >= 0 && place < static_cast<double>(model->layout()->parameters().size())))
      throw Error(code::kInvalidArgument, "places must be indices of the model's parameters");
    places.push_back(static_cast<size_t>(place));
  }
  return MakeHandle(args.env(), std::make_shared<ParameterSpace>(*model, std::move(places)), 0);
}

// restrictVector(space, vector): the space's part of a vector over the whole model
Napi::Value RestrictVector(const Arguments& args) {
  const std::shared_ptr<ParameterSpace> space = args.Handle<ParameterSpace>(0, "space");
  const VectorPointer whole = args.Handle<ParameterVector>(1, "vector");
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{space->layout(), space->Restrict(*whole)};
      },
      VectorHandle);
}

// embedVector(space, vector): over the whole model, zero outside the space
Napi::Value EmbedVector(const Arguments& args) {
  const std::shared_ptr<ParameterSpace> space = args.Handle<ParameterSpace>(0, "space");
  const VectorPointer part = args.Handle<ParameterVector>(1, "vector");
  return Submit(
      args.env(), [=] { return space->Embed(*part); }, VectorHandle);
}

// vectorFromArray(space, values: Float32Array | Float64Array)
Napi::Value VectorFromArray(const Arguments& args) {
  const std::shared_ptr<ParameterSpace> space = args.Handle<ParameterSpace>(0, "space");
  const at::Tensor values = args.Flat(1, "values");
  const int64_t size = space->layout()->size();
  if (values.numel() != size) {
    throw Error(code::kLayoutMismatch, "The array has " + std::to_string(values.numel()) +
                                           " values, but there are " + std::to_string(size) + " parameters.");
  }
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{space->layout(), values.to(space->options())};
      },
      VectorHandle);
}

// vectorToArray(vector): Float64Array
Napi::Value VectorToArray(const Arguments& args) {
  const VectorPointer vector = args.Handle<ParameterVector>(0, "vector");
  return Submit(
      args.env(), [=] { return HostValues(vector->values); },
      [](Napi::Env env, const std::vector<double>& values) { return ToFloat64Array(env, values); });
}

// randomVector(space, law, seed, stream)
Napi::Value MakeRandomVector(const Arguments& args) {
  const std::shared_ptr<ParameterSpace> space = args.Handle<ParameterSpace>(0, "space");
  const Law law = ParseLaw(args.String(1, "law"));
  constexpr int64_t kLargest = (int64_t{1} << 53) - 1;
  const auto seed = static_cast<uint64_t>(args.Integer(2, "seed", 0, kLargest));
  const auto stream = static_cast<uint64_t>(args.Integer(3, "stream", 0, kLargest));
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{space->layout(),
                               RandomVector(law, seed, stream, space->layout()->size(), space->options())};
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

// parameterDots(vectors, vector): Σ over each parameter's entries of aᵢ ⊙ b, for every aᵢ in turn
Napi::Value ParameterDots(const Arguments& args) {
  const std::vector<VectorPointer> vectors = args.Handles<ParameterVector>(0, "vectors");
  const VectorPointer b = args.Handle<ParameterVector>(1, "vector");
  for (const VectorPointer& a : vectors) b->layout->RequireMatch(*a->layout);
  return Submit(
      args.env(),
      [=] {
        std::vector<int64_t> lengths;
        for (const ParameterInfo& info : b->layout->parameters()) lengths.push_back(info.numel);
        std::vector<double> out;
        for (const VectorPointer& a : vectors) {
          const std::vector<double> dots = SegmentDots(a->values, b->values, lengths);
          out.insert(out.end(), dots.begin(), dots.end());
        }
        return out;
      },
      [](Napi::Env env, const std::vector<double>& dots) { return ToFloat64Array(env, dots); });
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
  Export<MakeSpace>(exports, "makeSpace");
  Export<RestrictVector>(exports, "restrictVector");
  Export<EmbedVector>(exports, "embedVector");
  Export<VectorFromArray>(exports, "vectorFromArray");
  Export<VectorToArray>(exports, "vectorToArray");
  Export<MakeRandomVector>(exports, "randomVector");
  Export<CombineVectors>(exports, "combineVectors");
  Export<MultiplyVectors>(exports, "multiplyVectors");
  Export<DotVectors>(exports, "dotVectors");
  Export<ParameterDots>(exports, "parameterDots");
  Export<VectorNorm>(exports, "vectorNorm");
  Export<AdamDirection>(exports, "adamDirection");
  Export<NormalizeVector>(exports, "normalizeVector");
}

}  // namespace lossatlas
