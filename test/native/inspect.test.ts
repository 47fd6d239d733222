import { expect } from 'chai';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeInspection, inspect } from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { fixture, sharedFile } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

type Expected = readonly [
  what: RegExp,
  numParameters: number,
  numBuffers: number,
  arrays: string,
  advice: RegExp,
];

const dict = /^a state dict/;
const solution = /loadSolution\(model, '.*'\)/;
const npy = /loadNpy/;
const training = (key: string) => new RegExp(`^a training checkpoint: weights at '${key}'$`);
const scripted = /^TorchScript, scripted: both modes can be used$/;
const modeless = /^TorchScript, scripted or traced: nothing in it depends on the mode$/;

/** By folder and file; arrays as `name dtype [shape]`. */
const shared: Readonly<Record<string, Expected>> = {
  'checkpoints/advertorch_mnist_lenet5_advtrained.pt': [dict, 8, 0, '', solution],
  'checkpoints/advertorch_mnist_lenet5_clntrained.pt': [dict, 8, 0, '', solution],
  'checkpoints/akamaster_resnet20-12fca82f.th': [training('state_dict'), 59, 38, '', solution],
  'checkpoints/akamaster_resnet32-d509ac18.th': [training('state_dict'), 95, 62, '', solution],
  'checkpoints/akamaster_resnet56-4bfd9763.th': [training('state_dict'), 167, 110, '', solution],
  'checkpoints/candle_fortran_tensor_3d.pth': [dict, 1, 0, '', solution],
  'checkpoints/candle_test.pt': [dict, 1, 0, '', solution],
  'checkpoints/candle_test_with_key.pt': [training('model_state_dict'), 1, 0, '', solution],
  'checkpoints/captum_cifar_torchvision.pt': [dict, 10, 0, '', solution],
  'checkpoints/convexadv_mnist.pth': [dict, 8, 0, '', solution],
  'checkpoints/convexadv_mnist_small_0_3.pth': [
    training('state_dict\\[0\\]'),
    8,
    0,
    '',
    /key: 'state_dict\[0\]'/,
  ],
  'cifar10/cifar10_jpeg_test_100.tar': [/^not ours: a tar archive$/, 0, 0, '', /Unpack/],
  'cifar10/cifar10_jpeg_test_5000.bin': [
    /^data: CIFAR/,
    0,
    0,
    'images uint8 [5000,3,32,32]; labels uint8 [5000]',
    /loadCifar/,
  ],
  'misc/candle_test.npy': [/^data: NumPy .npy$/, 0, 0, ' int64 [10]', npy],
  'misc/candle_test.npz': [/^data: NumPy .npz$/, 0, 0, 'x int64 [10]; x_plus_one int64 [10]', /loadNpz/],
  'misc/djl_0d.npy': [/^data: NumPy .npy$/, 0, 0, ' float64 []', npy],
  'misc/djl_1d.npy': [/^data: NumPy .npy$/, 0, 0, ' int64 [1]', npy],
  'misc/djl_2d.npy': [/^data: NumPy .npy$/, 0, 0, ' int32 [1,2]', npy],
  'misc/djl_boolean.npy': [/^data: NumPy .npy$/, 0, 0, ' bool [1]', npy],
  'misc/djl_fp16.npy': [/^data: NumPy .npy$/, 0, 0, ' float16 [1]', npy],
  'misc/djl_fp32.npy': [/^data: NumPy .npy$/, 0, 0, ' float32 [1]', npy],
  'misc/djl_int8.npy': [/^data: NumPy .npy$/, 0, 0, ' int8 [1]', npy],
  'misc/djl_list.npz': [/^data: NumPy .npz$/, 0, 0, 'bool8 bool [1]; arr_0 int8 [1]', /loadNpz/],
  'misc/djl_list.safetensors': [dict, 2, 0, '', solution],
  'misc/djl_uint8.npy': [/^data: NumPy .npy$/, 0, 0, ' uint8 [1]', npy],
  'mnist/t10k-images-idx3-ubyte.gz': [/^data: IDX/, 0, 0, ' uint8 [10000,28,28]', /t10k-labels-idx1-ubyte/],
  'mnist/t10k-labels-idx1-ubyte.gz': [/^data: IDX/, 0, 0, ' uint8 [10000]', /labels of a file of images/],
  'mnist/train-images-idx3-ubyte.gz': [/^data: IDX/, 0, 0, ' uint8 [60000,28,28]', /train-labels-idx1-ubyte/],
  'mnist/train-labels-idx1-ubyte.gz': [/^data: IDX/, 0, 0, ' uint8 [60000]', /labels of a file of images/],
  'torchscript/androiddemo_asl.ptl': [/mobile Lite Interpreter/, 0, 0, '', /torch\.jit\.script/],
  'torchscript/resnet20_cifar10.pt2': [/^torch\.export archive.*both modes/, 59, 57, '', /loadModel/],
  'torchscript/resnet20_cifar10.script.pt': [scripted, 59, 57, '', /loadModel/],
  'torchscript/resnet20_cifar10.trace_eval.pt': [
    /traced: its graph fixes eval mode$/,
    59,
    57,
    '',
    /mode: 'eval'/,
  ],
  'torchscript/resnet56_cifar10.script.pt': [scripted, 167, 165, '', /loadModel/],
  'torchscript/tchrs_foo.pt': [/without parameters/, 0, 1, '', /torch\.jit\.freeze/],
  'torchscript/tchrs_foo1.pt': [/without parameters/, 0, 0, '', /torch\.jit\.freeze/],
  'torchscript/torchjs_test_model.pt': [/PyTorch 1\.0 \(model\.json\)/, 0, 0, '', /PyTorch 1\.0 to 1\.3/],
  'torchscript/torchsharp_l1000_100_10.script.pt': [modeless, 4, 0, '', /loadModel/],
  'torchscript/torchsharp_linrelu.script.pt': [modeless, 2, 0, '', /loadModel/],
  'usps/usps.h5': [
    /^data: HDF5$/,
    0,
    0,
    'test/data float32 [2007,256]; test/target int32 [2007]; train/data float32 [7291,256]; train/target int32 [7291]',
    /loadHdf5/,
  ],
};

