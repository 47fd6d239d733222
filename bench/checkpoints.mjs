// Measures how fast a checkpoint of 400 MB is read into memory, and how much memory that takes, beside PyTorch.
//   npm run bench:checkpoints [-- --rounds 5 --repetitions 9 --json]
// The Python is that of the other benchmarks; it needs safetensors too. Files lie in the system's cache.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, say, SetupError } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import { interruptible } from '../scripts/run-command.mjs';
import { builtLibtorch } from './bare.mjs';
import { cacheFolder } from './cache.mjs';
import { describeMachine } from './machine.mjs';
import { runStep } from './processes.mjs';
import { findBenchPython, howToGetPython } from './python.mjs';
import { ratio, summarize } from './statistics.mjs';

/**
 * @typedef {{ milliseconds: number[], grown: number, crc: number, version: string }} Answer
 *
 * @typedef {object} Reader
 * @property {string} title
 * @property {'ours' | 'python'} program
 * @property {string} way
 *
 * @typedef {object} Case
 * @property {string} file
 * @property {readonly Reader[]} readers the first is ours as it comes, the last the one that its target is about
 */

/** @type {readonly Reader[]} */
const ours = [
  { title: 'lossatlas, load()', program: 'ours', way: 'load' },
  { title: 'lossatlas, tensor by tensor', program: 'ours', way: 'one-by-one' },
];

/** @type {readonly Case[]} */
const cases = [
  {
    file: 'weights.pt',
    readers: [
      ...ours,
      { title: 'lossatlas, load(), checksums', program: 'ours', way: 'checked' },
      { title: 'torch.load', program: 'python', way: 'load' },
      { title: 'torch.load(mmap=True) and clone', program: 'python', way: 'mmap' },
    ],
  },
  {
    file: 'weights.safetensors',
    readers: [...ours, { title: 'safetensors load_file and clone', program: 'python', way: 'safetensors' }],
  },
];

/** What ours may take at most: of the rival's time, and of the file's size. */
const target = { time: 1.5, memory: 1.1 };

const tool = (/** @type {string} */ name) => join(root, 'bench', 'tools', name);

/**
 * @param {string} python
 * @param {AbortSignal} signal
 */
async function prepareFiles(python, signal) {
  const folder = join(cacheFolder, 'checkpoints');
  mkdirSync(folder, { recursive: true });
  if (cases.some(({ file }) => !existsSync(join(folder, file))))
    await runStep(python, [tool('make_checkpoint.py'), folder], signal);
  return folder;
}

/**
 * @param {Reader} reader
 * @param {string} path
 * @param {string} repetitions
 * @param {string} python
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function measure({ program, way }, path, repetitions, python, signal) {
  const args = [path, way, repetitions];
  const stdout =
    program === 'ours'
      ? await runStep(process.execPath, ['--expose-gc', tool('read_checkpoint.mjs'), ...args], signal)
      : await runStep(python, [tool('read_checkpoint.py'), ...args], signal);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      repetitions: { type: 'string', default: '9' },
      json: { type: 'boolean', default: false },
    },
  });
  const { python, noTorch } = findBenchPython(builtLibtorch().version);
  if (noTorch !== null) throw new SetupError('ERR_BENCH_PYTHON', `${noTorch}. ${howToGetPython}`);
  return interruptible(async (signal) => {
    const folder = await prepareFiles(python, signal);
    const records = [];
    for (const { file, readers } of cases) {
      const path = join(folder, file);
      const { size } = statSync(path);
      /** @type {Map<Reader, Answer[]>} */
      const answers = new Map(readers.map((reader) => [reader, []]));
      for (let round = 0; round < Number(values.rounds); round++) {
        for (let i = 0; i < readers.length; i++) {
          const reader = readers[(round + i) % readers.length];
          if (!reader) continue;
          say(`bench: ${file}, round ${round + 1}, ${reader.title}`);
          answers.get(reader)?.push(await measure(reader, path, values.repetitions, python, signal));
        }
      }
      const crcs = new Set([...answers.values()].flat().map(({ crc }) => crc));
      if (crcs.size !== 1)
        throw new SetupError('ERR_BENCH', `${file}: the readers do not agree on its values`);
      const rounds = (/** @type {Reader | undefined} */ reader) =>
        (reader && answers.get(reader)?.map(({ milliseconds }) => milliseconds)) ?? [];
      const rival = readers.at(-1);
      for (const reader of readers) {
        const { ratio: relative, low, high } = ratio(rounds(reader), rounds(rival));
        const memory = Math.max(...(answers.get(reader)?.map(({ grown }) => grown) ?? [])) / size;
        const first = (answers.get(reader) ?? []).map(({ milliseconds }) => milliseconds[0] ?? NaN);
        const time = { ...summarize(rounds(reader)), first: summarize([first]).median };
        records.push({ file, size, reader: reader.title, time, relative, low, high, memory });
      }
    }
    if (values.json) console.log(JSON.stringify({ machine: describeMachine(), target, records }, null, 2));
    else {
      console.log(
        `${describeMachine()}; targets: ${target.time} × the last of each file, ${target.memory} × its size`,
      );
      for (const { file, reader, time, relative, low, high, memory } of records) {
        const range = `${time.median.toFixed(0)} ms (${time.min.toFixed(0)}–${time.max.toFixed(0)}, first ${time.first.toFixed(0)})`;
        const beside = `${relative.toFixed(2)} × (${low.toFixed(2)}–${high.toFixed(2)})`;
        console.log(
          `${file.padEnd(20)} ${reader.padEnd(33)} ${range.padEnd(30)} ${beside.padEnd(20)} memory ${memory.toFixed(2)} × the file`,
        );
      }
    }
    return 0;
  });
});
