import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import {
  fileKind,
  loadCifar,
  loadHdf5,
  loadModel,
  readCheckpoint,
  readNpy,
  type CheckpointValue,
  type ErrorCode,
} from '../../dist/index.js';
import { readIdx } from '../../dist/io/idx.js';
import { isTensor } from '../../dist/io/checkpoint/tensor.js';
import { keyText } from '../../dist/io/checkpoint/value.js';
import { rejects } from '../support/errors.js';
import { fixture, sharedFile } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

/** By file: number and hash of its tensors, as PyTorch and numpy read them; null where they do not. */
const golden = JSON.parse(readFileSync(fixture('shared-data.json'), 'utf8')) as Record<
  string,
  readonly [count: number, hash: string] | null
>;

interface ArrayLikeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** What `hashed` in shared_data.py says, on one line. */
function line(name: string, { dtype, shape, data }: ArrayLikeTensor): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `${name} ${dtype} [${shape.join(', ')}] ${createHash('sha256').update(bytes).digest('hex')}\n`;
}

/** In the order of Python, that of code points. */
function summary(tensors: Iterable<readonly [string, ArrayLikeTensor]>): [number, string] {
  const sorted = [...tensors].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const lines = sorted.map(([name, tensor]) => line(name, tensor));
  return [lines.length, createHash('sha256').update(lines.join('')).digest('hex')];
}

function tensorsOf(value: CheckpointValue, path = ''): [string, ArrayLikeTensor][] {
  if (isTensor(value)) return [[path, value]];
  if (value instanceof Map) {
    return [...(value as ReadonlyMap<CheckpointValue, CheckpointValue>)].flatMap(([key, item]) => {
      const name = keyText(key) ?? '';
      return tensorsOf(item, path === '' ? name : `${path}.${name}`);
    });
  }
  if (!Array.isArray(value)) return [];
  return (value as readonly CheckpointValue[]).flatMap((item, i) => tensorsOf(item, `${path}[${i}]`));
}

const dtypeOf = (data: ArrayBufferView) =>
  data.constructor.name.replace('Big', '').replace('Array', '').toLowerCase();

async function checkpointOf(path: string): Promise<[string, ArrayLikeTensor][]> {
  const checkpoint = await readCheckpoint(path);
  await checkpoint.load();
  return tensorsOf(checkpoint.value);
}

async function modelOf(path: string): Promise<[string, ArrayLikeTensor][]> {
  using model = await loadModel(path);
  using theta = await model.theta();
  const values = Float32Array.from(await theta.toArray());
  return model.parameters.map(({ name, shape, offset, numel }) => [
    name,
    { dtype: model.dtype, shape, data: values.slice(offset, offset + numel) },
  ]);
}

async function cifarOf(path: string): Promise<[string, ArrayLikeTensor][]> {
  const { inputs, targets } = await loadCifar(path);
  const { shape, data } = inputs[0]!;
  const labels = Uint8Array.from(targets!.data, Number);
  return [
    ['labels', { dtype: 'uint8', shape: [labels.length], data: labels }],
    ['pixels', { dtype: 'uint8', shape, data: Uint8Array.from(data as ArrayLike<number>) }],
  ];
}

async function hdf5Of(path: string): Promise<[string, ArrayLikeTensor][]> {
  const tensors: [string, ArrayLikeTensor][] = [];
  for (const part of ['train', 'test']) {
    const { inputs, targets } = await loadHdf5(path, { inputs: `${part}/data`, targets: `${part}/target` });
    const { data, shape } = inputs[0]!;
    const labels = Int32Array.from(targets!.data, Number);
    tensors.push([`${part}/data`, { dtype: dtypeOf(data), shape, data }]);
    tensors.push([`${part}/target`, { dtype: 'int32', shape: [labels.length], data: labels }]);
  }
  return tensors;
}

function npyOf(path: string): [string, ArrayLikeTensor][] {
  const { dtype, shape, data } = readNpy(readFileSync(path));
  return [
    ['', { dtype: dtype === 'f2' ? 'float16' : dtype === 'bool' ? 'bool' : dtypeOf(data), shape, data }],
  ];
}

async function idxOf(path: string): Promise<[string, ArrayLikeTensor][]> {
  const array = await readIdx(path);
  const { shape } = array;
  const data = array.rows(Array(shape[0]).keys(), shape[0]!);
  return [['', { dtype: dtypeOf(data), shape, data }]];
}

const readers: Readonly<
  Record<string, (path: string) => [string, ArrayLikeTensor][] | Promise<[string, ArrayLikeTensor][]>>
> = {
  '.bin': cifarOf,
  '.gz': idxOf,
  '.h5': hdf5Of,
  '.npy': npyOf,
  '.npz': checkpointOf,
  '.safetensors': checkpointOf,
};

/** What no reader takes, and why. */
const refusals: Readonly<Record<string, readonly [code: ErrorCode, message: RegExp]>> = {
  'androiddemo_asl.ptl': ['ERR_NOT_TORCHSCRIPT', /mobile Lite Interpreter/],
  'torchjs_test_model.pt': ['ERR_NOT_TORCHSCRIPT', /format of PyTorch 1\.0 \(model\.json\)/],
  'tchrs_foo.pt': ['ERR_NO_PARAMETERS', /has no parameters/],
  'tchrs_foo1.pt': ['ERR_NO_PARAMETERS', /has no parameters/],
  'cifar10_jpeg_test_100.tar': ['ERR_CHECKPOINT', /no checkpoint that is known/],
};

const kinds: Readonly<Record<string, string>> = {
  'androiddemo_asl.ptl': 'lite-interpreter',
  'resnet20_cifar10.pt2': 'export-archive',
  'torchjs_test_model.pt': 'torchscript-1.0',
};

describe('every shared file: read as PyTorch and numpy do, bit for bit, or refused with its reason', function () {
  this.timeout(120_000);
  expectNoLiveHandles();

  for (const [name, expected] of Object.entries(golden)) {
    const [file, folder] = [basename(name), name.split('/')[0]!];
    const refusal = refusals[file];
    it(`${name}${refusal === undefined ? '' : `: ${refusal[0]}`}`, async function () {
      const path = sharedFile(name);
      if (path === null) this.skip();
      if (folder === 'torchscript') expect(await fileKind(path)).to.equal(kinds[file] ?? 'torchscript');
      if (refusal !== undefined) {
        const load = folder === 'torchscript' ? loadModel : readCheckpoint;
        await rejects(async () => load(path), ...refusal);
        return;
      }
      // Archives of torch.export have their own tests.
      if (extname(file) === '.pt2') return;
      const read = folder === 'torchscript' ? modelOf : (readers[extname(file)] ?? checkpointOf);
      expect(summary(await read(path))).to.deep.equal(expected);
    });
  }

  it('has no file that is not looked at', function () {
    const root = sharedFile('');
    if (root === null) this.skip();
    const folders = [...new Set(Object.keys(golden).map((name) => name.split('/')[0]!))];
    const present = folders.flatMap((folder) =>
      readdirSync(join(root, folder)).map((file) => `${folder}/${file}`),
    );
    expect(present.filter((name) => !(name in golden))).to.deep.equal([]);
  });
});