/** Kind, and a word of what it is. */
const fixtures: Readonly<Record<string, readonly [kind: string, what: RegExp]>> = {
  'convbn.pt': ['torchscript', /scripted: both modes/],
  'convbn_traced_eval.pt': ['torchscript', /traced: its graph fixes eval mode/],
  'convbn_traced_train.pt': ['torchscript', /traced: its graph fixes train mode/],
  'layers_traced_eval.pt': [
    'torchscript',
    /^TorchScript, traced: what depends on the mode are layers of PyTorch/,
  ],
  'init_traced.pt': ['torchscript', /^TorchScript, traced: nothing in it depends/],
  'convbn_frozen.pt': ['torchscript', /without parameters: frozen/],
  'convbn_state_dict.pt': ['state-dict', /state dict/],
  'convbn_state_dict_legacy.pt': ['state-dict', /state dict/],
  'convbn_adam.pt': [
    'training-checkpoint',
    /weights at 'model_state_dict' and an optimizer at 'optimizer_state_dict'/,
  ],
  'exported/attention.pt2': ['export-archive', /fixed to eval mode/],
  'exported/tied.pt2': ['export-archive', /both modes/],
  'exported/exported.npz': ['data', /NumPy .npz/],
  'checkpoints/lightning.ckpt': ['training-checkpoint', /checkpoint of Lightning, with an optimizer/],
  'checkpoints/module.pt': ['module-pickle', /class __main__\.Net \(torch\.save\(model\)\)/],
  'checkpoints/sgd_optimizer.pt': ['optimizer-state', /sgd-momentum/],
  'checkpoints/single_tensor.pt': ['state-dict', /a single tensor/],
  'checkpoints/float8.pt': ['state-dict', /damaged or refused/],
  'checkpoints/golden.json': ['not-ours', /JSON/],
  'data/data_batch_1': ['data', /CIFAR/],
  'data/images': ['data', /folder of images/],
  'data/quoted.csv': ['data', /csv/],
  'data/sparse.svm': ['data', /libsvm/],
  'data.h5': ['data', /HDF5/],
};

