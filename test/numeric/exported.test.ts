import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  dataset,
  hessian,
  loadLoss,
  loadModel,
  loadSolution,
  objective,
  ownSolution,
  readCheckpoint,
  saveSolution,
  type Dataset,
  type Model,
  type Objective,
  type ObjectiveOptions,
  type ShapedArray,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { fixture, sharedFile } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

const golden = goldenFile('exported/exported.npz');
const path = (name: string) => fixture(`exported/${name}`);

function data(...inputs: readonly string[]): Dataset {
  return dataset({ inputs: inputs.map((name) => golden.array(name)), targets: golden.array('y') });
}

/** 1 where the golden mask is. */
function maskBytes(): ShapedArray {
  const { data: values, shape } = golden.array('mask');
  return { data: Uint8Array.from(values as Float32Array), shape };
}

const inputsOf: Readonly<Record<string, readonly string[]>> = {
  many: ['images'],
  rnn: ['tokens'],
  attention: ['mask', 'tokens'],
  tied: ['tokens'],
  tuple_input: ['a', 'b'],
};

/** Loss, gradient and Hessian products against PyTorch's. */
async function expectTruth(loss: Objective, name: string, tolerance: number): Promise<void> {
  const get = (key: string) => golden.get(`${name}.${loss.mode}.${key}`);
  const { loss: value } = await loss.evaluate();
  expect(Math.abs(value - get('loss')[0]!), 'loss').to.be.below(tolerance);
  const n = loss.model.size;
  using curvature = hessian(loss);
  const [v, expected] = [golden.get(`${name}.v`), get('products')];
  for (let i = 0; i < 2; i++) {
    using vector = await loss.model.vector(v.slice(i * n, (i + 1) * n));
    const [product] = await curvature.apply([vector]);
    using out = product!;
    const error = relativeError(await out.toArray(), expected.subarray(i * n, (i + 1) * n));
    expect(error, `product ${i}`).to.be.below(tolerance);
  }
  const { gradient: computed } = await loss.gradient();
  using gradient = computed;
  expect(relativeError(await gradient.toArray(), get('gradient')), 'gradient').to.be.below(tolerance);
}

async function expectModel(
  file: string,
  name: string,
  samples: Dataset,
  options: ObjectiveOptions = {},
): Promise<void> {
  for (const [dtype, tolerance] of [
    ['float64', 1e-10],
    ['float32', 2e-5],
  ] as const) {
    using model = await loadModel(path(file), { dtype });
    using theta = await model.theta();
    expect(relativeError(await theta.toArray(), golden.get(`${name}.theta`))).to.be.below(1e-7);
    using loss = objective(model, samples, options);
    await expectTruth(loss, name, tolerance);
    using parts = objective(model, samples, { ...options, batchSize: 4 });
    if (loss.mode === 'eval') await expectTruth(parts, name, tolerance);
  }
}

