#include "binding/binding.h"

namespace lossatlas {

std::shared_ptr<ParameterVector> PointOf(const Arguments& args, size_t index, const char* name,
                                         const Objective& objective) {
  std::shared_ptr<ParameterVector> vector = args.Handle<ParameterVector>(index, name);
  objective.model->layout()->RequireMatch(*vector->layout);
  return vector;
}

std::shared_ptr<BufferState> BuffersOf(const Arguments& args, size_t index, const Objective& objective) {
  std::shared_ptr<BufferState> buffers = args.MaybeHandle<BufferState>(index, "buffers");
  if (buffers) RequireBuffersOf(*objective.model, *buffers);
  return buffers;
}

Napi::Value VectorHandle(Napi::Env env, ParameterVector vector) {
  const int64_t bytes = vector.bytes();
  return MakeHandle(env, std::make_shared<ParameterVector>(std::move(vector)), bytes);
}

Napi::Value VectorHandles(Napi::Env env, std::vector<ParameterVector> vectors) {
  Napi::Array out = Napi::Array::New(env, vectors.size());
  for (uint32_t i = 0; i < vectors.size(); ++i) out.Set(i, VectorHandle(env, std::move(vectors[i])));
  return out;
}

Napi::Float64Array ToFloat64Array(Napi::Env env, const std::vector<double>& values) {
  Napi::Float64Array out = Napi::Float64Array::New(env, values.size());
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

Napi::Float64Array ToFloat64Array(Napi::Env env, const std::vector<Evaluation>& evaluations) {
  std::vector<double> values;
  for (const Evaluation& e : evaluations) {
    values.insert(values.end(), {e.loss_sum, e.count, e.num_correct, e.num_answers});
    for (const MetricSum& metric : e.metrics) values.insert(values.end(), {metric.sum, metric.count});
  }
  return ToFloat64Array(env, values);
}

}  // namespace lossatlas
