import { expect } from 'chai';
import { copyFile, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkOperator,
  criteria,
  dataset,
  denseMatrix,
  diagonal,
  eigenpairs,
  frobeniusNorm,
  hessian,
  hessianPlane,
  loadModel,
  loadNpz,
  lossSurface,
  monteCarloFisher,
  numCudaDevices,
  objective,
  predictMemory,
  randomPlane,
  shifted,
  spectralDensity,
  subspace,
  trace,
  type ErrorCode,
  type LinearOperator,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { anyData, fixture, goldenArray, goldenData, loadFixture, sharedFile } from '../support/fixtures.js';

describe('bad input: files', () => {
  expectNoLiveHandles();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  it('a missing file, a folder', async () => {
    await rejects(async () => loadModel('no/such/file.pt'), 'ERR_FILE_NOT_FOUND', /no\/such\/file\.pt/);
    await rejects(async () => loadModel(folder), 'ERR_FILE_UNREADABLE');
    await rejects(async () => loadNpz('no/such/file.npz'), 'ERR_FILE_NOT_FOUND');
  });

  it('files that are no TorchScript archive are named for what they are', async () => {
    const cases: [string, RegExp][] = [
      ['convbn_state_dict.pt', /state dict/],
      ['convbn_state_dict_legacy.pt', /before 1\.6/],
      ['golden.npz', /no TorchScript archive/],
      ['make.py', /no TorchScript archive/],
    ];
    for (const [name, message] of cases) {
      const error = await rejects(async () => loadModel(fixture(name)), 'ERR_NOT_TORCHSCRIPT', message);
      expect(error.message).to.match(/torch\.jit\.script\(model\)\.save/);
    }
    const empty = join(folder, 'empty.pt');
    await writeFile(empty, '');
    await rejects(async () => loadModel(empty), 'ERR_NOT_TORCHSCRIPT');
  });

  it('an archive cut short or damaged', async () => {
    const { size } = await stat(fixture('convbn.pt'));
    for (const share of [0.99, 0.5, 0.05, 0.002]) {
      const cut = join(folder, `cut${share}.pt`);
      await copyFile(fixture('convbn.pt'), cut);
      await truncate(cut, Math.round(size * share));
      await rejects(async () => loadModel(cut), 'ERR_NOT_TORCHSCRIPT');
    }
  });

  it('real files of other kinds', async function () {
    const cases: [string, ErrorCode][] = [
      ['torchscript/torchjs_test_model.pt', 'ERR_NOT_TORCHSCRIPT'],
      ['torchscript/androiddemo_asl.ptl', 'ERR_NOT_TORCHSCRIPT'],
      ['torchscript/tchrs_foo1.pt', 'ERR_NO_PARAMETERS'],
      ['checkpoints/akamaster_resnet20-12fca82f.th', 'ERR_NOT_TORCHSCRIPT'],
      ['checkpoints/candle_test.pt', 'ERR_NOT_TORCHSCRIPT'],
      ['misc/djl_list.safetensors', 'ERR_NOT_TORCHSCRIPT'],
    ];
    for (const [name, code] of cases) {
      const path = sharedFile(name);
      if (path === null) this.skip();
      await rejects(async () => loadModel(path), code);
    }
  });

  it('a frozen model, one without requires_grad: with the way out', async () => {
    await rejects(async () => loadFixture('convbn_frozen'), 'ERR_NO_PARAMETERS', /freeze/);
    await rejects(async () => loadFixture('no_grad'), 'ERR_NO_PARAMETERS', /parameters: 'all'/);
    using all = await loadFixture('no_grad', { parameters: 'all' });
    expect(all.size).to.equal(92);
  });

  it('a device that is not there', async () => {
    if (numCudaDevices() === 0)
      await rejects(async () => loadFixture('mlp', { device: 'cuda' }), 'ERR_DEVICE', /GPU/);
    await rejects(async () => loadFixture('mlp', { device: 'cuda:99' }), 'ERR_DEVICE');
    await rejects(async () => loadFixture('mlp', { device: 'tpu' }), 'ERR_DEVICE', /tpu/);
    using model = await loadFixture('mlp', { device: 'auto' });
    expect(model.device).to.equal(numCudaDevices() === 0 ? 'cpu' : 'cuda:0');
  });
});

describe('bad input: data', () => {
  expectNoLiveHandles();

  async function evaluateWith(data: Parameters<typeof dataset>[0], name = 'mlp'): Promise<void> {
    using model = await loadFixture(name);
    using loss = objective(model, dataset(data));
    await loss.evaluate();
  }
  const x = (rows: number, columns = 6) => ({
    data: new Float32Array(rows * columns),
    shape: [rows, columns],
  });

  it('shapes that do not fit the model', async () => {
    await rejects(
      async () => evaluateWith({ inputs: x(3, 5), targets: [0, 1, 2] }),
      'ERR_FORWARD',
      /input \[3, 5\] of float64/,
    );
    await rejects(async () => evaluateWith({ inputs: x(3), targets: [0, 1, 2] }, 'convbn'), 'ERR_FORWARD');
  });

  it('dtypes that do not fit the model', async () => {
    const bytes = { data: new Uint8Array(18), shape: [3, 6] };
    await rejects(async () => evaluateWith({ inputs: bytes, targets: [0, 1, 2] }), 'ERR_FORWARD');
    const float = { data: Float32Array.of(0, 1, 2), shape: [3] };
    await rejects(
      async () => evaluateWith({ inputs: x(3), targets: float }),
      'ERR_CRITERION',
      /integer labels/,
    );
  });

  it('the wrong number of inputs', async () => {
    await rejects(async () => evaluateWith({ inputs: [x(3), x(3)], targets: [0, 1, 2] }), 'ERR_FORWARD');
    await rejects(
      async () => evaluateWith({ inputs: x(3, 3), targets: [0, 1, 1] }, 'two_inputs'),
      'ERR_FORWARD',
    );
  });

  it('labels out of range, and a label that is to be ignored', async () => {
    await rejects(
      async () => evaluateWith({ inputs: x(2), targets: [0, 4] }),
      'ERR_LABEL_RANGE',
      /label of sample 1 of data is 4.*4 classes/,
    );
    await rejects(
      async () => evaluateWith({ inputs: x(2), targets: [0, -1] }),
      'ERR_LABEL_RANGE',
      /label of sample 1 of data is -1/,
    );
    await evaluateWith({ inputs: x(2), targets: [0, -100] });
  });

  it('no samples, different numbers of samples, a shape that lies', async () => {
    await rejects(async () => evaluateWith({ inputs: x(0), targets: [] }), 'ERR_EMPTY_DATA');
    await rejects(async () => evaluateWith({ inputs: x(3), targets: [1] }), 'ERR_INVALID_DATA', /3 and 1/);
    const lying = { data: new Float32Array(5), shape: [3, 6] };
    await rejects(
      async () => evaluateWith({ inputs: lying, targets: [0, 1, 2] }),
      'ERR_INVALID_DATA',
      /3, 6/,
    );
  });

  it('NaN and infinity, with the sample', async () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const input = x(3);
      input.data[13] = bad;
      await rejects(
        async () => evaluateWith({ inputs: input, targets: [0, 1, 2] }),
        'ERR_INVALID_DATA',
        /sample 2/,
      );
    }
  });

  it('a criterion that needs targets, or gets the wrong ones', async () => {
    await rejects(async () => evaluateWith({ inputs: x(3) }), 'ERR_CRITERION', /target/);
    using model = await loadFixture('mlp');
    using mse = objective(model, dataset({ inputs: x(3), targets: [0, 1, 2] }), { loss: 'mse' });
    await rejects(async () => mse.evaluate(), 'ERR_CRITERION', /\[3, 4\]/);
    using own = objective(model, dataset({ inputs: x(3) }), { loss: 'model' });
    await rejects(async () => own.evaluate(), 'ERR_CRITERION', /returns its loss/);
  });

  it('targets of regression with the default loss, and targets that all are to be ignored', async () => {
    using regression = await loadFixture('linear1');
    const targets = { data: new Float64Array(3).fill(0.3), shape: [3, 1] };
    using wrong = objective(regression, dataset({ inputs: x(3, 5), targets }));
    await rejects(async () => wrong.evaluate(), 'ERR_CRITERION', /mse/);
    await rejects(
      async () => evaluateWith({ inputs: x(2), targets: [-100, -100] }),
      'ERR_EMPTY_DATA',
      /ignoreIndex/,
    );
  });

  it('labels as bytes: none is taken for ignoreIndex, and ignored ones are never right', async () => {
    using model = await loadFixture('linear3');
    const inputs = { data: Float64Array.of(1, 2, 3, 4, 5, 5, 4, 3, 2, 1), shape: [2, 5] };
    const bytes = (...labels: number[]) => ({ data: Uint8Array.from(labels), shape: [labels.length] });
    using one = objective(model, dataset({ inputs, targets: bytes(0, 2) }));
    using other = objective(model, dataset({ inputs, targets: [0, 2] }));
    expect(await one.evaluate()).to.deep.equal(await other.evaluate());
    using high = objective(model, dataset({ inputs, targets: bytes(0, 156) }));
    await rejects(async () => high.evaluate(), 'ERR_LABEL_RANGE', /label of sample \d+ of data is 156/);
    for (const label of [0, 1, 2]) {
      using padded = objective(model, dataset({ inputs, targets: bytes(label, (label + 1) % 3) }), {
        ignoreIndex: label,
      });
      expect((await padded.evaluate()).accuracy).to.be.oneOf([0, 1]);
    }
  });

  it('a failure in a later batch names its samples; a shared buffer is as good as any', async () => {
    using model = await loadFixture('mlp');
    const input = { data: new Float32Array(new SharedArrayBuffer(4 * 60)), shape: [10, 6] };
    input.data[45] = NaN;
    using loss = objective(model, dataset({ inputs: input, targets: new Array<number>(10).fill(1) }), {
      batchSize: 4,
    });
    await rejects(async () => loss.evaluate(), 'ERR_INVALID_DATA', /sample 7 of /);
    input.data[45] = 0;
    using good = objective(model, dataset({ inputs: input, targets: new Array<number>(10).fill(1) }), {
      batchSize: 4,
    });
    expect((await good.evaluate()).loss).to.be.above(0);
  });

  it('after every failure the model goes on', async () => {
    using model = await loadFixture('mlp');
    using good = objective(model, goldenData('mlp.x', 'mlp.y'));
    const before = await good.evaluate();
    using bad = objective(model, dataset({ inputs: x(3, 5), targets: [0, 1, 2] }));
    await rejects(async () => bad.evaluate(), 'ERR_FORWARD');
    await rejects(async () => bad.gradient(), 'ERR_FORWARD');
    using operator = hessian(bad);
    await rejects(async () => spectralDensity(operator, { probes: 1 }), 'ERR_FORWARD');
    expect(await good.evaluate()).to.deep.equal(before);
  });
});