describe('exported programs (.pt2) against PyTorch', () => {
  expectNoLiveHandles();

  for (const name of ['many', 'rnn', 'attention', 'tied']) {
    const options = name === 'attention' ? { output: 'logits' } : {};
    it(`${name}, in both dtypes`, async () => {
      await expectModel(`${name}.pt2`, name, data(...inputsOf[name]!), options);
    });
  }

  it('truth values, modules without a class, and what the exporter knew of modes', async () => {
    const samples = dataset({
      inputs: { mask: maskBytes(), x: golden.array('square') },
      targets: golden.array('y'),
    });
    for (const [dtype, tolerance] of [
      ['float64', 1e-10],
      ['float32', 2e-5],
    ] as const) {
      using model = await loadModel(path('masked.pt2'), { dtype });
      expect(model.parameters.map(({ modules }) => modules)).to.deep.equal([
        ...Array.from({ length: 2 }, () => ['__main__.Masked', '', 'torch.nn.modules.linear.Linear']),
        ...Array.from({ length: 2 }, () => [
          '__main__.Masked',
          '',
          'torch.nn.modules.normalization.LayerNorm',
        ]),
        ...Array.from({ length: 2 }, () => ['__main__.Masked', '', 'torch.nn.modules.linear.Linear']),
      ]);
      using loss = objective(model, samples);
      await expectTruth(loss, 'masked', tolerance);
    }
    using free = await loadModel(path('masked.pt2'));
    expect(free.fixedMode).to.equal(null);
    using known = await loadModel(path('masked_eval.pt2'));
    expect(known.fixedMode).to.equal('eval');
  });

  for (const file of ['convbn_eval', 'convbn_eval_core']) {
    it(`${file}: running statistics`, async () => {
      await expectModel(`${file}.pt2`, 'convbn', data('images'));
    });
  }

  for (const file of ['convbn_eval', 'convbn_train', 'convbn_train_core']) {
    it(`${file} in both modes: as the scripted model, dropout's masks among it`, async () => {
      for (const mode of ['eval', 'train', 'recalibrate'] as const) {
        using program = await loadModel(path(`${file}.pt2`), { dtype: 'float64' });
        using scripted = await loadModel(path('convbn.pt'), { dtype: 'float64' });
        const values: number[] = [];
        for (const model of [program, scripted]) {
          using loss = objective(model, data('images'), { mode, seed: 3, batchSize: 3 });
          values.push((await loss.evaluate()).loss);
        }
        expect(Math.abs(values[0]! - values[1]!)).to.be.below(1e-12);
      }
    });
  }

  it('switches to train mode: statistics of the batch', async () => {
    using model = await loadModel(path('convbn_eval.pt2'), { dtype: 'float64' });
    expect(model.fixedMode).to.equal(null);
    expect(model.impureOperators).to.deep.equal(['aten::batch_norm', 'aten::dropout']);
    // Without its dropout: the truth has none. Evaluated at the same point, twice, nothing drifts.
    using first = objective(model, data('images'), { mode: 'train', seed: 1 });
    const [a, b] = [await first.evaluate(), await first.evaluate()];
    expect(a.loss).to.equal(b.loss);
    expect([...(await model.buffer('bn.running_mean'))]).to.not.deep.equal([0, 0, 0, 0]);
  });

  it('keeps names, roles, classes and buffers of the state dict', async () => {
    using model = await loadModel(path('convbn_eval.pt2'));
    using scripted = await loadModel(path('convbn.pt'));
    const describe = ({ parameters, buffers }: Model) => ({
      parameters: parameters.map(({ modules, ...rest }) => ({ ...rest, owner: modules.at(-1) })),
      buffers: buffers.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    });
    expect(describe(model)).to.deep.equal(describe(scripted));
    using solution = await loadSolution(model, path('convbn_state_dict.pt'));
    using own = await model.theta();
    expect([...(await solution.theta.toArray())]).to.deep.equal([...(await own.toArray())]);
  });

  for (const file of ['tied.pt', 'tied.pt2']) {
    it(`${file} takes a state dict that has tied weights under both names`, async () => {
      using model = await loadModel(path(file));
      expect(model.size).to.equal(28);
      using solution = await loadSolution(model, path('tied_state_dict.pt'));
      using own = await model.theta();
      expect([...(await solution.theta.toArray())]).to.deep.equal([...(await own.toArray())]);
    });
  }

  it('leaves buffers out of state dicts that are none of theirs', async () => {
    using model = await loadModel(path('many.pt2'));
    expect(model.buffers).to.deep.include({
      name: 'shift',
      shape: [4, 1, 1],
      dtype: 'float32',
      modules: ['__main__.Many'],
      persistent: false,
    });
  });

  it('knows the dropout of attention that was exported in train mode', async () => {
    using both = await loadModel(path('attention_train.pt2'), { dtype: 'float64' });
    expect(both.fixedMode).to.equal(null);
    expect(both.impureOperators).to.deep.equal(['aten::scaled_dot_product_attention']);
    using loss = objective(both, data('mask', 'tokens'), { output: 'logits' });
    await expectTruth(loss, 'attention', 1e-10);
    using train = objective(both, data('mask', 'tokens'), { output: 'logits', mode: 'train' });
    const clean = golden.get('attention.eval.loss')[0]!;
    expect(Math.abs((await train.evaluate()).loss - clean)).to.be.above(1e-6);
  });

  it('refuses the train mode that an export in eval mode may have lost, unless told that nothing was', async () => {
    using model = await loadModel(path('attention.pt2'));
    expect(model.fixedMode).to.equal('eval');
    await rejects(
      () => Promise.resolve(objective(model, data('mask', 'tokens'), { mode: 'train' })),
      'ERR_MODE_BAKED_IN',
      /model\.train\(\) before torch\.export\.export/,
    );
    using core = await loadModel(path('convbn_eval_core.pt2'));
    expect(core.fixedMode).to.equal('eval');
    using free = await loadModel(path('attention.pt2'), { tracedMode: 'free', dtype: 'float64' });
    using loss = objective(free, data('mask', 'tokens'), { mode: 'train', output: 'logits' });
    await expectTruth(loss, 'attention', 1e-10);
  });

  it('takes a last batch of one, which torch.export takes for special', async () => {
    const path_ = fixture('exported/convbn_eval.pt2');
    using model = await loadModel(path_);
    expect(model.inputs![0]!.shape[0]).to.deep.equal({ symbol: 's77', low: 0, high: 4096 });
    using loss = objective(model, data('images'), { batchSize: 5 });
    using whole = objective(model, data('images'));
    expect((await loss.evaluate()).loss).to.be.closeTo((await whole.evaluate()).loss, 1e-6);
  });

  it('refuses a batch that it was not exported for', async () => {
    using model = await loadModel(path('convbn_fixed.pt2'));
    expect(model.inputs).to.deep.equal([{ name: 'x', dtype: 'float32', shape: [2, 2, 6, 6] }]);
    using whole = objective(model, data('images'));
    await rejects(() => whole.evaluate(), 'ERR_FORWARD', /batchSize: 2 .*dynamic_shapes/s);
    using pairs = objective(model, data('images'), { batchSize: 2 });
    using dynamic = await loadModel(path('convbn_eval.pt2'));
    using reference = objective(dynamic, data('images'), { batchSize: 2 });
    expect((await pairs.evaluate()).loss).to.equal((await reference.evaluate()).loss);
  });

  it('the archive of a published net equals its scripted twin bit for bit', async function () {
    const [archive, script] = ['pt2', 'script.pt'].map((end) =>
      sharedFile(`torchscript/resnet20_cifar10.${end}`),
    );
    if (archive == null || script == null) return this.skip();
    const values: number[][] = [];
    for (const file of [archive, script]) {
      using model = await loadModel(file);
      const pixels = Float32Array.from({ length: 16 * 3072 }, (_, i) => Math.sin(i));
      const samples = dataset({
        inputs: { data: pixels, shape: [16, 3, 32, 32] },
        targets: Array.from({ length: 16 }, (_, i) => i % 10),
      });
      using v = await model.randomVector('gaussian', 1);
      for (const mode of ['eval', 'train'] as const) {
        using loss = objective(model, samples, { mode });
        using curvature = hessian(loss);
        const [product] = await curvature.apply([v]);
        using out = product!;
        values.push([(await loss.evaluate()).loss, ...(await out.toArray())]);
      }
    }
    expect(values[2]).to.deep.equal(values[0]);
    expect(values[3]).to.deep.equal(values[1]);
  });
});

