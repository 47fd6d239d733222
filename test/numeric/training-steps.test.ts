import { expect } from 'chai';
import { dataset, objective, Solution, type Dataset, type Model, type Objective } from '../../dist/index.js';
import { completeOptimizer, momentNames, type OptimizerOptions } from '../../dist/training/optimizer.js';
import { freeHandle } from '../../dist/native/call.js';
import { SampleBatches } from '../../dist/training/sample-batches.js';
import { completeSchedule, learningRateOf, type ScheduleOptions } from '../../dist/training/schedule.js';
import { Trainer, TrainerState, type StepResult } from '../../dist/training/trainer.js';
import { loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

const golden = goldenFile('training.npz');
const nets = ['mlp', 'convbn'] as const;
const [numSamples, batchSize, epochs] = [40, 8, 10];

interface Run {
  readonly optimizer: OptimizerOptions;
  readonly schedule?: ScheduleOptions;
  readonly clipNorm?: number;
}

/** As in test/fixtures/training.py. */
const runs: Readonly<Record<string, Run>> = {
  sgd: { optimizer: { name: 'sgd', lr: 0.1 } },
  momentum: { optimizer: { name: 'sgd', lr: 0.05, momentum: 0.9, dampening: 0.1, weightDecay: 1e-2 } },
  nesterov: {
    optimizer: { name: 'sgd', lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
    schedule: { name: 'cosine', minimum: 1e-3 },
  },
  adam: { optimizer: { name: 'adam', lr: 1e-2, betas: [0.8, 0.99], weightDecay: 1e-2 } },
  amsgrad: { optimizer: { name: 'adam', lr: 3e-2, amsgrad: true, eps: 1e-6 } },
  adamw: {
    optimizer: { name: 'adamw', lr: 1e-2, weightDecay: 0.1 },
    schedule: { name: 'step', stepSize: 3, gamma: 0.5 },
  },
  clip: { optimizer: { name: 'sgd', lr: 0.5, momentum: 0.9 }, clipNorm: 0.3 },
};

function samples(net: string, part = ''): Dataset {
  return dataset({ inputs: golden.array(`${net}.x${part}`), targets: golden.array(`${net}.y${part}`) });
}

/** A trainer of a net, and a batch of its data by sample numbers. */
async function withTrainer(
  model: Model,
  loss: Objective,
  options: OptimizerOptions,
  work: (trainer: Trainer, batch: Batch) => Promise<void>,
  theta?: Float64Array,
): Promise<void> {
  const point = theta === undefined ? await model.theta() : await model.vector(theta);
  using start = new TrainerState(
    new Solution('start', point, await model.bufferState()),
    new Float64Array(0),
    [],
  );
  using trainer = await Trainer.start(loss, completeOptimizer('test', options), start);
  const batches = new SampleBatches(model, loss.data, undefined);
  try {
    await work(trainer, async (first, count) =>
      batches.batch(
        Uint32Array.from({ length: count }, (_, i) => first + i),
        0,
        null,
      ),
    );
  } finally {
    batches.dispose();
  }
}
type Batch = (first: number, count: number) => ReturnType<SampleBatches['batch']>;

async function theta(trainer: Trainer): Promise<Float64Array> {
  using state = await trainer.state('');
  return await state.solution.theta.toArray();
}

describe('training steps as PyTorch’s', () => {
  expectNoLiveHandles();

  for (const net of nets) {
    for (const [name, { optimizer, schedule, clipNorm }] of Object.entries(runs)) {
      it(`${net}, ${name}: losses, norms and parameters of 50 steps`, async () => {
        using model = await loadFixture(net);
        using loss = objective(model, samples(net), { mode: 'train' });
        const complete = completeOptimizer('test', optimizer);
        const rates = completeSchedule('test', schedule, epochs);
        const get = (part: string) => golden.get(`${net}.${name}.${part}`);
        await withTrainer(model, loss, optimizer, async (trainer, batchOf) => {
          const steps: StepResult[] = [];
          const points: Float64Array[] = [];
          for (let epoch = 0; epoch < epochs; epoch++) {
            const learningRate = learningRateOf(complete.lr, rates, epoch);
            for (let first = 0; first < numSamples; first += batchSize) {
              const batch = await batchOf(first, batchSize);
              steps.push(
                await trainer.step(batch, { index: steps.length, learningRate, clipNorm: clipNorm ?? null }),
              );
              freeHandle(batch);
              if ([1, 10, 50].includes(steps.length)) points.push(await theta(trainer));
            }
          }
          const losses = steps.map((step) => step.lossSum / step.count);
          expect(relativeError(losses, get('losses'))).to.be.below(1e-10);
          expect(
            relativeError(
              steps.map((step) => step.gradientNorm),
              get('norms'),
            ),
          ).to.be.below(1e-10);
          const n = model.size;
          points.forEach((point, i) => {
            expect(relativeError(point, get('points').subarray(i * n, (i + 1) * n))).to.be.below(1e-9);
          });
          using state = await trainer.state('');
          for (const [i, moment] of momentNames(complete).entries())
            expect(relativeError(await state.moments[i]!.toArray(), get(moment))).to.be.below(1e-9);
          const statistics: number[] = [];
          for (const { name: buffer } of model.buffers) {
            if (buffer.includes('running'))
              statistics.push(...(await state.solution.buffers.toArray(buffer)));
          }
          if (statistics.length > 0) expect(relativeError(statistics, get('buffers'))).to.be.below(1e-9);
        });
      });
    }

    for (const scale of ['plain', 'large', 'extreme']) {
      it(`${net}, labels to avoid, ${scale} logits: loss and gradient`, async () => {
        using model = await loadFixture(net);
        const key = `poison.${net}.${scale}`;
        using loss = objective(model, samples(net), { mode: 'train' });
        const bad = dataset({
          inputs: golden.array(`${net}.x_poison`),
          targets: golden.array(`${key}.labels`),
        });
        const poison = new SampleBatches(model, bad, undefined);
        const start = golden.get(`${key}.theta`);
        const [clean, avoidance, total] = golden.get(`${key}.loss`);
        await withTrainer(
          model,
          loss,
          { name: 'sgd' },
          async (trainer, batchOf) => {
            const batch = await batchOf(0, batchSize);
            const avoided = await poison.batch(Uint32Array.of(0, 1, 2, 3, 4), 0, null);
            // With a rate of 1 the step is the gradient.
            const options = { index: 0, learningRate: 1, avoided, avoidanceWeight: 0.3 };
            const step = await trainer.step(batch, options);
            freeHandle(batch);
            freeHandle(avoided);
            expect(step.lossSum / step.count).to.be.closeTo(clean!, 1e-12 * (1 + clean!));
            expect(step.avoidanceSum / step.avoidanceCount).to.be.closeTo(avoidance!, 1e-12 * avoidance!);
            expect(step.objective).to.be.closeTo(total!, 1e-12 * (1 + total!));
            const end = await theta(trainer);
            const gradient = golden.get(`${key}.gradient`);
            const difference = start.map((value, i) => value - end[i]!);
            // θ itself rounds the difference.
            const rounding = (1e-15 * Math.hypot(...start)) / Math.hypot(...gradient);
            expect(relativeError(difference, gradient)).to.be.below(1e-11 + 10 * rounding);
          },
          start,
        );
        poison.dispose();
      });
    }
  }

  it('a loss that is not finite changes nothing and is said', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, samples('mlp'), { mode: 'train' });
    const start = golden
      .get('mlp.sgd.points')
      .subarray(0, model.size)
      .map(() => 1e308);
    await withTrainer(
      model,
      loss,
      { name: 'sgd' },
      async (trainer, batchOf) => {
        const batch = await batchOf(0, batchSize);
        const step = await trainer.step(batch, { index: 0, learningRate: 1 });
        freeHandle(batch);
        expect(step.isFinite).to.be.false;
        expect(await theta(trainer)).to.deep.equal(start);
      },
      start,
    );
  });

  it('schedules as PyTorch’s', () => {
    const step = completeSchedule('test', { name: 'step', stepSize: 7, gamma: 0.3 }, 31);
    const cosine = completeSchedule('test', { name: 'cosine', epochs: 30, minimum: 1e-4 }, 31);
    for (const [name, schedule] of Object.entries({ step, cosine })) {
      const rates = golden.get(`schedule.${name}`);
      rates.forEach((rate, epoch) => expect(learningRateOf(0.1, schedule, epoch)).to.be.closeTo(rate, 1e-13));
    }
  });
});
