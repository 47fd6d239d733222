import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadCifar } from '../../dist/data/cifar-dataset.js';
import { loadCsv } from '../../dist/data/csv-dataset.js';
import type { Dataset } from '../../dist/data/dataset.js';
import { loadLibsvm } from '../../dist/data/libsvm-dataset.js';
import { loadSafetensors } from '../../dist/data/safetensors-dataset.js';
import { LossAtlasError } from '../../dist/errors.js';
import { parseCheckpoint } from '../../dist/io/checkpoint/checkpoint.js';
import { optimizerState } from '../../dist/io/checkpoint/optimizer.js';
import { withHdf5 } from '../../dist/io/hdf5.js';
import { readIdx } from '../../dist/io/idx.js';
import { fromJson } from '../../dist/io/json.js';
import { loadResult } from '../../dist/io/result-file.js';
import { readNpy, writeNpy } from '../../dist/io/npy.js';
import { readNpz, writeNpz } from '../../dist/io/npz.js';
import { fileKind } from '../../dist/model/file-kind.js';
import { loadModel } from '../../dist/model/model.js';
import { tensorsIn } from '../../dist/io/checkpoint/value.js';
import type { Mutation } from './blind.js';
import { results, savedResults } from './results.js';
import { npyEdits, pickleEdits, safetensorsEdits, textEdits, zipEdits } from './structured.js';

/** A format under attack. */
export interface FuzzedFormat {
  readonly name: string;
  /** Small valid files. */
  readonly seeds: () => readonly Uint8Array[];
  /** Everything that a caller would do with such a file; what it returns is compared between runs. */
  readonly read: (bytes: Uint8Array) => unknown;
  /** Of 100: how many of its files a run takes, where each is slow (default 100). */
  readonly share?: number;
  /** How many files one process reads (default: all); a library that a damaged file spoils stays in memory. */
  readonly perChild?: number;
  /** Changes that know the format, in half of the files; zip archives get their checksums mended. */
  readonly edits?: Mutation;
}

const fixtures = (...names: string[]) =>
  names.map((name): Uint8Array => readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url)));
const checkpoints = (...names: string[]) => fixtures(...names.map((name) => `checkpoints/${name}`));

const folder = await mkdtemp(join(tmpdir(), 'lossatlas-fuzz-'));
const scratch = join(folder, 'file');

/** Readers of paths get the bytes in a file. */
function throughFile(read: (path: string) => Promise<unknown>, extension = ''): FuzzedFormat['read'] {
  return async (bytes) => {
    await writeFile(`${scratch}${extension}`, bytes);
    return read(`${scratch}${extension}`);
  };
}

/** What the file says, without the tensors' data at their full length. */
function readTorch(bytes: Uint8Array): unknown {
  const checkpoint = parseCheckpoint(bytes, 'x', { unknown: 'opaque' });
  const tensors = [...tensorsIn(checkpoint.value)].map(({ shape, data }) => [shape, data.length, data[0]]);
  for (const work of [() => checkpoint.stateDict(), () => optimizerState(checkpoint)]) {
    try {
      work();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_CHECKPOINT') throw error;
    }
  }
  return tensors;
}

const npy = () => [
  writeNpy({ dtype: 'f4', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }),
  writeNpy({ dtype: 'i8', shape: [2], data: BigInt64Array.of(1n, -2n) }),
  writeNpy({ dtype: 'f2', shape: [], data: Float32Array.of(0.5) }),
];

const npz = () => {
  const arrays = {
    w: { dtype: 'f4', shape: [40], data: new Float32Array(40) },
    n: { dtype: 'u2', shape: [2], data: Uint16Array.of(7, 8) },
  } as const;
  return [writeNpz(arrays), writeNpz(arrays, { compress: true })];
};

const idx = () => [
  Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4),
  Uint8Array.of(0, 0, 13, 1, 0, 0, 0, 2, 0, 0, 128, 63, 0, 0, 0, 64),
];

const cifar = () => [Uint8Array.from({ length: 3073 * 2 }, (_, i) => (i % 3073 === 0 ? 3 : i & 255))];

async function firstRow(path: string): Promise<unknown> {
  const array = await readIdx(path);
  return array.shape[0] === 0 ? null : array.rows([0], 1);
}

const hdf5Names = ['train/x', 'train/y', 'chunked', 'big_endian/int32', 'half', 'scalar', 'lzf', 'soft'];

const hdf5 = async (path: string) =>
  withHdf5(path, (file) =>
    hdf5Names.map((name) => {
      try {
        return Array.from(file.array(name).rows(1, null), Number);
      } catch (error) {
        if (error instanceof LossAtlasError) return error.code;
        throw error;
      }
    }),
  );