describe('bad input: what is no operator', () => {
  expectNoLiveHandles();
  it('is refused by every analysis', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, anyData());
    using operator = hessian(loss);
    for (const wrong of [loss, {}, undefined, model] as unknown[]) {
      const none = wrong as LinearOperator;
      const calls: (() => unknown)[] = [
        async () => eigenpairs(none),
        async () => spectralDensity(none),
        async () => trace(none),
        async () => diagonal(none),
        async () => frobeniusNorm(none),
        async () => denseMatrix(none),
        async () => checkOperator(none),
        async () => predictMemory(none),
        async () => hessianPlane(none),
        () => shifted(none, 1),
        () => criteria(none as never),
      ];
      for (const call of calls)
        await rejects(async () => Promise.resolve(call()), 'ERR_INVALID_OPTION', /operator|spectral density/);
    }
    const attempt = (work: () => unknown, message: RegExp) =>
      rejects(async () => Promise.resolve(work()), 'ERR_INVALID_OPTION', message);
    await attempt(() => shifted(operator, NaN), /shift/);
    await attempt(() => hessian(loss, { parameters: [] }), /at least one/);
    await attempt(() => subspace(model, 'fc.*' as never), /at least one/);
    await attempt(() => monteCarloFisher(loss, null as never), /an object/);
  });
});

