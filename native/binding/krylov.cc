#include "binding/binding.h"
#include "core/error.h"
#include "core/krylov_basis.h"
#include "core/parameter_space.h"
#include "core/small_eigen.h"

namespace lossatlas {
namespace {

// makeKrylovBasis(space, capacity, onHost)
Napi::Value MakeKrylovBasis(const Arguments& args) {
  const std::shared_ptr<ParameterSpace> space = args.Handle<ParameterSpace>(0, "space");
  const int64_t capacity = args.Integer(1, "capacity", 1, INT32_MAX);
  const bool on_host = args.Bool(2, "onHost");
  return Submit(
      args.env(),
      [=] { return std::make_shared<KrylovBasis>(space->layout(), capacity, space->options(), on_host); },
      [](Napi::Env env, std::shared_ptr<KrylovBasis> basis) {
        // It grows with its use, by blocks that are freed together with it.
        return MakeHandle(env, std::move(basis), 0);
      });
}

// extendBasis(basis, vector, breakdown, scale): {overlaps, norm, appended}
Napi::Value ExtendBasis(const Arguments& args) {
  const std::shared_ptr<KrylovBasis> basis = args.Handle<KrylovBasis>(0, "basis");
  const std::shared_ptr<ParameterVector> vector = args.Handle<ParameterVector>(1, "vector");
  const double breakdown = args.Number(2, "breakdown");
  const double scale = args.Number(3, "scale");
  basis->layout()->RequireMatch(*vector->layout);
  return Submit(
      args.env(), [=] { return basis->Extend(vector->values, breakdown, scale); },
      [](Napi::Env env, const KrylovBasis::Extension& result) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("overlaps", ToFloat64Array(env, result.overlaps));
        out.Set("norm", result.norm);
        out.Set("appended", result.appended);
        return out;
      });
}

// projectBasis(basis, vector, count): the vector without its part in the span of the first `count`
Napi::Value ProjectBasis(const Arguments& args) {
  const std::shared_ptr<KrylovBasis> basis = args.Handle<KrylovBasis>(0, "basis");
  const std::shared_ptr<ParameterVector> vector = args.Handle<ParameterVector>(1, "vector");
  const int64_t count = args.Integer(2, "count", 0, INT32_MAX);
  basis->layout()->RequireMatch(*vector->layout);
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{basis->layout(), basis->Project(vector->values, count)};
      },
      VectorHandle);
}

// basisRow(basis, index): a view, valid as long as anybody holds it
Napi::Value BasisRow(const Arguments& args) {
  const std::shared_ptr<KrylovBasis> basis = args.Handle<KrylovBasis>(0, "basis");
  const int64_t index = args.Integer(1, "index", 0, INT32_MAX);
  return Submit(
      args.env(),
      [=] {
        return ParameterVector{basis->layout(), basis->Row(index)};
      },
      [](Napi::Env env, ParameterVector row) {
        return MakeHandle(env, std::make_shared<ParameterVector>(std::move(row)), 0);
      });
}

// combineBasis(basis, coefficients, numColumns): vectors
Napi::Value CombineBasis(const Arguments& args) {
  const std::shared_ptr<KrylovBasis> basis = args.Handle<KrylovBasis>(0, "basis");
  const std::vector<double> coefficients = args.Doubles(1, "coefficients");
  const int64_t num_columns = args.Integer(2, "numColumns", 1, INT32_MAX);
  return Submit(
      args.env(),
      [=] {
        if (coefficients.size() != static_cast<size_t>(num_columns * basis->count())) {
          throw Error(code::kInvalidArgument,
                      "combineBasis wants numColumns × (vectors in the basis) coefficients");
        }
        std::vector<ParameterVector> out;
        for (at::Tensor& column : basis->Combine(coefficients, num_columns))
          out.push_back({basis->layout(), std::move(column)});
        return out;
      },
      VectorHandles);
}

// rotateBasis(basis, coefficients, numColumns): in place
Napi::Value RotateBasis(const Arguments& args) {
  const std::shared_ptr<KrylovBasis> basis = args.Handle<KrylovBasis>(0, "basis");
  const std::vector<double> coefficients = args.Doubles(1, "coefficients");
  const int64_t num_columns = args.Integer(2, "numColumns", 1, INT32_MAX);
  return Submit(
      args.env(),
      [=] {
        if (num_columns > basis->count() ||
            coefficients.size() != static_cast<size_t>(num_columns * basis->count())) {
          throw Error(
              code::kInvalidArgument,
              "rotateBasis wants numColumns × (vectors in the basis) coefficients, numColumns at most "
              "the number of vectors");
        }
        basis->Rotate(coefficients, num_columns);
        return true;
      },
      [](Napi::Env env, bool) { return env.Undefined(); });
}

// symmetricEigen(matrix, m): {values, vectors}
Napi::Value SymmetricEigenBinding(const Arguments& args) {
  const std::vector<double> matrix = args.Doubles(0, "matrix");
  const int64_t m = args.Integer(1, "m", 1, 1 << 15);
  if (matrix.size() != static_cast<size_t>(m * m))
    throw Error(code::kInvalidArgument, "symmetricEigen wants m × m numbers");
  return Submit(
      args.env(), [=] { return SymmetricEigen(matrix, m); },
      [](Napi::Env env, const SmallEigen& eigen) {
        Napi::Object out = Napi::Object::New(env);
        out.Set("values", ToFloat64Array(env, eigen.values));
        out.Set("vectors", ToFloat64Array(env, eigen.vectors));
        return out;
      });
}

}  // namespace

void ExportKrylov(Napi::Object exports) {
  Export<MakeKrylovBasis>(exports, "makeKrylovBasis");
  Export<ExtendBasis>(exports, "extendBasis");
  Export<ProjectBasis>(exports, "projectBasis");
  Export<BasisRow>(exports, "basisRow");
  Export<CombineBasis>(exports, "combineBasis");
  Export<RotateBasis>(exports, "rotateBasis");
  Export<SymmetricEigenBinding>(exports, "symmetricEigen");
}

}  // namespace lossatlas
