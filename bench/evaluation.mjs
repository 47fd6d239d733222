// Measures how many samples a second 50 checkpoints of ResNet-20 are evaluated at, beside a plain PyTorch loop.
//   npm run bench:evaluation [-- --rounds 5 --checkpoints 50 --samples 1000 --threads 2 --batch-size 250 --json]
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, say, SetupError } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import { interruptible } from '../scripts/run-command.mjs';
import { builtLibtorch } from './bare.mjs';
import { cacheFolder } from './cache.mjs';
import { readCifar, sharedFile } from './images.mjs';
import { describeMachine } from './machine.mjs';
import { runStep } from './processes.mjs';
import { findBenchPython, howToGetPython } from './python.mjs';
import { ratio, summarize } from './statistics.mjs';

/** @typedef {{ seconds: number, results: [number, number][] }} Answer */

const tool = (/** @type {string} */ name) => join(root, 'bench', 'tools', name);

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      checkpoints: { type: 'string', default: '50' },
      samples: { type: 'string', default: '1000' },
      threads: { type: 'string', default: '2' },
      'batch-size': { type: 'string', default: '250' },
      json: { type: 'boolean', default: false },
    },
  });
  const { python, noTorch } = findBenchPython(builtLibtorch().version);
  if (noTorch !== null) throw new SetupError('ERR_BENCH_PYTHON', `${noTorch}. ${howToGetPython}`);
  const model = sharedFile('torchscript/resnet20_cifar10.script.pt');
  const images = readCifar(Number(values.samples));
  if (model === null || images === null)
    throw new SetupError('ERR_BENCH', 'the published ResNet-20 or the CIFAR images are not on this machine');
  return interruptible(async (signal) => {
    const folder = join(cacheFolder, 'evaluation');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'x.bin'), images.x);
    writeFileSync(join(folder, 'y.bin'), images.y);
    if (!existsSync(join(folder, `${Number(values.checkpoints) - 1}.pth`)))
      await runStep(
        python,
        [tool('evaluate_checkpoints.py'), 'make', model, folder, values.checkpoints],
        signal,
      );
    const args = [folder, values.checkpoints, values.threads, values['batch-size']];
    /** @type {Readonly<Record<string, () => Promise<string>>>} */
    const tools = {
      lossatlas: () => runStep(process.execPath, [tool('evaluate_checkpoints.mjs'), model, ...args], signal),
      'PyTorch loop': () => runStep(python, [tool('evaluate_checkpoints.py'), 'run', ...args], signal),
    };
    const names = Object.keys(tools);
    /** @type {Map<string, Answer[]>} */
    const answers = new Map(names.map((name) => [name, []]));
    for (let round = 0; round < Number(values.rounds); round++) {
      // Each goes first in turn.
      for (const name of round % 2 === 0 ? names : [...names].reverse()) {
        say(`bench: round ${round + 1}, ${name}`);
        const stdout = await tools[name]?.();
        answers.get(name)?.push(JSON.parse(stdout?.trim().split('\n').at(-1) ?? ''));
      }
    }
    const [ours = [], theirs = []] = names.map((name) => answers.get(name) ?? []);
    requireEqual(ours[0]?.results ?? [], theirs[0]?.results ?? []);
    const samples = Number(values.checkpoints) * Number(values.samples);
    const rates = (/** @type {Answer[]} */ list) => list.map(({ seconds }) => [samples / seconds]);
    const { ratio: relative, low, high } = ratio(rates(ours), rates(theirs));
    const record = {
      machine: describeMachine(),
      ...values,
      samplesPerSecond: Object.fromEntries(
        names.map((name) => [name, summarize(rates(answers.get(name) ?? []))]),
      ),
      ratio: { value: relative, low, high, target: 1 },
    };
    if (values.json) console.log(JSON.stringify(record, null, 2));
    else {
      console.log(record.machine);
      for (const [name, { median, min, max }] of Object.entries(record.samplesPerSecond))
        console.log(
          `${name.padEnd(14)} ${median.toFixed(0)} samples/s (${min.toFixed(0)}–${max.toFixed(0)})`,
        );
      console.log(
        `ratio ${relative.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}), at least 1 is asked for`,
      );
    }
    return 0;
  });
});

/**
 * @param {[number, number][]} ours
 * @param {[number, number][]} theirs
 */
function requireEqual(ours, theirs) {
  const differs = ours.findIndex(([loss, accuracy], i) => {
    const [otherLoss, otherAccuracy] = theirs[i] ?? [NaN, NaN];
    return !(Math.abs(loss - otherLoss) < 1e-5 && accuracy === otherAccuracy);
  });
  if (differs >= 0 || ours.length !== theirs.length)
    throw new SetupError('ERR_BENCH', `checkpoint ${differs}: the tools do not agree on loss and accuracy`);
}