describe('inputs of every form', () => {
  expectNoLiveHandles();
  const inputs = (...names: readonly string[]) => names.map((name) => golden.array(name));
  const named = (names: Readonly<Record<string, ShapedArray>>) =>
    dataset({ inputs: names, targets: golden.array('y') });
  const half = (array: ShapedArray): ShapedArray => ({
    ...array,
    data: Float32Array.from(array.data as Float32Array, (value) => value / 2),
  });

  it('a tuple takes as many as it has items, an optional argument what is left', async () => {
    await expectModel('tuple_input.pt', 'tuple_input', data('a', 'b'));
    using model = await loadModel(path('tuple_input.pt'));
    using loss = objective(model, data('a', 'b', 'scale'));
    const expected = golden.get('tuple_input.scaled')[0]!;
    expect(Math.abs((await loss.evaluate()).loss - expected)).to.be.below(1e-10);
    using tooMany = objective(model, data('a', 'b', 'scale', 'scale'));
    await rejects(() => tooMany.evaluate(), 'ERR_FORWARD', /pair: Tuple\[Tensor, Tensor\].*too many/);
    using tooFew = objective(model, data('a'));
    await rejects(() => tooFew.evaluate(), 'ERR_FORWARD', /no input left for 'pair'/);
  });

  it('a list takes all that later arguments leave', async () => {
    const [a, b] = inputs('a', 'b');
    const samples = dataset({ inputs: [a!, b!, half(a!)], targets: golden.array('y') });
    await expectModel('list_input.pt', 'list_input', samples);
  });

  it('a list leaves what is named for other arguments, optional ones among them', async () => {
    const [a, b, scale] = inputs('a', 'b', 'scale');
    for (const names of [
      { mask: scale!, first: a!, second: b! },
      { first: a!, mask: scale!, second: b! },
    ]) {
      await expectModel('list_then_mask.pt', 'list_then_mask', named(names));
    }
    await expectModel('list_input.pt', 'list_input', named({ last: half(a!), x: a!, y: b! }));
  });

  it('a dictionary takes them by name', async () => {
    const [a, b] = inputs('a', 'b');
    await expectModel('dict_input.pt', 'dict_input', named({ b: b!, a: a! }));
    using model = await loadModel(path('dict_input.pt'));
    using unnamed = objective(model, data('a', 'b'));
    await rejects(() => unnamed.evaluate(), 'ERR_FORWARD', /'batch' is a dictionary.*by name/);
  });

  it('names go to the arguments of an exported program in any order', async () => {
    const [mask, tokens] = inputs('mask', 'tokens');
    const options = { output: 'logits' };
    const samples = named({ input_ids: tokens!, attention_mask: mask! });
    await expectModel('attention.pt2', 'attention', samples, options);
    using model = await loadModel(path('attention.pt2'));
    using wrong = objective(model, named({ tokens: tokens!, attention_mask: mask! }), options);
    await rejects(() => wrong.evaluate(), 'ERR_FORWARD', /no input named 'input_ids'/);
    using more = objective(model, named({ input_ids: tokens!, attention_mask: mask!, x: mask! }), options);
    await rejects(() => more.evaluate(), 'ERR_FORWARD', /no place for the input 'x'/);
  });
});

