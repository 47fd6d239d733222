#include <algorithm>

#include "binding/binding.h"
#include "core/error.h"
#include "core/trainer.h"

namespace lossatlas {
namespace {

// [weightDecay, momentum, dampening, nesterov, beta1, beta2, epsilon, amsgrad]
OptimizerSettings SettingsOf(const std::string& name, const std::vector<double>& numbers) {
  if (numbers.size() != 8) throw Error(code::kInvalidArgument, "an optimizer has 8 numbers");
  OptimizerSettings settings;
  settings.kind = ParseOptimizer(name);
  settings.weight_decay = numbers[0];
  settings.momentum = numbers[1];
  settings.dampening = numbers[2];
  settings.nesterov = numbers[3] != 0;
  settings.beta1 = numbers[4];
  settings.beta2 = numbers[5];
  settings.epsilon = numbers[6];
  settings.amsgrad = numbers[7] != 0;
  return settings;
}

// batchRows(batch, rows, index): the samples at these places, as a batch of their own
Napi::Value BatchRows(const Arguments& args) {
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(0, "batch");
  const std::vector<double> rows = args.Doubles(1, "rows");
  const int64_t index = args.Integer(2, "index", 0, INT64_C(1) << 53);
  return Submit(
      args.env(),
      [=] {
        at::Tensor places = at::empty({static_cast<int64_t>(rows.size())}, at::kLong);
        std::transform(rows.begin(), rows.end(), places.data_ptr<int64_t>(),
                       [](double row) { return static_cast<int64_t>(row); });
        return std::make_shared<Batch>(batch->Pick(places, index));
      },
      [](Napi::Env env, std::shared_ptr<Batch> picked) {
        const int64_t bytes = picked->bytes();
        return MakeHandle(env, std::move(picked), bytes);
      });
}

// makeTrainer(objective, optimizer, numbers, theta, buffers, steps, moments, frozen)
Napi::Value MakeTrainer(const Arguments& args) {
  const std::shared_ptr<Objective> objective = args.Handle<Objective>(0, "objective");
  const OptimizerSettings settings = SettingsOf(args.String(1, "optimizer"), args.Doubles(2, "numbers"));
  TrainerState start;
  start.theta = PointOf(args, 3, "theta", *objective)->values;
  const std::shared_ptr<BufferState> buffers = args.Handle<BufferState>(4, "buffers");
  RequireBuffersOf(*objective->model, *buffers);
  start.buffers = *buffers;
  start.steps = args.Doubles(5, "steps");
  const size_t num_parameters = objective->model->layout()->parameters().size();
  for (const std::shared_ptr<ParameterVector>& moment : args.Handles<ParameterVector>(6, "moments")) {
    objective->model->layout()->RequireMatch(*moment->layout);
    start.moments.push_back(moment->values);
  }
  if (!start.steps.empty() &&
      (start.steps.size() != num_parameters || start.moments.size() != NumMoments(settings))) {
    throw Error(code::kInvalidArgument, "steps and moments must fit the parameters and the optimizer");
  }
  std::vector<size_t> frozen;
  for (const double place : args.Doubles(7, "frozen")) {
    if (!(place >= 0 && place < static_cast<double>(num_parameters)))
      throw Error(code::kInvalidArgument, "there is no such parameter to freeze");
    frozen.push_back(static_cast<size_t>(place));
  }
  // Parameters, gradients and moments.
  const int64_t bytes = start.theta.numel() * static_cast<int64_t>(start.theta.element_size()) *
                        static_cast<int64_t>(2 + NumMoments(settings));
  return Submit(
      args.env(), [=] { return std::make_shared<Trainer>(objective, settings, start, frozen); },
      [bytes](Napi::Env env, std::shared_ptr<Trainer> trainer) {
        return MakeHandle(env, std::move(trainer), bytes);
      });
}

// trainerStep(trainer, batch, avoided | null, index, learningRate, maxNorm, avoidanceWeight): [lossSum,
// count, numCorrect, numAnswers, avoidanceSum, avoidanceCount, objective, gradientNorm, finite]
Napi::Value TrainerStep(const Arguments& args) {
  const std::shared_ptr<Trainer> trainer = args.Handle<Trainer>(0, "trainer");
  const std::shared_ptr<Batch> batch = args.Handle<Batch>(1, "batch");
  const std::shared_ptr<Batch> avoided = args.MaybeHandle<Batch>(2, "avoided");
  Trainer::StepOptions options;
  options.index = static_cast<uint64_t>(args.Integer(3, "index", 0, INT64_C(1) << 53));
  options.learning_rate = args.Number(4, "learningRate");
  options.max_norm = args.Number(5, "maxNorm");
  options.avoidance_weight = args.Number(6, "avoidanceWeight");
  return Submit(
      args.env(), [=] { return trainer->Step(*batch, avoided.get(), options); },
      [](Napi::Env env, const TrainingStep& step) {
        const Evaluation& e = step.evaluation;
        return ToFloat64Array(
            env, std::vector<double>{e.loss_sum, e.count, e.num_correct, e.num_answers, step.avoidance_sum,
                                     step.avoidance_count, step.objective, step.gradient_norm,
                                     step.finite ? 1.0 : 0.0});
      });
}

// trainerState(trainer): {theta, buffers, steps, moments}
Napi::Value TrainerStateBinding(const Arguments& args) {
  const std::shared_ptr<Trainer> trainer = args.Handle<Trainer>(0, "trainer");
  return Submit(
      args.env(), [trainer] { return trainer->State(); },
      [layout = trainer->objective().model->layout()](Napi::Env env, TrainerState state) {
        std::vector<ParameterVector> moments;
        for (at::Tensor& moment : state.moments) moments.push_back({layout, std::move(moment)});
        Napi::Object out = Napi::Object::New(env);
        out.Set("theta", VectorHandle(env, {layout, std::move(state.theta)}));
        out.Set("buffers", BuffersHandle(env, std::move(state.buffers)));
        out.Set("steps", ToFloat64Array(env, state.steps));
        out.Set("moments", VectorHandles(env, std::move(moments)));
        return out;
      });
}

}  // namespace

void ExportTraining(Napi::Object exports) {
  Export<BatchRows>(exports, "batchRows");
  Export<MakeTrainer>(exports, "makeTrainer");
  Export<TrainerStep>(exports, "trainerStep");
  Export<TrainerStateBinding>(exports, "trainerState");
}

}  // namespace lossatlas
