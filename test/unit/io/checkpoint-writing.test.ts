import { expect } from 'chai';
import fc from 'fast-check';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, open, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { LossAtlasError } from '../../../dist/errors.js';
import { readCheckpoint } from '../../../dist/io/checkpoint/checkpoint.js';
import { arrayTypeOf, itemSizeOf, type CheckpointDtype } from '../../../dist/io/checkpoint/dtype.js';
import type { CheckpointTensor } from '../../../dist/io/checkpoint/tensor.js';
import { optimizerState } from '../../../dist/io/checkpoint/optimizer.js';
import { tensorsIn, type CheckpointValue } from '../../../dist/io/checkpoint/value.js';
import { writeSafetensors } from '../../../dist/io/checkpoint/write-safetensors.js';
import { writeStateDict, writeTorch } from '../../../dist/io/checkpoint/write-torch.js';
import { zipParts } from '../../../dist/io/zip-writer.js';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/checkpoints/${name}`, import.meta.url));

const dtypes: readonly CheckpointDtype[] = [
  ...(['float64', 'float32', 'float16', 'bfloat16', 'bool'] as const),
  ...(['int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8'] as const),
];

/** A tensor whose values are `seed` in its type's bits. */
function tensorOf(dtype: CheckpointDtype, shape: readonly number[], seed: number): CheckpointTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = Uint8Array.from({ length: 8 * count }, (_, i) => (i * 37 + seed * 11) & 63);
  const data = new (arrayTypeOf(dtype))(bytes.buffer, 0, count);
  if (dtype === 'bool') (data as Uint8Array).forEach((value, i) => (data[i] = value & 1));
  // Exactly what 16 bits hold.
  if (itemSizeOf(dtype) === 2 && data instanceof Float32Array)
    data.forEach((_, i) => (data[i] = (i - 3) / 4));
  return { dtype, shape, data };
}

const everyDtype = () =>
  new Map([
    ...dtypes.map((dtype, i): [string, CheckpointTensor] => [dtype, tensorOf(dtype, [2, 3], i)]),
    ['10', tensorOf('float32', [], 1)],
    ['9.weight', tensorOf('float32', [0, 4], 1)],
    ['größe', tensorOf('float32', [1], 1)],
  ]);

const plain = ({ dtype, shape, data }: CheckpointTensor) => ({ dtype, shape: [...shape], data });

describe('writing checkpoints', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    path = join(folder, 'x.pt');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const readBack = async () => {
    const checkpoint = await readCheckpoint(path);
    await checkpoint.load();
    return checkpoint.stateDict();
  };
  const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

  it('gives every dtype back bit for bit, in both formats', async () => {
    const tensors = everyDtype();
    await writeStateDict(path, tensors);
    const torch = await readBack();
    expect([...torch.keys()]).to.deep.equal([...tensors.keys()]);
    await writeSafetensors(path, tensors);
    const safe = await readBack();
    for (const [name, tensor] of tensors) {
      expect(plain(torch.get(name)!), name).to.deep.equal(plain(tensor));
      expect(plain(safe.get(name)!), name).to.deep.equal(plain(tensor));
    }
  });

  it('writes the very files that PyTorch 2.13 and safetensors 0.8 were seen to read', async () => {
    const python = process.env.LOSSATLAS_BENCH_PYTHON;
    const other = join(folder, 'x.safetensors');
    await writeStateDict(path, everyDtype());
    await writeSafetensors(other, everyDtype());
    if (python !== undefined) {
      const script = fileURLToPath(new URL('../../../test/fixtures/read_back.py', import.meta.url));
      const { stdout, stderr } = spawnSync(python, [script, path, other], { encoding: 'utf8' });
      expect(stdout.trim(), stderr).to.equal('equal');
    }
    expect([hashOf(path), hashOf(other)]).to.deep.equal([
      'd573738ceb955922042d0d47a05778f4fee4d23a1fd1c07674be1b084af126c0',
      '1029a8f82c0546995daad030d2acf4f43fb2213a061c035e9f63dfbe4521b22a',
    ]);
  });

  it('gives a tree of any values back', async () => {
    const leaf = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 300n }),
      fc.bigInt({ min: -(2n ** 300n), max: -(2n ** 53n) }),
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array(),
    );
    const tree: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc
          .array(fc.tuple(fc.oneof(fc.string(), fc.integer()), tie('value')), { maxLength: 4 })
          .map((items) => new Map(items)),
        fc.array(fc.oneof(fc.string(), fc.integer())).map((items) => new Set(items)),
      ),
    })).value;
    await fc.assert(
      fc.asyncProperty(tree, async (value) => {
        await writeTorch(path, value as CheckpointValue);
        expect((await readCheckpoint(path)).value).to.deep.equal(value);
      }),
      { numRuns: 150 },
    );
  });

  it('copies training checkpoints of PyTorch: optimizers, groups, counters; a second copy is the same file', async () => {
    for (const name of ['adam.pt', 'adam_legacy.pt', 'sgd.pt', 'list_in_dict.pt', 'nans.pt', 'tensors.pt']) {
      const { value } = await readCheckpoint(fixture(name));
      await writeTorch(path, value);
      const copy = await readCheckpoint(path);
      await copy.load();
      const second = join(folder, 'y.pt');
      await writeTorch(second, copy.value);
      expect(hashOf(second), name).to.equal(hashOf(path));
    }
    const bits = (tensors: ReadonlyMap<string, CheckpointTensor>) =>
      [...tensors.values()].map(({ data }) => Buffer.from(data.buffer).toString('hex'));
    await writeTorch(path, (await readCheckpoint(fixture('nans.pt'))).value);
    expect(bits(await readBack())).to.deep.equal([
      '0020807f00a0cafF0000c07f00008033'.toLowerCase(),
      '0000817f0000c3ff0000c07f00000100',
    ]);
  });

  it('stores a tensor once that stands in two places', async () => {
    const shared = tensorOf('float32', [1000], 1);
    await writeTorch(
      path,
      new Map([
        ['a', shared],
        ['b', [shared]],
      ] as [string, CheckpointValue][]),
    );
    expect(statSync(path).size).to.be.below(6000);
    const { value } = await readCheckpoint(path);
    const [a, [b]] = [...(value as Map<string, unknown>).values()] as [CheckpointTensor, [CheckpointTensor]];
    expect(b.data).to.deep.equal(a.data);
  });

  it('refuses what cannot be written, and leaves the old file', async () => {
    await writeFile(path, 'old');
    const refuses = async (value: unknown, message: RegExp) => {
      let caught: unknown;
      await writeTorch(path, value as CheckpointValue).catch((error: unknown) => (caught = error));
      expect(caught).to.be.instanceOf(LossAtlasError);
      expect((caught as LossAtlasError).code).to.equal('ERR_INVALID_DATA');
      expect((caught as LossAtlasError).message).to.match(message);
      expect(readFileSync(path, 'utf8')).to.equal('old');
      expect(readdirSync(folder)).to.deep.equal(['x.pt']);
    };
    await refuses(new Map([['a', [undefined]]]), /'a\[0\]' is a undefined/);
    await refuses(new Map([['a', { b: 1 }]]), /'a' is an object/);
    const wrong = { dtype: 'float32', shape: [2], data: new Float32Array(3) };
    await refuses(new Map([['w', wrong]]), /'w' of shape \(2\) has 3 values/);
    await refuses(new Map([['w', { ...wrong, dtype: 'int64' }]]), /needs a BigInt64Array/);
    await refuses(new Map([['w', { ...wrong, dtype: 'f4' }]]), /unknown dtype 'f4'/);
    const loop: unknown[] = [];
    loop.push(loop);
    await refuses(loop, /nests deeper than 250/);
    const { value } = await readCheckpoint(fixture('lightning.ckpt'), { unknown: 'opaque' });
    await refuses(value, /an object/);
    mkdirSync(join(folder, 'd'));
    let code: unknown;
    await writeTorch(join(folder, 'absent', 'x.pt'), null).catch(
      (error: unknown) => (code = (error as LossAtlasError).code),
    );
    expect(code).to.equal('ERR_FILE_NOT_WRITABLE');
  });
});

describe('reading checkpoints by position', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    path = join(folder, 'x.pt');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('finds out when the file has changed or gone', async () => {
    await writeStateDict(path, everyDtype());
    const tensors = (await readCheckpoint(path)).stateDict();
    expect(tensors.get('int8')!.data).to.have.length(6);
    await utimes(path, 1, 1);
    expect(() => tensors.get('int16')!.data).to.throw(LossAtlasError, /has changed since it was opened/);
    // What was read stays.
    expect(tensors.get('int8')!.data).to.have.length(6);
    await rm(path);
    expect(() => tensors.get('int16')!.data).to.throw(LossAtlasError, /There is no file/);
  });

  it('holds no file open', async function () {
    const opened = '/proc/self/fd';
    if (process.platform !== 'linux') this.skip();
    await writeStateDict(path, everyDtype());
    const before = readdirSync(opened).length;
    const checkpoint = await readCheckpoint(path);
    await checkpoint.load();
    await readCheckpoint(path).then(
      ({ value }) => (value as Map<string, CheckpointTensor>).get('bool')!.data,
    );
    expect(readdirSync(opened)).to.have.length(before);
  });

  it('loads what is asked for, in parts where it is long', async () => {
    const data = Float32Array.from({ length: 5_000_000 }, (_, i) => i);
    const long = { dtype: 'float32', shape: [data.length], data } as const;
    await writeStateDict(path, new Map([['a', long]]));
    const checkpoint = await readCheckpoint(path);
    await checkpoint.load();
    const read = checkpoint.stateDict().get('a')!.data;
    expect(Buffer.compare(Buffer.from(read.buffer), Buffer.from(data.buffer))).to.equal(0);
    // The last byte of the storage: its checksum is wrong now, whichever way it is read.
    const file = await open(path, 'r+');
    const at = readFileSync(path).lastIndexOf(Buffer.from(data.buffer, data.byteLength - 16));
    await file.write(Buffer.of(1), 0, 1, at);
    await file.close();
    const wrong = /checksum of 'archive\/data\/0' is wrong/;
    const damaged = await readCheckpoint(path);
    expect(() => damaged.stateDict().get('a')!.data).to.throw(LossAtlasError, wrong);
    const failed: unknown = await damaged.load().catch((error: unknown) => error);
    expect((failed as LossAtlasError).message).to.match(wrong);
  });

  it('compares checksums by default up to 64 MB, and beyond where asked to', async () => {
    for (const count of [1000, 16.2e6]) {
      await writeStateDict(
        path,
        new Map([['w', { dtype: 'float32', shape: [count], data: new Float32Array(count) }]]),
      );
      const file = await open(path, 'r+');
      await file.write(Buffer.of(1), 0, 1, 2000);
      await file.close();
      const isLarge = count > 1000;
      expect(statSync(path).size > 64e6).to.equal(isLarge);
      const read = async (options = {}) =>
        (await readCheckpoint(path, options)).stateDict().get('w')!.data[0];
      const refused = async (options = {}) =>
        await read(options).then(
          () => null,
          (error: unknown) => (error as LossAtlasError).code,
        );
      expect(await refused()).to.equal(isLarge ? null : 'ERR_CHECKPOINT');
      expect(await refused({ checksums: true })).to.equal('ERR_CHECKPOINT');
      expect(await refused({ checksums: false })).to.equal(null);
    }
  });

  it('reads beyond 4 GB: safetensors and zip64', async () => {
    const far = 4.5e9;
    const entry = (name: string, begin: number, end: number) =>
      `"${name}":{"dtype":"F32","shape":[${(end - begin) / 4}],"data_offsets":[${begin},${end}]}`;
    const header = `{${entry('long', 0, far)},${entry('last', far, far + 8)}}`.padEnd(256);
    const head = Buffer.alloc(8 + header.length);
    head.writeBigUInt64LE(BigInt(header.length));
    head.write(header, 8);
    await writeFile(path, head);
    await truncate(path, head.length + far);
    const last = Buffer.from(Float32Array.of(1.5, -2).buffer);
    await writeFile(path, last, { flag: 'a' });
    const tensors = (await readCheckpoint(path)).stateDict();
    expect(tensors.get('long')!.shape).to.deep.equal([far / 4]);
    expect(tensors.get('last')!.data).to.deep.equal(Float32Array.of(1.5, -2));
    // The archive of a small file, with zeros in between that the disk need not hold.
    const small = join(folder, 'small.pt');
    await writeStateDict(small, new Map([['w', tensorOf('float32', [3], 1)]]));
    const entries = await archiveWithHole(small, far);
    const sparse = await open(path, 'w');
    let at = 0;
    for (const part of zipParts(entries)) {
      if (part.length !== holePart) await sparse.write(part, 0, part.length, at);
      at += part.length;
    }
    await sparse.close();
    const { value } = await readCheckpoint(path);
    const [w] = (value as Map<string, CheckpointTensor>).values();
    expect(w!.data).to.deep.equal(tensorOf('float32', [3], 1).data);
  });
});

/** So long are the parts of the hole, and nothing else is. */
const holePart = 25_000_000;

/** The members of a small archive behind one of `size` zeros, which is written as a hole. */
async function archiveWithHole(path: string, size: number) {
  const { ZipArchive } = await import('../../../dist/io/zip.js');
  const { MemorySource } = await import('../../../dist/io/byte-source.js');
  const archive = new ZipArchive(new MemorySource(readFileSync(path)), path);
  const members = [...archive.members.keys()].map((name) => {
    const bytes = archive.read(name);
    return { name, size: bytes.length, parts: () => [bytes] };
  });
  const zeros = new Uint8Array(holePart);
  let isFirst = true;
  const hole = {
    name: 'archive/hole',
    size,
    parts: () => {
      // Nobody reads it: its checksum need not be right, nor take its time.
      const count = isFirst ? 0 : size / holePart;
      isFirst = false;
      return Array.from({ length: count }, () => zeros);
    },
  };
  return [hole, ...members];
}

describe('objects of unknown classes', () => {
  it('are refused by name, or become inert where asked for', async () => {
    const path = fixture('lightning.ckpt');
    let message = '';
    await readCheckpoint(path).catch((error: unknown) => (message = (error as LossAtlasError).message));
    expect(message).to.match(/'pathlib\.PurePosixPath'.*\{ unknown: 'opaque' \}/);
    const checkpoint = await readCheckpoint(path, { unknown: 'opaque' });
    const value = checkpoint.value as ReadonlyMap<string, CheckpointValue>;
    expect(value.get('namespace')).to.include({ name: 'argparse.Namespace' });
    expect(value.get('hyper_parameters')).to.include({
      name: 'lightning.fabric.utilities.data.AttributeDict',
    });
    expect(value.get('epoch')).to.equal(4);
    // The hidden tensors of the namespaces are in no reach.
    expect(optimizerState(checkpoint).kind).to.equal('adam');
    expect([...tensorsIn(checkpoint.value)].some(({ data }) => data[0] === 7)).to.equal(false);
    expect([...checkpoint.stateDict().keys()]).to.deep.equal([
      'model.fc1.weight',
      'model.fc1.bias',
      'model.fc2.weight',
      'model.fc2.bias',
    ]);
  });

  it('give no tensors away, and a whole module has none', async () => {
    const { value } = await readCheckpoint(fixture('module.pt'), { unknown: 'opaque' });
    expect(value).to.include({ name: '__main__.Net' });
    const hostile = await readCheckpoint(fixture('malicious.pt'), { unknown: 'opaque' });
    const run = (hostile.value as ReadonlyMap<string, CheckpointValue>).get('run');
    expect(run).to.include({ name: 'posix.system' });
  });

  it('dtypes that are not read are named', async () => {
    for (const unknown of ['refuse', 'opaque'] as const) {
      let message = '';
      await readCheckpoint(fixture('float8.pt'), { unknown }).catch(
        (error: unknown) => (message = (error as LossAtlasError).message),
      );
      expect(message).to.match(/'torch\.float8_e4m3fn'/);
    }
    const tensors = (await readCheckpoint(fixture('unsigned.pt'))).stateDict();
    expect([...tensors.values()].map(({ data }) => data)).to.deep.equal([
      Uint16Array.of(65535, 1, 2),
      Uint32Array.of(2 ** 32 - 1, 3),
      BigUint64Array.of(2n ** 64n - 1n),
      Uint16Array.of(1, 3, 5),
      Uint16Array.of(9),
    ]);
  });
});
