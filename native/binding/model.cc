#include "binding/binding.h"
#include "binding/exported_program.h"
#include "core/cuda_recorder.h"
#include "core/device.h"
#include "core/torchscript_file.h"
#include "core/torchscript_model.h"

namespace lossatlas {
namespace {

Napi::Array Shape(Napi::Env env, const std::vector<int64_t>& shape) {
  Napi::Array out = Napi::Array::New(env, shape.size());
  for (uint32_t i = 0; i < shape.size(); ++i)
    out.Set(i, Napi::Number::New(env, static_cast<double>(shape[i])));
  return out;
}

Napi::Array Strings(Napi::Env env, const std::vector<std::string>& strings) {
  Napi::Array out = Napi::Array::New(env, strings.size());
  for (uint32_t i = 0; i < strings.size(); ++i) out.Set(i, Napi::String::New(env, strings[i]));
  return out;
}

// Of this thread's work.
c10::Device DeviceFor(const std::string& name) {
  const c10::Device device = ParseDevice(name);
  UseRecordableStream(device);
  return device;
}

Napi::Value ModelHandle(Napi::Env env, std::shared_ptr<Model> model) {
  const int64_t bytes = model->layout()->size() * static_cast<int64_t>(model->options().dtype().itemsize());
  return MakeHandle(env, std::move(model), bytes);
}

// loadModel(path, device, dtype | null, includeFrozen, freeMode)
Napi::Value LoadModel(const Arguments& args) {
  const std::string path = args.String(0, "path");
  const std::string device = args.String(1, "device");
  const std::optional<std::string> dtype = args.MaybeString(2, "dtype");
  LoadOptions options;
  options.include_frozen = args.Bool(3, "includeFrozen");
  options.free_mode = args.Bool(4, "freeMode");
  return Submit(
      args.env(),
      [=]() mutable -> std::shared_ptr<Model> {
        options.device = DeviceFor(device);
        if (dtype) options.dtype = ParseFloatType(*dtype);
        return std::make_shared<TorchScriptModel>(LoadTorchScript(path, options.device, "model"), options);
      },
      ModelHandle);
}

// loadExportedProgram(program, device, dtype | null, includeFrozen): see exported_program.cc
Napi::Value LoadExportedProgram(const Arguments& args) {
  auto program = std::make_shared<ExportedProgram>(ReadProgram(args.at(0)));
  const std::string device = args.String(1, "device");
  const std::optional<std::string> dtype = args.MaybeString(2, "dtype");
  LoadOptions options;
  options.include_frozen = args.Bool(3, "includeFrozen");
  return Submit(
      args.env(),
      [=]() mutable -> std::shared_ptr<Model> {
        options.device = DeviceFor(device);
        if (dtype) options.dtype = ParseFloatType(*dtype);
        options.lost_dropout = program->lost_dropout;
        options.non_persistent = program->non_persistent;
        torch::jit::Module module = BuildModule(*program, options.device, options.dtype);
        if (!program->is_mixed) FreeTracedMode(module, /*vouched=*/true);
        program.reset();
        return std::make_shared<TorchScriptModel>(std::move(module), options);
      },
      ModelHandle);
}

// describeModel(model)
Napi::Value DescribeModel(const Arguments& args) {
  const Napi::Env env = args.env();
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  Napi::Array parameters = Napi::Array::New(env);
  for (const ParameterInfo& p : model->layout()->parameters()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", p.name);
    item.Set("shape", Shape(env, p.shape));
    item.Set("offset", static_cast<double>(p.offset));
    item.Set("numel", static_cast<double>(p.numel));
    item.Set("role", RoleName(p.role));
    item.Set("modules", Strings(env, p.modules));
    item.Set("aliases", Strings(env, p.aliases));
    item.Set("dtype", p.dtype);
    parameters.Set(parameters.Length(), item);
  }
  Napi::Array buffers = Napi::Array::New(env);
  for (const BufferInfo& b : model->buffers()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", b.name);
    item.Set("shape", Shape(env, b.shape));
    item.Set("dtype", b.dtype);
    item.Set("persistent", b.persistent);
    item.Set("modules", Strings(env, b.modules));
    buffers.Set(buffers.Length(), item);
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("size", static_cast<double>(model->layout()->size()));
  out.Set("dtype", TypeName(c10::typeMetaToScalarType(model->options().dtype())));
  out.Set("computeDtype", TypeName(model->input_type()));
  out.Set("device", DeviceName(model->options().device()));
  const std::string fixed = model->FixedMode();
  out.Set("fixedMode", fixed.empty() ? env.Null() : Napi::Value(Napi::String::New(env, fixed)));
  Napi::Array random = Napi::Array::New(env);
  for (const std::string& name : model->ImpureOperators())
    random.Set(random.Length(), Napi::String::New(env, name));
  out.Set("impureOperators", random);
  const ForwardSignature signature = model->Signature();
  Napi::Array arguments = Napi::Array::New(env);
  for (const ForwardArgument& argument : signature.arguments) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", argument.name);
    item.Set("type", argument.type);
    item.Set("optional", argument.optional);
    arguments.Set(arguments.Length(), item);
  }
  out.Set("forwardArguments", arguments);
  out.Set("forwardResult", signature.result);
  out.Set("parameters", parameters);
  out.Set("buffers", buffers);
  return out;
}

// modelParameters(model): θ*
Napi::Value ModelParameters(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  return Submit(
      args.env(),
      [model] {
        return ParameterVector{model->layout(), model->Parameters()};
      },
      VectorHandle);
}

// makeBatch(model, inputs: {data, shape}[], targets: {data, shape}[] of length 0 or 1, names, index,
// data, firstSample)
Napi::Value MakeBatch(const Arguments& args) {
  const std::shared_ptr<Model> model = args.Handle<Model>(0, "model");
  std::vector<at::Tensor> inputs = args.Tensors(1, "inputs");
  std::vector<at::Tensor> targets = args.Tensors(2, "targets");
  const std::vector<std::string> names = args.Strings(3, "names");
  const BatchSource source{args.Integer(4, "index", 0, INT32_MAX), args.String(5, "data"),
                           args.Integer(6, "firstSample", 0, INT64_C(1) << 53)};
  return Submit(
      args.env(),
      [=] {
        const std::optional<at::Tensor> target =
            targets.empty() ? std::nullopt : std::optional(targets.front());
        const Batch::Types types{model->options().dtype(model->input_type()), model->options()};
        return std::make_shared<Batch>(inputs, target, types, names, source);
      },
      [](Napi::Env env, std::shared_ptr<Batch> batch) {
        const int64_t bytes = batch->bytes();
        return MakeHandle(env, std::move(batch), bytes);
      });
}

// batchSlice(batch, first, count): some of its samples, uncopied
Napi::Value BatchSlice(const Arguments& args) {
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(0, "batch");
  const int64_t first = args.Integer(1, "first", 0, INT64_C(1) << 53);
  const int64_t count = args.Integer(2, "count", 1, INT64_C(1) << 53);
  // The samples belong to the whole batch, which may be let go of before: nothing is counted twice for long.
  return MakeHandle(args.env(), std::make_shared<Batch>(batch->Slice(first, count)), 0);
}

}  // namespace

void ExportModel(Napi::Object exports) {
  Export<LoadModel>(exports, "loadModel");
  Export<LoadExportedProgram>(exports, "loadExportedProgram");
  Export<DescribeModel>(exports, "describeModel");
  Export<ModelParameters>(exports, "modelParameters");
  Export<MakeBatch>(exports, "makeBatch");
  Export<BatchSlice>(exports, "batchSlice");
}

}  // namespace lossatlas
