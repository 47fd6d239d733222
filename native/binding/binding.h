// Glue between the addon's exports and the core.
#pragma once
#include <napi.h>

#include <vector>

#include "core/objective.h"
#include "core/parameter_vector.h"
#include "runtime/addon_data.h"
#include "runtime/arguments.h"

namespace lossatlas {

// Each file of this folder adds its functions to the exports.
void ExportBuffers(Napi::Object exports);
void ExportCurvature(Napi::Object exports);
void ExportModel(Napi::Object exports);
void ExportVector(Napi::Object exports);
void ExportObjective(Napi::Object exports);
void ExportKrylov(Napi::Object exports);
void ExportTraining(Napi::Object exports);

using Binding = Napi::Value (*)(const Arguments&);

// Runs a binding; whatever it throws becomes a JavaScript error with a code.
template <Binding function>
Napi::Value Guarded(const Napi::CallbackInfo& info) {
  try {
    return function(Arguments(info));
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw ToJavaScript(info.Env(), CurrentFailure());
  }
}

template <Binding function>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(exports.Env(), Guarded<function>, name));
}

// Runs `work` on the compute thread and resolves to `convert(env, result)`.
template <class Work, class Convert>
Napi::Value Submit(Napi::Env env, Work work, Convert convert) {
  return DataOf(env).compute.Submit(
      env, [work = std::move(work), convert = std::move(convert)]() mutable -> ComputeThread::Resolve {
        // Shared, because std::function wants something that can be copied.
        auto result = std::make_shared<decltype(work())>(work());
        return [result, convert = std::move(convert)](Napi::Env resolve_env) -> Napi::Value {
          return convert(resolve_env, std::move(*result));
        };
      });
}

// Arguments that must belong to the objective's model; the buffers may be null.
std::shared_ptr<ParameterVector> PointOf(const Arguments& args, size_t index, const char* name,
                                         const Objective& objective);
std::shared_ptr<BufferState> BuffersOf(const Arguments& args, size_t index, const Objective& objective);

// Conversions
Napi::Value VectorHandle(Napi::Env env, ParameterVector vector);
Napi::Value VectorHandles(Napi::Env env, std::vector<ParameterVector> vectors);
Napi::Value BuffersHandle(Napi::Env env, BufferState state);
Napi::Float64Array ToFloat64Array(Napi::Env env, const std::vector<double>& values);
// [lossSum, count, numCorrect, numAnswers, then sum and count of each metric] of each evaluation in turn
Napi::Float64Array ToFloat64Array(Napi::Env env, const std::vector<Evaluation>& evaluations);

}  // namespace lossatlas
