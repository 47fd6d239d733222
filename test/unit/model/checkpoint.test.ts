import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { LossAtlasError, type ErrorCode } from '../../../dist/errors.js';
import { parseCheckpoint, readCheckpoint, type Checkpoint } from '../../../dist/io/checkpoint/checkpoint.js';
import { matchParameters } from '../../../dist/io/checkpoint/match.js';
import { matchOptimizer, optimizerState } from '../../../dist/io/checkpoint/optimizer.js';
import { StoredTensor, type CheckpointTensor } from '../../../dist/io/checkpoint/tensor.js';
import { keyText, type CheckpointValue } from '../../../dist/io/checkpoint/value.js';
import { writeNpz } from '../../../dist/io/npz.js';
import { mutate, randomOf } from '../io/mutate.js';

const folder = new URL('../../../test/fixtures/checkpoints/', import.meta.url);
const shared = new URL('../../../../shared/data/', import.meta.url);

type Golden = readonly [dtype: string, shape: readonly number[], ...numbers: (number | 'inf' | '-inf')[]];

const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as Record<
  string,
  Record<string, Golden>
>;

const open = (name: string): Promise<Checkpoint> => readCheckpoint(fileURLToPath(new URL(name, folder)));
const bytesOf = (name: string): Uint8Array => readFileSync(new URL(name, folder));

/** Every tensor of a tree by its path. */
function tensorsIn(value: CheckpointValue, path = '', found = new Map<string, CheckpointTensor>()) {
  if (value instanceof StoredTensor) found.set(path, value);
  else if (value instanceof Map) {
    for (const [key, item] of value as ReadonlyMap<CheckpointValue, CheckpointValue>) {
      const name = keyText(key) ?? '';
      tensorsIn(item, path === '' ? name : `${path}.${name}`, found);
    }
  } else if (Array.isArray(value)) {
    (value as readonly CheckpointValue[]).forEach((item, i) => tensorsIn(item, `${path}[${i}]`, found));
  }
  return found;
}

/** What summary() in checkpoints.py computes. */
function summary({ dtype, shape, data }: CheckpointTensor): unknown[] {
  const values = Array.from(data as ArrayLike<number | bigint>, Number);
  const sum = values.reduce((total, value) => total + value, 0);
  const weighted = values.reduce((total, value, i) => total + value * ((i % 97) + 1), 0);
  return [dtype, shape, ...values.slice(0, 1), sum, weighted];
}

function expectAsPyTorch(checkpoint: Checkpoint, name: string): void {
  const expected = golden[name]!;
  const tensors = tensorsIn(checkpoint.value);
  expect([...tensors.keys()]).to.deep.equal(Object.keys(expected));
  for (const [path, [dtype, shape, ...numbers]] of Object.entries(expected)) {
    const [foundDtype, foundShape, ...found] = summary(tensors.get(path)!);
    expect([foundDtype, foundShape], path).to.deep.equal([dtype, shape]);
    const scale = Array.from(tensors.get(path)!.data as ArrayLike<number | bigint>, (v) =>
      Math.abs(Number(v)),
    );
    const size = scale.reduce((total, value) => total + value, 0);
    numbers.forEach((text, i) => {
      const value = Number(String(text).replace('inf', 'Infinity'));
      if (!Number.isFinite(value)) expect(found[i], path).to.equal(value);
      else expect(found[i], path).to.be.closeTo(value, 1e-13 * 97 * size);
    });
    expect(found).to.have.length(numbers.length);
  }
}

async function refuses(
  work: () => unknown,
  message: RegExp,
  code: ErrorCode = 'ERR_CHECKPOINT',
): Promise<void> {
  let caught: unknown;
  try {
    await work();
  } catch (error) {
    caught = error;
  }
  expect(caught, `expected ${code}`).to.be.instanceOf(LossAtlasError);
  expect((caught as LossAtlasError).code).to.equal(code);
  expect((caught as LossAtlasError).message).to.match(message);
}