describe('half precision', () => {
  expectNoLiveHandles();
  for (const file of ['convbn_bfloat16.pt', 'convbn_bfloat16.pt2']) {
    it(`${file}: rounded parameters under float32 vectors`, async () => {
      using model = await loadModel(path(file));
      expect([model.dtype, model.computeDtype]).to.deep.equal(['float32', 'bfloat16']);
      using theta = await model.theta();
      expect([...(await theta.toArray())]).to.deep.equal([...golden.get('bfloat16.theta')]);
      using loss = objective(model, data('images'));
      expect((await loss.provenance(0)).dtype).to.equal('bfloat16');
      const output = golden.get('bfloat16.output');
      const expected = crossEntropy(output, [...golden.get('y')], 3);
      expect(Math.abs((await loss.evaluate()).loss - expected)).to.be.below(1e-6);
      // A line moves the rounded copies too, and comes back.
      using direction = await model.randomVector('gaussian', 1);
      const [moved, back] = await loss.evaluatePoints({
        origin: theta,
        directions: [direction],
        coefficients: Float64Array.of(0.5, 0),
        numPoints: 2,
      });
      expect(moved!.loss).to.not.equal(back!.loss);
      expect(back!.loss).to.equal((await loss.evaluate()).loss);
      // Converted, it is the model of the rounded weights; its curvature is near that of bfloat16 arithmetic.
      using wide = await loadModel(path(file), { dtype: 'float64' });
      using exact = objective(wide, data('images'));
      const products: Float64Array[] = [];
      for (const [m, objective_] of [
        [model, loss],
        [wide, exact],
      ] as const) {
        using curvature = hessian(objective_);
        using v = await m.randomVector('rademacher', 2);
        const [product] = await curvature.apply([v]);
        using out = product!;
        products.push(await out.toArray());
      }
      expect(relativeError(products[0]!, products[1]!)).to.be.below(0.05);
    });
  }

  it('types of a model that has several are kept: parameters tell theirs, and they are saved so', async () => {
    using model = await loadModel(path('mixed_types.pt'));
    expect(model.parameters.map(({ dtype }) => dtype)).to.deep.equal(['bfloat16', 'float32']);
    expect([model.dtype, model.computeDtype]).to.deep.equal(['float32', 'bfloat16']);
    using own = await ownSolution(model);
    const folder = mkdtempSync(join(tmpdir(), 'lossatlas-'));
    await saveSolution(join(folder, 'mixed.pt'), own);
    const tensors = (await readCheckpoint(join(folder, 'mixed.pt'))).stateDict();
    expect([...tensors].map(([name, { dtype }]) => [name, dtype])).to.deep.equal([
      ['weight', 'bfloat16'],
      ['bias', 'float32'],
    ]);
    expect([...tensors.get('bias')!.data]).to.deep.equal(new Array(3).fill(Math.fround(0.1234567)));
    rmSync(folder, { recursive: true });
  });

  it('float32 models can be loaded as bfloat16', async () => {
    using model = await loadModel(path('convbn.pt'), { dtype: 'bfloat16' });
    using native = await loadModel(path('convbn_bfloat16.pt'));
    const losses: number[] = [];
    for (const m of [model, native]) {
      using loss = objective(m, data('images'));
      losses.push((await loss.evaluate()).loss);
    }
    expect(losses[0]).to.equal(losses[1]);
  });
});