describe('bad input: modes and operators', () => {
  expectNoLiveHandles();

  it('a traced model whose mode is baked in', async () => {
    const data = goldenData('convbn.eval.x', 'convbn.eval.y');
    for (const [name, wrong] of [
      ['convbn_traced_eval', 'train'],
      ['convbn_traced_train', 'eval'],
    ] as const) {
      using model = await loadFixture(name);
      expect(model.fixedMode).to.equal(wrong === 'train' ? 'eval' : 'train');
      await rejects(
        async () => Promise.resolve(objective(model, data, { mode: wrong })),
        'ERR_MODE_BAKED_IN',
        /torch\.jit\.script/,
      );
    }
    using free = await loadFixture('convbn');
    expect(free.fixedMode).to.equal(null);
  });

  it('an operator without second derivative is named; its first derivative still works', async () => {
    using model = await loadFixture('no_second_derivative');
    const data = dataset({
      inputs: { data: Float64Array.of(0.1, 0.2, -0.3, 0.4), shape: [2, 2] },
    });
    using loss = objective(model, data, { loss: 'model' });
    (await loss.gradient()).gradient.dispose();
    using operator = hessian(loss);
    await rejects(async () => eigenpairs(operator), 'ERR_NO_DOUBLE_BACKWARD', /_ctc_loss_backward/);
  });

  it('vectors of another model', async () => {
    using mlp = await loadFixture('mlp');
    using convbn = await loadFixture('convbn');
    using loss = objective(mlp, goldenData('mlp.x', 'mlp.y'));
    using plane = await randomPlane(convbn);
    await rejects(async () => lossSurface(loss, plane), 'ERR_LAYOUT_MISMATCH', /first\.weight/);
    await rejects(async () => mlp.vector(new Float64Array(5)), 'ERR_LAYOUT_MISMATCH', /92/);
    using small = await convbn.randomVector('gaussian', 1);
    using operator = hessian(loss);
    await rejects(async () => operator.apply([small]), 'ERR_LAYOUT_MISMATCH');
  });

  it('anything after dispose', async () => {
    const model = await loadFixture('mlp');
    const loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    const vector = await model.theta();
    const operator = hessian(loss);
    operator.dispose();
    await rejects(async () => operator.apply([vector]), 'ERR_DISPOSED');
    loss.dispose();
    await rejects(async () => loss.evaluate(), 'ERR_DISPOSED');
    vector.dispose();
    vector.dispose();
    await rejects(async () => vector.norm(), 'ERR_DISPOSED');
    model.dispose();
    await rejects(async () => model.theta(), 'ERR_DISPOSED');
  });
});