/** A tensor of which only the shape matters. */
function shaped(...shape: number[]): CheckpointTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: 'float32', shape, data: new Float32Array(size) };
}

function safetensors(header: string, data = new Uint8Array(0)): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), data]);
}

describe('checkpoint files', () => {
  for (const name of Object.keys(golden).filter((key) => !key.startsWith('shared/'))) {
    it(`${name}: every tensor as PyTorch reads it`, async () => {
      const checkpoint = await open(name);
      expect(checkpoint.format).to.equal(name.includes('legacy') ? 'torch-legacy' : 'torch');
      expectAsPyTorch(checkpoint, name);
    });
  }

  for (const name of Object.keys(golden).filter((key) => key.startsWith('shared/'))) {
    it(`${name}: every tensor as PyTorch reads it`, async function () {
      const path = new URL(`checkpoints/${name.slice('shared/'.length)}`, shared);
      if (!existsSync(path)) {
        console.log(`      skipped: no ../shared/data/checkpoints/${name.slice('shared/'.length)}`);
        this.skip();
      }
      expectAsPyTorch(await readCheckpoint(fileURLToPath(path)), name);
    });
  }

  it('holds float16 and bfloat16 as float32, int64 as bigint, exactly', async () => {
    const tensors = (await open('tensors.pt')).stateDict();
    const data = (name: string) => tensors.get(name)!.data;
    expect(data('float16')).to.deep.equal(Float32Array.of(0.0999755859375, -65504, 2 ** -24, Infinity));
    const bits = Uint32Array.of(0x3dcd0000, 0x7f620000, 0x80010000, 0xff800000);
    expect(data('bfloat16')).to.deep.equal(new Float32Array(bits.buffer));
    expect(data('int64')).to.deep.equal(BigInt64Array.of(2n ** 62n, -1n, 0n));
    expect(data('bool')).to.deep.equal(Uint8Array.of(1, 0, 1));
    expect(data('slice')).to.deep.equal(Float32Array.of(16, 18, 20, 22));
    expect(data('expanded')).to.deep.equal(Float32Array.of(1.5, 1.5, 1.5, 1.5, 2.5, 2.5, 2.5, 2.5));
    expect(data('scalar')).to.deep.equal(Float32Array.of(4.25));
    expect(tensors.get('scalar')!.shape).to.deep.equal([]);
    expect(data('empty')).to.deep.equal(new Float32Array(0));
    expect(data('float64')[1]).to.equal(-0);
    expect(data('float32')).to.equal(data('float32'));
  });

  it('shows the whole tree', async () => {
    for (const name of ['adam.pt', 'adam_legacy.pt']) {
      const value = (await open(name)).value as ReadonlyMap<string, CheckpointValue>;
      expect(value.get('epoch')).to.equal(3);
      expect(value.get('device')).to.equal('cuda:1');
      expect(value.get('counts')).to.deep.equal(
        new Map([
          ['a', 2],
          ['b', 1],
        ]),
      );
      expect(value.get('groups')).to.deep.equal(new Map([['a', [1, null, true]]]));
      expect(value.get('seen')).to.deep.equal(new Set([1, 2]));
      expect(value.get('args')).to.deep.equal(
        new Map<string, unknown>([
          ['lr', 0.01],
          ['name', 'größe'],
          ['sizes', [1, 2]],
          ['dtype', 'torch.float16'],
          ['big', 2n ** 70n],
        ]),
      );
    }
  });

  it('reads NumPy scalars and arrays in torch files', async () => {
    for (const name of ['numpy.pt', 'numpy_protocol4.pt']) {
      const value = (await open(name)).value as ReadonlyMap<string, CheckpointValue>;
      const data = (key: string) => (value.get(key) as CheckpointTensor).data;
      expect(['scalar', 'float32', 'flag', 'count'].map((key) => value.get(key))).to.deep.equal([
        0.1,
        0.5,
        true,
        -7,
      ]);
      expect(data('array')).to.deep.equal(Float32Array.of(0, 1, 2, 3, 4, 5));
      expect(data('fortran')).to.deep.equal(BigInt64Array.of(0n, 1n, 2n, 3n, 4n, 5n));
      expect(data('big_endian')).to.deep.equal(Float64Array.of(1.5, -2.5));
    }
    await refuses(() => open('object_array.pt'), /NumPy dtype 'O8', which is not supported/);
  });

  it('reads a storage as a tensor of one axis', async () => {
    const value = (await open('storage.pt')).value as ReadonlyMap<string, CheckpointTensor>;
    expect(value.get('storage')!.data).to.deep.equal(Float32Array.of(0, 1, 2));
  });

  it('reads safetensors in the order of the data', async () => {
    const checkpoint = await open('mixed.safetensors');
    expect(checkpoint.format).to.equal('safetensors');
    const tensors = checkpoint.stateDict();
    expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).to.deep.equal([
      ['10', 'float32', [2, 2]],
      ['2', 'float64', []],
      ['half', 'float16', [2]],
      ['bf16', 'bfloat16', [2]],
      ['__proto__', 'int64', [1]],
      ['mask', 'bool', [3]],
      ['none', 'uint8', [0, 4]],
    ]);
    expect([...tensors.values()].map(({ data }) => data)).to.deep.equal([
      Float32Array.of(0, 1, 2, 3),
      Float64Array.of(0.1),
      Float32Array.of(0.0999755859375, -2),
      Float32Array.of(0.10009765625, -2),
      BigInt64Array.of(2n ** 40n),
      Uint8Array.of(1, 0, 1),
      new Uint8Array(0),
    ]);
  });

  it('reads the safetensors file of another tool', async function () {
    const path = new URL('misc/djl_list.safetensors', shared);
    if (!existsSync(path)) {
      console.log('      skipped: no ../shared/data/misc/djl_list.safetensors');
      this.skip();
    }
    const tensors = (await readCheckpoint(fileURLToPath(path))).stateDict();
    expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).to.deep.equal([
      ['attention', 'int8', [2, 3]],
      ['embedding', 'int8', [2, 2]],
    ]);
  });

  it('refuses safetensors whose offsets or dtypes are wrong', async () => {
    const entry = (fields: object) =>
      safetensors(
        JSON.stringify({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } }),
        new Uint8Array(8),
      );
    expect(parseCheckpoint(entry({}), 'x').stateDict().get('a')!.data).to.have.length(2);
    await refuses(() => parseCheckpoint(entry({ data_offsets: [0, 12] }), 'x'), /lie outside of the file/);
    await refuses(() => parseCheckpoint(entry({ data_offsets: [8, 0] }), 'x'), /lie outside of the file/);
    await refuses(() => parseCheckpoint(entry({ data_offsets: [-8, 0] }), 'x'), /no shape or no offsets/);
    await refuses(
      () => parseCheckpoint(entry({ shape: [3] }), 'x'),
      /has 8 bytes, which do not fit shape \(3\)/,
    );
    await refuses(() => parseCheckpoint(entry({ shape: [2 ** 53, 2] }), 'x'), /no shape/);
    await refuses(() => parseCheckpoint(entry({ dtype: 'F8_E4M3' }), 'x'), /unsupported dtype "F8_E4M3"/);
    await refuses(() => parseCheckpoint(safetensors('{"a":'), 'x'), /no JSON/);
    await refuses(
      () => parseCheckpoint(safetensors('{}').fill(255, 0, 8), 'x'),
      /its header is not within it/,
    );
  });

  it('reads every array of an .npz', () => {
    const bytes = writeNpz({
      w: { dtype: 'f4', shape: [1, 2], data: Float32Array.of(1, 2) },
      n: { dtype: 'u2', shape: [], data: Uint16Array.of(7) },
    });
    const checkpoint = parseCheckpoint(bytes, 'x.npz');
    expect(checkpoint.format).to.equal('npz');
    expect(
      [...checkpoint.stateDict()].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data })),
    ).to.deep.equal([
      { name: 'w', dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) },
      { name: 'n', dtype: 'uint16', shape: [], data: Uint16Array.of(7) },
    ]);
  });

  it('refuses pickled models and hostile pickles by name, and runs nothing', async () => {
    const remedy = 'torch\\.save\\(model\\.state_dict\\(\\), path\\)';
    await refuses(
      () => open('module.pt'),
      new RegExp(`module\\.pt': it refers to '__main__\\.Net'.*${remedy}`),
    );
    for (const name of ['malicious.pt', 'malicious_legacy.pt'])
      await refuses(() => open(name), new RegExp(`'posix\\.system'.*${remedy}`));
    expect(existsSync('malicious-checkpoint-ran')).to.equal(false);
  });

  it('says what files are that are no checkpoints', async () => {
    const at = (name: string) => readCheckpoint(fileURLToPath(new URL(`../${name}`, folder)));
    await refuses(() => at('mlp.pt'), /TorchScript archive, which loadModel reads/);
    await refuses(() => at('make.py'), /no checkpoint that is known/);
    await refuses(() => at('absent.pt'), /There is no file/, 'ERR_FILE_NOT_FOUND');
    await refuses(() => at('.'), /Cannot read/, 'ERR_FILE_UNREADABLE');
    await refuses(() => readCheckpoint(''), /path of a file/, 'ERR_INVALID_OPTION');
    await refuses(
      () => readCheckpoint('x', { checksum: true } as object),
      /'checksums'/,
      'ERR_INVALID_OPTION',
    );
    await refuses(
      () => parseCheckpoint(zipSync({ 'a/b': new Uint8Array(1) }), 'x'),
      /neither one of torch\.save/,
    );
  });

  it('compares checksums unless told not to', async () => {
    const bytes = Uint8Array.from(bytesOf('single_tensor.pt'));
    const at = Buffer.from(bytes).indexOf(Buffer.from(BigInt64Array.of(0n, 1n, 2n).buffer));
    bytes[at] = 9;
    const damaged = parseCheckpoint(bytes, 'x');
    const wrong = /checksum of 'single_tensor\/data\/0' is wrong/;
    await refuses(() => (damaged.value as CheckpointTensor).data, wrong);
    await refuses(() => damaged.load(), wrong);
    const { value } = parseCheckpoint(bytes, 'x', { checksums: false });
    expect((value as CheckpointTensor).data).to.deep.equal(BigInt64Array.of(9n, 1n, 2n));
  });

  it('reads archives by their zip64 records', async () => {
    // PyTorch writes them always; here the plain record says that they count.
    const bytes = Uint8Array.from(bytesOf('single_tensor.pt'));
    const end = bytes.length - 22;
    bytes.fill(0xff, end + 8, end + 20);
    const { value } = parseCheckpoint(bytes, 'x');
    expect((value as CheckpointTensor).data).to.deep.equal(BigInt64Array.of(0n, 1n, 2n));
    bytes[end - 20] = 0;
    await refuses(() => parseCheckpoint(bytes, 'x'), /zip64 end record is missing or damaged/);
  });

  it('refuses tensors beyond their storage, and expansions beyond measure', async () => {
    // The legacy file of one float32 storage, with the shape, strides and offset asked for.
    const file = (offset: string, shape: string, strides: string) =>
      parseCheckpoint(
        Buffer.concat([
          bytesOf('tensors_legacy.pt').subarray(0, headLength),
          Buffer.from(
            '\x80\x02ctorch._utils\n_rebuild_tensor\n((X\x07\0\0\0storagectorch\nFloatStorage\n' +
              `X\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ${offset}(${shape}t(${strides}ttR.\x80\x02(X\x01\0\0\x000l.`,
            'latin1',
          ),
          Buffer.from(BigUint64Array.of(4n).buffer),
          Buffer.from(Float32Array.of(1, 2, 3, 4).buffer),
        ]),
        'x',
      ).value as CheckpointTensor;
    const headLength = legacyHead(bytesOf('tensors_legacy.pt'));
    expect(file('K\0', 'K\x02K\x02', 'K\x01K\x02').data).to.deep.equal(Float32Array.of(1, 3, 2, 4));
    expect(file('K\x03', 'K\x01', 'K\x01').data).to.deep.equal(Float32Array.of(4));
    expect(file('K\x09', 'K\0', 'K\x01').data).to.have.length(0);
    const outside = /does not fit into its storage of 4 elements/;
    await refuses(() => file('K\x04', 'K\x01', 'K\x01'), outside);
    await refuses(() => file('K\0', 'K\x05', 'K\x01'), outside);
    await refuses(() => file('K\0', 'K\x02K\x02', 'K\x03K\x01'), outside);
    await refuses(() => file('J\xff\xff\xff\xff', 'K\x01', 'K\x01'), /no valid size, stride or offset/);
    await refuses(() => file('K\0', 'K\x02', 'J\xff\xff\xff\xff'), /no valid size, stride or offset/);
    await refuses(() => file('K\0', 'K\x02', ''), /has 0 strides/);
    await refuses(() => file('K\0', 'J\0\0\0\x40', 'K\0'), /more than 4 times the size of the file/);
    await refuses(() => file('K\0', 'J\0\0\0\x40'.repeat(60), 'K\0'.repeat(60)), /more than 4 times/);
  });
});

