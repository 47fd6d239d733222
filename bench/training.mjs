// Measures a training step of LeNet at batch 256 and of ResNet-20 at batch 128, beside PyTorch's eager loop.
//   npm run bench:training [-- --rounds 5 --threads 2 --json]
// A net whose files of ../shared/data are not there is left out.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, say, SetupError } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import { interruptible } from '../scripts/run-command.mjs';
import { builtLibtorch } from './bare.mjs';
import { cacheFolder } from './cache.mjs';
import { makeNoise, readCifar, readMnist, sharedFile } from './images.mjs';
import { describeMachine } from './machine.mjs';
import { runStep } from './processes.mjs';
import { findBenchPython, howToGetPython } from './python.mjs';
import { ratio, summarize } from './statistics.mjs';

/**
 * @typedef {{ seconds: number[], losses: number[] }} Answer
 * @typedef {{ model: string, images: import('./images.mjs').Images, shape: string, batchSize: number, warmup: number, steps: number }} Net
 */

const tool = (/** @type {string} */ name) => join(root, 'bench', 'tools', name);

/** @type {Readonly<Record<string, () => Net | null>>} */
const nets = {
  'lenet-256': () => {
    const model = join(root, 'bench', 'lenet.script.pt');
    const images = readMnist(2048) ?? makeNoise([2048, 1, 28, 28]);
    return { model, images, shape: '1,28,28', batchSize: 256, warmup: 5, steps: 30 };
  },
  'resnet20-128': () => {
    const model = sharedFile('torchscript/resnet20_cifar10.script.pt');
    const images = readCifar(1024);
    if (model === null || images === null) return null;
    return { model, images, shape: '3,32,32', batchSize: 128, warmup: 2, steps: 8 };
  },
};

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
    },
  });
  const { python, noTorch } = findBenchPython(builtLibtorch().version);
  if (noTorch !== null) throw new SetupError('ERR_BENCH_PYTHON', `${noTorch}. ${howToGetPython}`);
  return interruptible(async (signal) => {
    /** @type {Record<string, unknown>} */
    const record = { machine: describeMachine(), ...values };
    if (!values.json) console.log(record.machine);
    for (const [name, make] of Object.entries(nets)) {
      const net = make();
      if (net === null) {
        say(`bench: ${name} is left out: its files are not on this machine`);
        continue;
      }
      const folder = join(cacheFolder, 'training', name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'x.bin'), net.images.x);
      writeFileSync(join(folder, 'y.bin'), net.images.y);
      const { model, shape, batchSize, warmup, steps } = net;
      const args = [model, folder, values.threads, String(batchSize), shape, String(warmup), String(steps)];
      const run = async (/** @type {string} */ command, /** @type {string} */ script) => {
        const stdout = await runStep(command, [tool(script), ...args], signal);
        return /** @type {Answer} */ (JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
      };
      /** @type {Answer[]} */
      const ours = [];
      /** @type {Answer[]} */
      const theirs = [];
      for (let round = 0; round < Number(values.rounds); round++) {
        say(`bench: ${name}, round ${round + 1}`);
        const turns = [
          async () => ours.push(await run(process.execPath, 'train_steps.mjs')),
          async () => theirs.push(await run(python, 'train_steps.py')),
        ];
        // Each goes first in turn.
        for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
      }
      requireEqual(ours[0]?.losses ?? [], theirs[0]?.losses ?? []);
      const times = (/** @type {Answer[]} */ answers) => answers.map(({ seconds }) => seconds);
      const { ratio: value, low, high, fastest } = ratio(times(ours), times(theirs));
      const seconds = { lossatlas: summarize(times(ours)), 'PyTorch loop': summarize(times(theirs)) };
      record[name] = { seconds, ratio: { value, low, high, fastest, target: 1 } };
      if (values.json) continue;
      for (const [who, { median, min }] of Object.entries(seconds))
        console.log(
          `${name}  ${who.padEnd(14)} ${(1000 * median).toFixed(1)} ms a step (fastest ${(1000 * min).toFixed(1)})`,
        );
      console.log(
        `${name}  ratio ${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}; of the fastest ${fastest.toFixed(2)}), at most 1 is asked for`,
      );
    }
    if (values.json) console.log(JSON.stringify(record, null, 2));
    return 0;
  });
});

/**
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
function requireEqual(ours, theirs) {
  const differs = ours.findIndex((loss, i) => !(Math.abs(loss - (theirs[i] ?? NaN)) < 1e-3 * (1 + loss)));
  if (differs >= 0 || ours.length !== theirs.length)
    throw new SetupError('ERR_BENCH', `step ${differs}: the tools do not agree on the loss`);
}