describe('inspect', () => {
  expectNoLiveHandles();
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-inspect-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const written = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('says of every shared real file what it is and what to do', async function () {
    this.timeout(60_000);
    for (const [name, [what, numParameters, numBuffers, arrays, advice]] of Object.entries(shared)) {
      const path = sharedFile(name);
      if (path === null) continue;
      const found = await inspect(path);
      expect(found.what, name).to.match(what);
      expect([found.parameters.length, found.buffers.length, found.problem], name).to.deep.equal([
        numParameters,
        numBuffers,
        null,
      ]);
      const text = found.arrays.map((a) => `${a.name} ${a.dtype} [${a.shape.join()}]`).join('; ');
      if (arrays !== '') expect(text, name).to.equal(arrays);
      expect(found.advice.join('\n'), name).to.match(advice);
      expect(describeInspection(found), name).to.contain('what to do');
    }
  });

  it('leaves no shared file of these folders out', () => {
    for (const name of ['checkpoints', 'torchscript', 'misc', 'usps', 'mnist', 'cifar10']) {
      const path = sharedFile(name);
      if (path === null) continue;
      const there = readdirSync(path).map((file) => `${name}/${file}`);
      expect(Object.keys(shared)).to.include.members(there);
    }
  });

  for (const [name, [kind, what]] of Object.entries(fixtures)) {
    it(`knows ${name}`, async () => {
      const found = await inspect(fixture(name));
      expect(found.kind).to.equal(kind);
      expect(found.what).to.match(what);
    });
  }

  it('names the arguments of forward, with the shapes of a trace and the ranges of an export', async () => {
    const words = async (name: string) =>
      (await inspect(fixture(name))).inputs.map(({ name: input, type }) => `${input}: ${type}`);
    expect(await words('two_inputs.pt')).to.have.length(2);
    expect(await words('exported/dict_input.pt')).to.deep.equal(['batch: Dict[str, Tensor]', 'flag: bool']);
    const traced = await inspect(fixture('convbn_traced_eval.pt'));
    expect(traced.inputs).to.deep.equal([
      { name: 'x', type: 'Tensor', optional: false, shape: [10, 2, 4, 4], dtype: 'float64' },
    ]);
    expect(traced.output).to.equal('Tensor');
    const [exported] = (await inspect(fixture('exported/convbn_fixed.pt2'))).inputs;
    expect(exported!.shape).to.deep.equal([2, 2, 6, 6]);
  });

  it('tells what the optimizer has done and which weights it fits', async () => {
    const { optimizer } = await inspect(fixture('checkpoints/adam.pt'));
    expect(optimizer).to.include({ key: 'optimizer_state_dict', kind: 'adam', fits: 'model_state_dict' });
    expect(optimizer!.step).to.be.greaterThan(0);
    expect((await inspect(fixture('checkpoints/sgd_optimizer.pt'))).optimizer).to.include({
      key: '',
      fits: null,
    });
  });

  it('lists the dicts of a checkpoint by their keys', async () => {
    const { candidates } = await inspect(fixture('checkpoints/list_in_dict.pt'));
    expect(candidates.map(({ key }) => key)).to.include.members(['state_dict[0]', 'state_dict[1]']);
  });

  it('names classes that it never runs, and how to leave them out', async () => {
    const found = await inspect(fixture('checkpoints/lightning.ckpt'));
    expect(found.unread).to.not.be.empty;
    expect(found.advice.join()).to.contain(`unknown: 'opaque'`);
    expect((await inspect(fixture('checkpoints/malicious.pt'))).unread).to.not.be.empty;
  });

  it('guesses what is not ours', async () => {
    const cases: readonly [string, string | Uint8Array, RegExp][] = [
      ['empty.pt', '', /an empty file/],
      ['text.pt', 'hello there', /text/],
      ['net.onnx', Buffer.from('\x08\x07\x12\x07pytorch\x1a\x031.9', 'latin1'), /ONNX/],
      ['a.tflite', Buffer.from('\x1c\0\0\0TFL3\0\0', 'latin1'), /TensorFlow Lite/],
      ['plain.pkl', Buffer.from('\x80\x04]\x94.', 'latin1'), /Python pickle/],
      ['x.gz', Buffer.from('\x1f\x8b\x08\0\0\0\0\0', 'latin1'), /gzip/],
      ['cut.pt', readFileSync(fixture('convbn.pt')).subarray(0, 5000), /without its directory/],
      ['lfs.pt', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /Git LFS/],
      ['noise.bin', Buffer.from([7, 1, 0, 200, 3, 9, 44, 129]), /unknown kind/],
      ['w.gguf', 'GGUF\x03\0\0\0', /GGUF/],
    ];
    for (const [name, content, what] of cases) {
      const found = await inspect(written(name, content));
      expect(found.kind, name).to.equal('not-ours');
      expect(found.what, name).to.match(what);
      expect(found.advice, name).to.have.length(1);
    }
    mkdirSync(join(folder, 'saved'));
    writeFileSync(join(folder, 'saved', 'saved_model.pb'), '');
    expect((await inspect(join(folder, 'saved'))).what).to.match(/SavedModel/);
  });

  it('says of damaged files why they are of no use', async () => {
    const path = join(folder, 'damaged.pt');
    copyFileSync(fixture('convbn.pt'), path);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('class ConvBn') + 3]! ^= 1;
    writeFileSync(path, bytes);
    const found = await inspect(path);
    expect([found.kind, found.problem]).to.satisfy(
      ([kind, problem]: [string, string]) => kind === 'torchscript' && problem.includes('checksum'),
    );
    const legacy = join(folder, 'legacy.pt');
    copyFileSync(fixture('checkpoints/adam_legacy.pt'), legacy);
    truncateSync(legacy, 3000);
    expect((await inspect(legacy)).problem).to.be.a('string');
  });

  it('writes nothing that steers a terminal', async () => {
    const header = JSON.stringify({ '\x1b[2J': { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    const path = written('esc.safetensors', Buffer.concat([size, Buffer.from(header), Buffer.alloc(4)]));
    expect(describeInspection(await inspect(path))).to.not.contain('\x1b');
  });

  it('rejects what cannot be read, by code', async () => {
    await rejects(async () => inspect(join(folder, 'none')), 'ERR_FILE_NOT_FOUND');
    await rejects(async () => inspect(''), 'ERR_INVALID_OPTION');
  });
});