/** Where the object's pickle begins: after the third STOP, that of the system's description. */
function legacyHead(bytes: Uint8Array): number {
  const end = Buffer.from(bytes).indexOf('ccollections');
  const start = Buffer.from(bytes).lastIndexOf(Buffer.of(0x2e, 0x80, 2), end < 0 ? undefined : end);
  return start + 1;
}

describe('stateDict', () => {
  const first = async (name: string, key?: string) => {
    const tensors = (await open(name)).stateDict({ key });
    return [tensors.size, [...tensors.keys()][0]];
  };

  it('finds the dict of tensors', async () => {
    expect(await first('parallel.pt')).to.deep.equal([9, 'module.conv1.weight']);
    for (const name of ['adam.pt', 'adam_legacy.pt', 'sgd.pt', 'list.pt', 'list_in_dict.pt'])
      expect(await first(name), name).to.deep.equal([9, 'conv1.weight']);
  });

  it('takes the key asked for', async () => {
    expect(await first('adam.pt', 'model_state_dict')).to.deep.equal([9, 'conv1.weight']);
    expect(await first('adam.pt', 'optimizer_state_dict.state.0')).to.deep.equal([3, 'step']);
    const start = async (name: string, key?: string) =>
      (await open(name)).stateDict({ key }).get('conv1.weight')!.data[0];
    for (const key of [undefined, '[0]', '[1]']) {
      const item = key ?? '[0]';
      expect(await start('list.pt', key)).to.equal(golden['list.pt']![`${item}.conv1.weight`]![2]);
      const expected = golden['list_in_dict.pt']![`state_dict${item}.conv1.weight`]![2];
      for (const nested of [key, `state_dict${key ?? ''}`, `state_dict${item}`])
        expect(await start('list_in_dict.pt', nested), nested).to.equal(expected);
    }
  });

  it('names the candidates when the key does not fit', async () => {
    const dicts =
      /has no dict of tensors at 'ema'\. Dicts of tensors: the top level \(1 tensor\), 'model_state_dict' \(9 tensors\)\./;
    await refuses(() => first('adam.pt', 'ema'), dicts);
    await refuses(
      () => first('list.pt', '[2]'),
      /Dicts of tensors: '\[0\]' \(9 tensors\), '\[1\]' \(9 tensors\)/,
    );
    await refuses(
      () => first('sgd_optimizer.pt'),
      /holds no dict of tensors\. Its keys: 'state', 'param_groups'/,
    );
    await refuses(() => first('single_tensor.pt'), /a single tensor/);
    await refuses(() => first('adam.pt', 3 as unknown as string), /non-empty string/, 'ERR_INVALID_OPTION');
  });

  it('keeps hostile names as names', async () => {
    const checkpoint = await open('proto.pt');
    expect([...checkpoint.stateDict({ key: '__proto__' }).keys()]).to.deep.equal(['polluted']);
    expect('polluted' in {}).to.equal(false);
  });

  it('finds the larger of two unusual keys, and one of a list of models', async function () {
    const path = new URL('checkpoints/convexadv_mnist_small_0_3.pth', shared);
    if (!existsSync(path)) {
      console.log('      skipped: no ../shared/data/checkpoints/convexadv_mnist_small_0_3.pth');
      this.skip();
    }
    const checkpoint = await readCheckpoint(fileURLToPath(path));
    expect([...checkpoint.stateDict().keys()][0]).to.equal('0.weight');
    const second = checkpoint.stateDict({ key: 'state_dict[1]' });
    expect(second.get('0.weight')!.data).to.not.deep.equal(checkpoint.stateDict().get('0.weight')!.data);
  });
});

