#include "binding/binding.h"
#include "core/buffer_state.h"
#include "core/error.h"
#include "core/host_values.h"

namespace lossatlas {
namespace {

using BuffersPointer = std::shared_ptr<BufferState>;

std::vector<const BufferState*> Pointers(const std::vector<BuffersPointer>& states) {
  std::vector<const BufferState*> out;
  for (const BuffersPointer& state : states) out.push_back(state.get());
  return out;
}

// States of one model's kind, and at least one.
std::vector<BuffersPointer> StatesOf(const Arguments& args, size_t index) {
  std::vector<BuffersPointer> states = args.Handles<BufferState>(index, "states");
  if (states.empty()) throw Error(code::kInvalidArgument, "states must not be empty");
  for (const BuffersPointer& state : states) {
    if (state->tensors.size() != states[0]->tensors.size())
      throw Error(code::kLayoutMismatch, "The buffers belong to different models.");
  }
  return states;
}

// modelBuffers(model): its own
Napi::Value ModelBuffers(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  return Submit(
      args.env(), [model] { return BufferState{model->BufferTensors()}; }, BuffersHandle);
}

// buffersFromArrays(model, indices, arrays): the model's own, but those at `indices` from the arrays
Napi::Value BuffersFromArrays(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  const std::vector<double> indices = args.Doubles(1, "indices");
  const std::vector<at::Tensor> arrays = args.Tensors(2, "arrays");
  const std::vector<BufferInfo>& infos = model->buffers();
  if (indices.size() != arrays.size())
    throw Error(code::kInvalidArgument, "as many indices as arrays are needed");
  for (size_t i = 0; i < indices.size(); ++i) {
    if (!(indices[i] >= 0 && indices[i] < static_cast<double>(infos.size())))
      throw Error(code::kInvalidArgument, "there is no buffer " + std::to_string(indices[i]));
    const BufferInfo& info = infos[static_cast<size_t>(indices[i])];
    if (arrays[i].sizes() != at::IntArrayRef(info.shape))
      throw Error(code::kLayoutMismatch, "The values for buffer '" + info.name + "' have another shape.");
  }
  return Submit(
      args.env(),
      [=] {
        BufferState out{model->BufferTensors()};
        for (size_t i = 0; i < indices.size(); ++i) {
          at::Tensor& place = out.tensors[static_cast<size_t>(indices[i])];
          place = arrays[i].to(place.options());
        }
        return out;
      },
      BuffersHandle);
}

// bufferToArray(buffers, index): Float64Array
Napi::Value BufferToArray(const Arguments& args) {
  const BuffersPointer state = args.Handle<BufferState>(0, "buffers");
  const int64_t index = args.Integer(1, "index", 0, static_cast<int64_t>(state->tensors.size()) - 1);
  return Submit(
      args.env(), [=] { return HostValues(state->tensors[static_cast<size_t>(index)]); },
      [](Napi::Env env, const std::vector<double>& values) { return ToFloat64Array(env, values); });
}

// combineBuffers(states, coefficients)
Napi::Value CombineBuffersBinding(const Arguments& args) {
  const std::vector<BuffersPointer> states = StatesOf(args, 0);
  const std::vector<double> coefficients = args.Doubles(1, "coefficients");
  if (states.size() != coefficients.size())
    throw Error(code::kInvalidArgument, "combineBuffers wants as many coefficients as states");
  return Submit(
      args.env(), [=] { return CombineBuffers(Pointers(states), coefficients); }, BuffersHandle);
}

// averageBuffers(base, states, indices, factors)
Napi::Value AverageBuffersBinding(const Arguments& args) {
  const BuffersPointer base = args.Handle<BufferState>(0, "base");
  const std::vector<BuffersPointer> states = StatesOf(args, 1);
  std::vector<int64_t> indices;
  for (const double index : args.Doubles(2, "indices")) indices.push_back(static_cast<int64_t>(index));
  const std::vector<double> factors = args.Doubles(3, "factors");
  const auto size = static_cast<int64_t>(base->tensors.size());
  for (const int64_t index : indices) {
    if (index < 0 || index >= size || states[0]->tensors.size() != base->tensors.size())
      throw Error(code::kInvalidArgument, "indices and states must fit the base");
  }
  if (indices.size() != factors.size())
    throw Error(code::kInvalidArgument, "as many factors as indices are needed");
  return Submit(
      args.env(), [=] { return AverageBuffers(*base, Pointers(states), indices, factors); }, BuffersHandle);
}

}  // namespace

Napi::Value BuffersHandle(Napi::Env env, BufferState state) {
  const int64_t bytes = state.bytes();
  return MakeHandle(env, std::make_shared<BufferState>(std::move(state)), bytes);
}

void ExportBuffers(Napi::Object exports) {
  Export<ModelBuffers>(exports, "modelBuffers");
  Export<BuffersFromArrays>(exports, "buffersFromArrays");
  Export<BufferToArray>(exports, "bufferToArray");
  Export<CombineBuffersBinding>(exports, "combineBuffers");
  Export<AverageBuffersBinding>(exports, "averageBuffers");
}

}  // namespace lossatlas