const scripts = [
  ...['linear1.pt', 'tied.pt', 'convbn.pt', 'convbn_traced_eval.pt', 'convbn_frozen.pt', 'gru.pt', 'half.pt'],
  ...['dict_output.pt', 'exported/dict_input.pt', 'exported/list_input.pt', 'exported/sum_of_squares.pt'],
];
const programs = ['attention', 'convbn_train', 'convbn_eval_core', 'convbn_fixed', 'many', 'rnn', 'tied'].map(
  (name) => `exported/${name}.pt2`,
);

/** What the file says of itself; nothing is computed with it. */
async function describeModel(path: string): Promise<unknown> {
  using model = await loadModel(path);
  const { size, dtype, fixedMode, forwardArguments, inputs, parameters, buffers } = model;
  return [size, dtype, fixedMode, forwardArguments, inputs, parameters, buffers];
}

function summary({ numSamples, inputs }: Dataset): unknown {
  return [numSamples, inputs.map(({ shape, data }) => [shape, Number(data[0])])];
}

/** One line a format. */
export const formats: readonly FuzzedFormat[] = [
  {
    name: 'torch-zip',
    seeds: () => checkpoints('adam.pt', 'tensors.pt', 'list.pt', 'numpy.pt', 'proto.pt'),
    read: readTorch,
    edits: zipEdits,
  },
  {
    name: 'torch-legacy',
    seeds: () => checkpoints('adam_legacy.pt', 'tensors_legacy.pt'),
    read: readTorch,
    edits: pickleEdits,
  },
  {
    name: 'safetensors',
    seeds: () => checkpoints('mixed.safetensors'),
    read: readTorch,
    edits: safetensorsEdits,
  },
  { name: 'npz', seeds: npz, read: (bytes) => readNpz(bytes, 'x'), edits: zipEdits },
  { name: 'npz-checkpoint', seeds: npz, read: readTorch, edits: zipEdits },
  { name: 'npy', seeds: npy, read: (bytes) => readNpy(bytes, 'x'), edits: npyEdits },
  { name: 'idx', seeds: idx, read: throughFile(firstRow) },
  { name: 'cifar', seeds: cifar, read: throughFile(async (path) => (await loadCifar(path)).numSamples) },
  {
    name: 'cifar-python',
    seeds: () => fixtures('data/data_batch_1', 'data/train'),
    read: throughFile(async (path) => (await loadCifar(path)).numSamples),
    edits: pickleEdits,
  },
  {
    name: 'csv',
    seeds: () =>
      ['a,b,"c, d"\n', ''].map((head) => Buffer.from(head + '1,2.5e3,x\r\n-4,"0.1","y ""z"""\n'.repeat(3))),
    read: throughFile(async (path) => summary(await loadCsv(path, { target: 2 }))),
    edits: textEdits,
  },
  {
    name: 'libsvm',
    seeds: () => fixtures('data/sparse.svm', 'data/sparse0.svm'),
    read: throughFile(async (path) => summary(await loadLibsvm(path, { zeroBased: true }))),
    edits: textEdits,
  },
  {
    name: 'safetensors-rows',
    seeds: () => fixtures('data/text.safetensors'),
    read: throughFile(async (path) => {
      const data = await loadSafetensors(path, { inputs: 'ids', lazy: true });
      return summary(await data.read(0, 1));
    }),
    edits: safetensorsEdits,
  },
  {
    name: 'json',
    seeds: results,
    read: (bytes) => fromJson(Buffer.from(bytes).toString('utf8'), 'x'),
    edits: textEdits,
  },
  ...(['.npz', '.csv', '.vtp', '.h5'] as const).map((extension): FuzzedFormat => ({
    name: `result${extension}`,
    seeds: () => savedResults(extension),
    read: throughFile(async (path) => loadResult(path), extension),
    ...(extension === '.npz' && { edits: zipEdits }),
    ...((extension === '.csv' || extension === '.vtp') && { edits: textEdits }),
    ...(extension === '.h5' && { perChild: 2000 }),
  })),
  { name: 'hdf5', seeds: () => fixtures('data.h5'), read: throughFile(hdf5), perChild: 2000 },
  {
    name: 'file-kind',
    seeds: () => [...fixtures('mean_confidence.pt'), ...checkpoints('list.pt', 'single_tensor.pt')],
    read: throughFile(fileKind),
    edits: zipEdits,
  },
  {
    name: 'torchscript',
    seeds: () => fixtures(...scripts),
    read: throughFile(describeModel),
    edits: zipEdits,
    perChild: 1000,
  },
  {
    name: 'export-archive',
    seeds: () => fixtures(...programs),
    read: throughFile(describeModel),
    edits: zipEdits,
    perChild: 1000,
  },
];

process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