describe('matchParameters', () => {
  const wanted = [
    { name: 'conv.weight', shape: [2, 1] },
    { name: 'conv.bias', shape: [2] },
  ];
  const tensors = (...names: string[]) =>
    new Map(names.map((name) => [name, name.endsWith('weight') ? shaped(2, 1) : shaped(2)]));
  const sources = (...names: string[]) =>
    matchParameters(tensors(...names), wanted).mapping.map((m) => m.source);

  it('matches names, whatever their order', () => {
    expect(matchParameters(tensors('conv.bias', 'conv.weight'), wanted)).to.deep.equal({
      mapping: [
        { name: 'conv.weight', source: 'conv.weight', tied: [] },
        { name: 'conv.bias', source: 'conv.bias', tied: [] },
      ],
      missing: [],
      unexpected: [],
      mismatched: [],
    });
  });

  it('takes prefixes of wrappers off, repeated and in any order', () => {
    for (const stem of [
      'module.',
      '_orig_mod.',
      'model.',
      'net.',
      'module._orig_mod.module.',
      'net.model.',
    ]) {
      const names = [`${stem}conv.weight`, `${stem}conv.bias`];
      expect(sources(...names), stem).to.deep.equal(names);
    }
    expect(sources('_orig_mod.conv.weight', 'conv.bias')).to.deep.equal([
      '_orig_mod.conv.weight',
      'conv.bias',
    ]);
  });

  it('takes prefixes off only where that makes names fit', () => {
    const match = matchParameters(
      tensors('model.conv.weight', 'other.conv.bias'),
      [{ name: 'model.conv.weight', shape: [2, 1] }],
      { strict: false },
    );
    expect(match.mapping).to.deep.equal([
      { name: 'model.conv.weight', source: 'model.conv.weight', tied: [] },
    ]);
    expect(match.unexpected).to.deep.equal(['other.conv.bias']);
    // Two that would fit: the prefix that fits more names wins.
    const both = tensors('net.conv.bias', 'model.conv.weight', 'model.conv.bias');
    const ambiguous = matchParameters(both, wanted, { strict: false });
    expect(ambiguous.mapping.map((m) => m.source)).to.deep.equal(['model.conv.weight', 'model.conv.bias']);
    expect(ambiguous.unexpected).to.deep.equal(['net.conv.bias']);
  });

  it('lists what is missing, unexpected and of another shape', async () => {
    const found = new Map([
      ['conv.weight', shaped(1, 2)],
      ['head.bias', shaped(3)],
      ['bn.num_batches_tracked', shaped()],
    ]);
    expect(matchParameters(found, wanted, { strict: false })).to.deep.equal({
      mapping: [],
      missing: ['conv.bias'],
      unexpected: ['head.bias', 'bn.num_batches_tracked'],
      mismatched: [{ name: 'conv.weight', expected: [2, 1], found: [1, 2] }],
    });
    await refuses(
      () => matchParameters(found, wanted),
      /Missing: conv\.bias \[2\]\. Unexpected: head\.bias \[3\]\. Other shapes: conv\.weight \[2, 1\], found \[1, 2\]\.$/,
      'ERR_CHECKPOINT_MISMATCH',
    );
    await refuses(
      () => matchParameters(found, wanted, { path: 'run/a.pth' }),
      /^'run\/a\.pth' does not fit the model\. Missing/,
      'ERR_CHECKPOINT_MISMATCH',
    );
    const many = new Map(Array.from({ length: 20 }, (_, i) => [`x${i}`, shaped(1)]));
    await refuses(() => matchParameters(many, []), /x7 \[1\] and 12 more/, 'ERR_CHECKPOINT_MISMATCH');
  });

  it('lets num_batches_tracked be left over', () => {
    const found = new Map([
      ...tensors('conv.weight', 'conv.bias'),
      ['bn.num_batches_tracked', shaped()] as const,
    ]);
    expect(matchParameters(found, wanted).unexpected).to.deep.equal(['bn.num_batches_tracked']);
  });

  it('matches by order only when asked, and says that it could', async () => {
    const found = new Map([
      ['0.weight', shaped(2, 1)],
      ['0.empty', shaped(0)],
      ['0.bias', shaped(2)],
      ['1.running_mean', shaped(2)],
    ]);
    await refuses(
      () => matchParameters(found, wanted),
      /\{ by: 'order' \} takes them so/,
      'ERR_CHECKPOINT_MISMATCH',
    );
    const match = matchParameters(found, wanted, { by: 'order', strict: false });
    expect(match.mapping.map((m) => m.source)).to.deep.equal(['0.weight', '0.bias']);
    const swapped = new Map([...found].reverse());
    await refuses(
      () => matchParameters(swapped, wanted, { by: 'order' }),
      /Other shapes: conv\.weight \[2, 1\], found \[2\]/,
      'ERR_CHECKPOINT_MISMATCH',
    );
    await refuses(
      () => matchParameters(found, wanted, { by: 'size' as 'order' }),
      /one of/,
      'ERR_INVALID_OPTION',
    );
  });

  it('fits the weights of DataParallel to a model', async () => {
    const checkpoint = await open('parallel.pt');
    const parameters = [...(await open('sgd.pt')).stateDict()].map(([name, { shape }]) => ({ name, shape }));
    expect(matchParameters(checkpoint.stateDict(), parameters).mapping).to.have.length(9);
  });
});

