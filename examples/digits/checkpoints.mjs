// Trains the example net from random weights with Adam, here in Node.js, and writes checkpoints as PyTorch would:
// run/step-000.pth, -020, …, each with the weights and the optimizer's state. The guides use them.
//
//     node examples/digits/checkpoints.mjs [folder] [--steps 100]
//
// Gradients are those of eval mode, so BatchNorm keeps the statistics it starts with (mean 0, variance 1). Takes a few seconds.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadModel, loadNpz, objective, randomSolution, writeTorch } from '../../dist/index.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string', default: '100' } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = positionals[0] ?? 'run';
const numSteps = Number(values.steps);
const [rate, beta1, beta2, epsilon] = [0.01, 0.9, 0.999, 1e-8];

const model = await loadModel(here('digits.script.pt'));
const data = await loadNpz(here('digits.npz'), { inputs: 'x_train', targets: 'y_train', scale: 1 / 16 });
const loss = objective(model, data, { mode: 'eval' });
const start = await randomSolution(model, { seed: 1 });
const theta = Float32Array.from(await start.theta.toArray());
const mean = new Float32Array(theta.length);
const square = new Float32Array(theta.length);
const statistics = model.buffers.filter(({ name }) => !name.endsWith('num_batches_tracked'));
const buffers = await Promise.all(
  statistics.map(async ({ name, shape }) => {
    const data = Float32Array.from(await start.buffers.toArray(name));
    return [name, { dtype: 'float32', data, shape }];
  }),
);

/** A tensor of each parameter from a vector over all of them. */
const tensors = (vector) =>
  model.parameters.map(({ name, shape, offset, numel }) => [
    name,
    { dtype: 'float32', data: vector.slice(offset, offset + numel), shape },
  ]);

async function save(step) {
  const first = tensors(mean);
  const second = tensors(square);
  const state = new Map(
    first.map(([, exp_avg], i) => [i, new Map(Object.entries({ step, exp_avg, exp_avg_sq: second[i][1] }))]),
  );
  const group = new Map(
    Object.entries({ lr: rate, betas: [beta1, beta2], eps: epsilon, params: first.map((_, i) => i) }),
  );
  const checkpoint = new Map([
    ['step', step],
    ['model', new Map([...tensors(theta), ...buffers])],
    ['optimizer', new Map(Object.entries({ state, param_groups: [group] }))],
  ]);
  await writeTorch(join(folder, `step-${String(step).padStart(3, '0')}.pth`), checkpoint);
}

mkdirSync(folder, { recursive: true });
await save(0);
for (let step = 1; step <= numSteps; ++step) {
  const point = await model.vector(theta);
  const { gradient, ...evaluation } = await loss.gradient(point, undefined, start.buffers);
  const g = await gradient.toArray();
  for (let i = 0; i < g.length; ++i) {
    mean[i] = beta1 * mean[i] + (1 - beta1) * g[i];
    square[i] = beta2 * square[i] + (1 - beta2) * g[i] ** 2;
    const root = Math.sqrt(square[i] / (1 - beta2 ** step)) + epsilon;
    theta[i] -= ((rate / (1 - beta1 ** step)) * mean[i]) / root;
  }
  point.dispose();
  gradient.dispose();
  if (step % 20 !== 0 && step !== numSteps) continue;
  await save(step);
  process.stdout.write(`step ${step}: loss ${evaluation.loss.toFixed(4)} before it\n`);
}