function crossEntropy(output: Float64Array, labels: readonly number[], classes: number): number {
  const each = labels.map((label, i) => {
    const z = output.subarray(i * classes, (i + 1) * classes);
    const top = Math.max(...z);
    return top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0)) - z[label]!;
  });
  return each.reduce((sum, value) => sum + value, 0) / labels.length;
}

describe('losses of one’s own', () => {
  expectNoLiveHandles();
  const cases = [
    ['focal', 'mean'],
    ['sum_of_squares', 'sum'],
  ] as const;
  for (const [name, reduction] of cases) {
    it(`${name}: value and curvature as PyTorch’s`, async () => {
      using model = await loadModel(path('tuple_input.pt'));
      using own = await loadLoss(path(`${name}.pt`), model, { reduction });
      for (const batchSize of [6, 4]) {
        using loss = objective(model, data('a', 'b'), { loss: own, batchSize });
        expect(Math.abs((await loss.evaluate()).loss - golden.get(`${name}.loss`)[0]!)).to.be.below(1e-12);
        using v = await model.vector(golden.get('losses.v'));
        using curvature = hessian(loss);
        const [product] = await curvature.apply([v]);
        using out = product!;
        expect(relativeError(await out.toArray(), golden.get(`${name}.product`))).to.be.below(1e-10);
      }
    });
  }

  it('a sum is another loss than a mean: results say so', async () => {
    using model = await loadModel(path('tuple_input.pt'));
    const criteria: string[] = [];
    for (const reduction of ['mean', 'sum'] as const) {
      using own = await loadLoss(path('sum_of_squares.pt'), model, { reduction });
      using loss = objective(model, data('a', 'b'), { loss: own });
      criteria.push((await loss.provenance(0)).criterion);
    }
    expect(criteria[1]).to.match(/^sum_of_squares \(sha256:[0-9a-f]{16}, sum\)$/);
    expect(criteria[0]).to.not.equal(criteria[1]);
  });

  it('without targets, and recorded with its hash', async () => {
    using model = await loadModel(path('tuple_input.pt'));
    using own = await loadLoss(path('output_only.pt'), model);
    const inputs = ['a', 'b'].map((name) => golden.array(name));
    using loss = objective(model, dataset({ inputs }), { loss: own });
    const { loss: value, accuracy } = await loss.evaluate();
    expect(Math.abs(value - golden.get('output_only.loss')[0]!)).to.be.below(1e-12);
    expect(accuracy).to.equal(null);
    expect((await loss.provenance(0)).criterion).to.match(/^output_only \(sha256:[0-9a-f]{16}\)$/);
  });

  it('refuses what is no loss', async () => {
    using model = await loadModel(path('tuple_input.pt'));
    using bad = await loadLoss(path('bad_loss.pt'), model);
    using loss = objective(model, data('a', 'b'), { loss: bad });
    await rejects(
      () => loss.evaluate(),
      'ERR_CRITERION',
      /floating-point tensor: a scalar or one value a sample/,
    );
    await rejects(() => loadLoss(path('exported.npz'), model), 'ERR_NOT_TORCHSCRIPT');
    using rate = await loadLoss(path('error_rate.pt'), model);
    using flat = objective(model, data('a', 'b'), { loss: rate });
    expect((await flat.evaluate()).loss).to.be.within(0, 1);
    await rejects(() => flat.gradient(), 'ERR_CRITERION', /no gradient.*as a metric/);
    using operator = hessian(flat);
    using v = await model.randomVector('rademacher', 1);
    await rejects(() => operator.apply([v]), 'ERR_CRITERION', /no gradient/);
    using output = await loadLoss(path('output_only.pt'), model);
    using wrong = objective(model, data('a', 'b'), { loss: output });
    await rejects(() => wrong.evaluate(), 'ERR_CRITERION', /\(output, target\)/);
  });
});