describe('optimizerState', () => {
  const parameters = async (name: string) =>
    [...(await open(name)).stateDict()]
      .filter(([key]) => !/running|tracked/.test(key))
      .map(([key, { shape }]) => ({ name: key, shape }));

  it('reads Adam', async () => {
    for (const name of ['adam.pt', 'adam_legacy.pt']) {
      const checkpoint = await open(name);
      const state = optimizerState(checkpoint);
      expect([state.kind, state.learningRate, state.entries.length]).to.deep.equal(['adam', 0.01, 6]);
      expect(state.entries.map(({ index, step }) => [index, step])).to.deep.equal(
        [0, 1, 2, 3, 4, 5].map((i) => [i, 3]),
      );
      state.entries.forEach((entry, i) => {
        const path = (field: string) => golden[name]![`optimizer_state_dict.state.${i}.${field}`]!;
        expect(entry.expAvg!.shape).to.deep.equal(path('exp_avg')[1]);
        expect(entry.expAvg!.data[0]).to.equal(path('exp_avg')[2]);
        expect(entry.expAvgSq!.data[0]).to.equal(path('exp_avg_sq')[2]);
        expect(entry.momentumBuffer).to.equal(undefined);
      });
      const match = matchOptimizer(state.entries, await parameters(name));
      expect(match.withoutState).to.deep.equal([]);
      expect(match.mapping[0]).to.deep.equal({ name: 'conv1.weight', entry: state.entries[0] });
    }
  });

  it('reads SGD with momentum, beside a model and alone', async () => {
    const state = optimizerState(await open('sgd.pt'));
    expect([state.kind, state.learningRate, state.entries[0]!.step]).to.deep.equal([
      'sgd-momentum',
      0.1,
      null,
    ]);
    expect(state.entries[0]!.momentumBuffer!.shape).to.deep.equal([2, 1, 3, 3]);
    expect(optimizerState(await open('sgd_optimizer.pt')).entries).to.have.length(6);
    expect(optimizerState(await open('sgd.pt'), { key: 'optimizer' }).entries).to.have.length(6);
  });

  it('names what does not fit', async () => {
    await refuses(async () => optimizerState(await open('list.pt')), /no state of an optimizer/);
    await refuses(
      async () => optimizerState(await open('sgd.pt'), { key: 'net' }),
      /at 'net'.*It has one at 'optimizer'/,
    );
    const { entries } = optimizerState(await open('sgd.pt'));
    const wanted = await parameters('sgd.pt');
    await refuses(
      () => matchOptimizer(entries, wanted.slice(1), 'run/sgd.pt'),
      /in .run\/sgd\.pt. has 6 parameters, the model 5/,
      'ERR_CHECKPOINT_MISMATCH',
    );
    await refuses(
      () => matchOptimizer(entries, [...wanted].reverse()),
      /in their order: fc\.bias \[3\], found \[2, 1, 3, 3\]/,
      'ERR_CHECKPOINT_MISMATCH',
    );
  });

  it('lists parameters without state', async () => {
    const { entries } = optimizerState(await open('sgd.pt'));
    const some = entries.map((entry) => (entry.index === 1 ? { index: 1, step: null } : entry));
    const match = matchOptimizer(some, await parameters('sgd.pt'));
    expect(match.withoutState).to.deep.equal(['conv1.bias']);
    expect(match.mapping).to.have.length(5);
  });
});