describe('bad input: options', () => {
  expectNoLiveHandles();

  it('unknown ones suggest the right name; wrong ones name option, expectation and value', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using operator = hessian(loss);
    using plane = await randomPlane(model);
    const wrong = (options: object) => options as never;
    const cases: [() => Promise<unknown>, RegExp][] = [
      [async () => lossSurface(loss, plane, wrong({ point: 5 })), /unknown option 'point'.*'points'/],
      [
        async () => lossSurface(loss, plane, { points: 0 }),
        /'points' must be an integer of at least 1, but is 0/,
      ],
      [async () => lossSurface(loss, plane, { points: 2.5 }), /2\.5/],
      [async () => lossSurface(loss, plane, { range: [1, -1] }), /'range' must be a pair/],
      [async () => lossSurface(loss, plane, { range: [0, Infinity] }), /finite/],
      [async () => spectralDensity(operator, wrong({ probes: '10' })), /'probes'.*'10'/],
      [async () => spectralDensity(operator, { seed: -1 }), /'seed'/],
      [async () => eigenpairs(operator, wrong({ which: 'top' })), /'largest-magnitude', 'largest'/],
      [async () => randomPlane(model, wrong({ normalisation: 'filter' })), /Did you mean 'normalization'/],
      [
        async () => Promise.resolve(objective(model, goldenData('mlp.x', 'mlp.y'), wrong({ loss: 'ce' }))),
        /'cross-entropy'/,
      ],
      [
        async () => Promise.resolve(objective(model, goldenData('mlp.x', 'mlp.y'), { batchSize: 0 })),
        /'batchSize'/,
      ],
      [async () => loadFixture('mlp', wrong({ dtype: 'int8' })), /'float32', 'float64'/],
      [async () => loadModel(wrong({})), /file path/],
      [async () => lossSurface(loss, plane, wrong({ signal: {} })), /AbortSignal/],
      [async () => Promise.resolve(dataset({ inputs: goldenArray('mlp.x') }, { mean: [1, 2] })), /'mean'/],
    ];
    for (const [work, message] of cases) await rejects(work, 'ERR_INVALID_OPTION', message);
  });
});