describe('damaged checkpoints', function () {
  this.timeout(60_000);

  /** Everything that a caller may do with a file. */
  function use(bytes: Uint8Array, checksums = false): void {
    try {
      const checkpoint = parseCheckpoint(bytes, 'x', { checksums });
      for (const tensor of tensorsIn(checkpoint.value).values()) expect(tensor.data.length).to.be.least(0);
      for (const work of [() => checkpoint.stateDict(), () => optimizerState(checkpoint)]) work();
    } catch (error) {
      if (error instanceof LossAtlasError) return;
      throw new Error(`not a LossAtlasError for ${Buffer.from(bytes).toString('base64')}`, { cause: error });
    }
  }

  const names = readdirSync(folder).filter((name) => name !== 'golden.json');

  it('give typed errors when truncated anywhere', () => {
    for (const name of names) {
      const bytes = bytesOf(name);
      const step = Math.max(1, Math.floor(bytes.length / 300));
      for (let end = 0; end < bytes.length; end += step) use(bytes.subarray(0, end));
    }
  });

  it('give a result or a typed error when bytes change', () => {
    const random = randomOf(3);
    for (const name of names) {
      const bytes = bytesOf(name);
      for (let run = 0; run < 250; run++) use(mutate(bytes, random));
    }
  });

  it('give a result or a typed error when bytes of the pickle change', () => {
    const random = randomOf(4);
    for (const name of names) {
      const bytes = bytesOf(name);
      // The pickle comes first in both formats, and the header in safetensors.
      const length = Math.min(bytes.length, 2500);
      for (let run = 0; run < 250; run++) {
        const copy = Uint8Array.from(bytes);
        for (let k = 0; k < 3; k++) copy[Math.floor(random() * length)] = Math.floor(random() * 256);
        use(copy);
      }
    }
  });

  it('read from a file in the same way', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    try {
      const path = join(scratch, 'x.pt');
      await writeFile(path, bytesOf('sgd.pt').subarray(0, 2000));
      await refuses(() => readCheckpoint(path), /no zip archive, or a truncated one/);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
});
