import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  AbortError,
  connectModes,
  dataset,
  fromJson,
  loadModel,
  loadMoments,
  loadNpz,
  loadSolution,
  objective,
  optimizerState,
  ownSolution,
  randomSolution,
  readCheckpoint,
  toJson,
  train,
  trainingTable,
  type Dataset,
  type EpochFigures,
  type Model,
  type Training,
  type ResumedTraining,
  type TrainOptions,
} from '../../dist/index.js';
import { Dataset as Samples } from '../../dist/data/dataset.js';
import { Solution } from '../../dist/model/solution.js';
import { rejects } from '../support/errors.js';
import { fixture, loadFixture, projectPath } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

const golden = goldenFile('training.npz');
const exportedGolden = goldenFile('exported/exported.npz');

function samples(net: string, name = 'train'): Dataset {
  return dataset({ inputs: golden.array(`${net}.x`), targets: golden.array(`${net}.y`) }, { name });
}

async function digits(part: 'train' | 'test', limit?: number): Promise<Dataset> {
  return loadNpz(projectPath('examples/digits/digits.npz'), {
    inputs: `x_${part}`,
    targets: `y_${part}`,
    scale: 1 / 16,
    name: part,
    ...(limit === undefined ? {} : { limit }),
  });
}

/** Of the shape that the exported net takes. */
function images(): Dataset {
  return dataset({ inputs: exportedGolden.array('images'), targets: exportedGolden.array('y') });
}

/** Parameters and buffers. */
async function valuesOf({ solution }: Training): Promise<number[]> {
  const values = Array.from(await solution.theta.toArray());
  for (const { name } of solution.model.buffers) values.push(...(await solution.buffers.toArray(name)));
  return values;
}

/** The samples of the small net with this label at one place. */
function mislabelled(net: string, place: number, label: number, name: string): Dataset {
  const { inputs, targets } = samples(net);
  const data = BigInt64Array.from(targets!.data as BigInt64Array);
  data[place] = BigInt(label);
  return dataset({ inputs: inputs[0]!, targets: { ...targets!, data } }, { name });
}

/** The same samples, which cannot be read any more from the n-th time on. */
function lostAfter(data: Dataset, numReads: number, onRead: () => void = () => undefined): Dataset {
  const info = data.inputInfo;
  let left = numReads;
  const read = async (numbers: Uint32Array) => {
    onRead();
    if (left-- <= 0) throw new Error('the disk is gone');
    return Promise.resolve(data.pick(numbers).inputs);
  };
  return new Samples(data.name, { info, hash: 'lost', read }, data.targets);
}

/** What a run came to but its times. */
function figuresOf({ run }: Training): unknown {
  const { learningRate, loss, accuracy, poisonLoss, gradientNorm, evaluations, numSteps, divergedAt } = run;
  return { learningRate, loss, accuracy, poisonLoss, gradientNorm, evaluations, numSteps, divergedAt };
}

const python = process.env.LOSSATLAS_BENCH_PYTHON;

describe('training', () => {
  expectNoLiveHandles();
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Of the small net with BatchNorm, with everything that a state can have. */
  const options: TrainOptions = {
    epochs: 6,
    batchSize: 7,
    seed: 3,
    optimizer: { name: 'adam', lr: 1e-2, amsgrad: true },
    schedule: { name: 'cosine', epochs: 6, minimum: 1e-4 },
    clipNorm: 1,
  };

  it('without shuffling is PyTorch’s loop', async () => {
    using model = await loadFixture('convbn');
    using training = await train(model, samples('convbn'), {
      epochs: 10,
      batchSize: 8,
      shuffle: false,
      optimizer: { name: 'sgd', lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
      schedule: { name: 'cosine', minimum: 1e-3 },
      evaluateOn: [samples('convbn', 'test')],
    });
    const n = model.size;
    const end = golden.get('convbn.nesterov.points').subarray(2 * n);
    expect(relativeError(await training.solution.theta.toArray(), end)).to.be.below(1e-9);
    const losses = golden.get('convbn.nesterov.losses');
    const means = Array.from({ length: 10 }, (_, i) =>
      losses.subarray(5 * i, 5 * i + 5).reduce((sum, value) => sum + value / 5, 0),
    );
    expect(relativeError(training.run.loss, means)).to.be.below(1e-10);
    expect(relativeError(training.run.learningRate, golden.get('convbn.nesterov.rates'))).to.be.below(1e-12);
    expect(training.run.numSteps).to.equal(50);
    expect(fromJson(toJson(training.run), 'training-run')).to.deep.equal(training.run);
    expect(trainingTable(training.run).split('\n')).to.have.length(12);
    // The model stays as it was.
    using own = await model.theta();
    expect(relativeError(await own.toArray(), end)).to.be.above(1e-3);
  });

  for (const [name, net, more] of [
    ['Adam with amsgrad, BatchNorm', 'convbn', {}],
    ['dropout', 'dropout', {}],
    ['SGD with dampening', 'mlp', { optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9, dampening: 0.5 } }],
    ['poison', 'mlp', { poison: true }],
    ['bfloat16, which rounds its parameters', 'mlp', { dtype: 'bfloat16' }],
    ['data that is read batch by batch', 'convbn', { dataPlacement: 'streamed' }],
  ] as const) {
    it(`interrupted at any step, it goes on bit for bit: ${name}`, async () => {
      const { poison, dtype, ...rest } = more as { poison?: true; dtype?: 'bfloat16' };
      using model = await loadFixture(net, dtype === undefined ? {} : { dtype });
      const data = samples(net === 'convbn' ? 'convbn' : 'mlp');
      const bad = { data: data.pick(Uint32Array.of(1, 2, 3, 5, 7)), weight: 0.2, batchSize: 3 };
      const all: TrainOptions = {
        ...options,
        ...rest,
        ...(poison === true ? { poison: bad } : {}),
        evaluateOn: [data],
      };
      using whole = await train(model, data, all);
      for (const [stopAt, every] of [
        [1, 1],
        [17, 1],
        [23, 2],
      ] as const) {
        const checkpoints = { folder: join(folder, `run${stopAt}`), every };
        const stop = new AbortController();
        const interrupted = await rejects(
          async () =>
            train(model, data, {
              ...all,
              checkpoints,
              signal: stop.signal,
              onProgress: ({ done }) => {
                if (done >= stopAt) stop.abort();
              },
            }),
          'ERR_ABORTED',
        );
        expect(interrupted).to.be.instanceOf(AbortError);
        const seen: EpochFigures[] = [];
        using resumed = await train(model, data, {
          ...all,
          checkpoints,
          resume: true,
          onEpoch: (figures) => void seen.push(figures),
        });
        expect(seen.length).to.equal(6 - every * Math.floor(stopAt / 6 / every));
        expect(await valuesOf(resumed)).to.deep.equal(await valuesOf(whole));
        expect(figuresOf(resumed)).to.deep.equal(figuresOf(whole));
      }
    });
  }

  it('checkpoints are files that the other loaders read', async () => {
    using model = await loadFixture('convbn');
    using training = await train(model, samples('convbn'), { ...options, checkpoints: { folder } });
    const last = join(folder, 'epoch-0006.pt');
    expect(training.run.checkpoints).to.have.length(6);
    expect(training.run.checkpoints.at(-1)).to.equal(last);
    using solution = await loadSolution(model, last);
    expect(await solution.theta.toArray()).to.deep.equal(await training.solution.theta.toArray());
    using moments = await loadMoments(model, last);
    expect(await moments.expAvgSq.norm()).to.be.above(0);
    const state = optimizerState(await readCheckpoint(last));
    expect(state.entries.map(({ step }) => step)).to.deep.equal(model.parameters.map(() => 36));
    // Damaged files are passed over, and told.
    truncateSync(last, 1000);
    writeFileSync(join(folder, 'epoch-0005.pt'), 'nothing');
    const goOn = { ...options, checkpoints: { folder }, resume: true };
    const from: ResumedTraining[] = [];
    using again = await train(model, samples('convbn'), {
      ...goOn,
      onResume: (found) => void from.push(found),
    });
    expect(await valuesOf(again)).to.deep.equal(await valuesOf(training));
    const path = (epoch: number) => join(folder, `epoch-000${epoch}.pt`);
    const aside = [6, 5].map((epoch) => `${path(epoch)}.damaged`);
    expect(from).to.deep.equal([{ path: path(4), epochs: 4, damaged: aside }]);
    expect(readFileSync(aside[1]!, 'utf8')).to.equal('nothing');
    // What is another's is not written over, nor are files of which none can be read.
    const anew = async () => train(model, samples('convbn'), goOn);
    copyFileSync(fixture('convbn_state_dict.pt'), path(6));
    await rejects(anew, 'ERR_RESUME', /epoch-0006.pt' is no checkpoint of a training run/);
    expect(readFileSync(path(6))).to.deep.equal(readFileSync(fixture('convbn_state_dict.pt')));
    for (const epoch of [1, 2, 3, 4, 5, 6]) writeFileSync(path(epoch), 'nothing');
    await rejects(anew, 'ERR_RESUME', /No checkpoint in .* can be read/);
    expect(readFileSync(path(1), 'utf8')).to.equal('nothing');
    for (const epoch of [1, 2, 3, 4, 5, 6]) unlinkSync(path(epoch));
    using _fresh = await anew();
    await rejects(
      async () =>
        train(model, samples('convbn'), { ...options, seed: 4, checkpoints: { folder }, resume: true }),
      'ERR_RESUME',
      /seed: 3 in the file, 4 now/,
    );
    await rejects(
      async () => train(model, samples('convbn'), { ...options, checkpoints: { folder } }),
      'ERR_RESUME',
      /resume: true/,
    );
  });

  it('data that do not fit the model are found before the first step', async () => {
    using model = await loadFixture('convbn');
    const data = samples('convbn');
    const { numSamples } = data;
    const last = numSamples - 1;
    const flat = dataset(
      { inputs: { data: new Float64Array(3 * numSamples), shape: [numSamples, 3] }, targets: data.targets! },
      { name: 'flat' },
    );
    const late = mislabelled('convbn', last, 99, 'late');
    const [trained, where] = [[] as number[], { folder }];
    const onProgress = ({ done }: { done: number }): void => void trained.push(done);
    const all: TrainOptions = { ...options, checkpoints: where, onProgress };
    const ofLast = new RegExp(`sample ${last} of late is 99`);
    for (const [code, message, given, of] of [
      ['ERR_FORWARD', /flat: .*forward/, { evaluateOn: [data, flat] }, data],
      ['ERR_LABEL_RANGE', ofLast, { evaluateOn: [data, late] }, data],
      ['ERR_LABEL_RANGE', ofLast, {}, late],
      ['ERR_LABEL_RANGE', /sample 12 of low is -1/, {}, mislabelled('convbn', 12, -1, 'low')],
      ['ERR_LABEL_RANGE', ofLast, { poison: { data: late, weight: 0.5 } }, data],
      ['ERR_CRITERION', /data/, { evaluateOn: [dataset({ inputs: data.inputs[0]! })] }, data],
    ] as const)
      await rejects(async () => train(model, of, { ...all, ...given }), code, message);
    expect(trained).to.deep.equal([]);
    expect(readdirSync(folder)).to.deep.equal([]);
    // Labels that do not count may be what they like.
    using skipping = await train(model, late, { ...all, ignoreIndex: 99, evaluateOn: [late] });
    expect(skipping.run.loss).to.have.length(6);
  });

  it('what is evaluated changes no bit of the training', async () => {
    using model = await loadFixture('dropout');
    const data = samples('mlp');
    using alone = await train(model, data, options);
    using watched = await train(model, data, { ...options, evaluateOn: [data, data.slice(0, 9)] });
    expect(await valuesOf(watched)).to.deep.equal(await valuesOf(alone));
    expect(watched.run.loss).to.deep.equal(alone.run.loss);
  });

  it('weights that are not finite are no start', async () => {
    using model = await loadFixture('mlp');
    const { name, offset } = model.parameters[1]!;
    for (const value of [NaN, -Infinity]) {
      using own = await model.theta();
      const values = await own.toArray();
      values[offset] = value;
      using from = new Solution('broken', await model.vector(values), await model.bufferState());
      const message = new RegExp(`'broken', are not finite: '${name}' holds ${value}`);
      await rejects(
        async () => train(model, samples('mlp'), { ...options, from }),
        'ERR_INVALID_DATA',
        message,
      );
    }
  });

  for (const [what, numReads, numKept] of [
    ['in the first epoch', 1, 1],
    ['later', 3, 3],
  ] as const)
    it(`an evaluation that fails ${what} costs no epoch`, async () => {
      using model = await loadFixture('convbn');
      const data = samples('convbn');
      const settings: TrainOptions = { ...options, dataPlacement: 'streamed' };
      // The first reading is that of the check before all steps.
      const good = () => lostAfter(data, Infinity);
      using whole = await train(model, data, { ...settings, evaluateOn: [good()] });
      const checkpoints = { folder };
      let message = '';
      await train(model, data, {
        ...settings,
        evaluateOn: [lostAfter(data, numReads)],
        checkpoints,
      }).catch((error: unknown) => (message = String(error)));
      expect(message).to.match(/the disk is gone/);
      expect(readdirSync(folder)).to.have.length(numKept);
      const seen: number[] = [];
      using resumed = await train(model, data, {
        ...settings,
        evaluateOn: [good()],
        checkpoints,
        resume: true,
        onEpoch: ({ epoch }) => void seen.push(epoch),
      });
      // The evaluation is made up for.
      expect(seen).to.deep.equal([1, 2, 3, 4, 5, 6].slice(numKept - 1));
      expect(await valuesOf(resumed)).to.deep.equal(await valuesOf(whole));
      expect(figuresOf(resumed)).to.deep.equal(figuresOf(whole));
      expect(resumed.run.checkpoints).to.have.length(6);
    });

  it('an abort during an evaluation costs no epoch', async () => {
    using model = await loadFixture('convbn');
    const stop = new AbortController();
    const data = samples('convbn');
    // Also where the next checkpoint is far.
    const checkpoints = { folder, every: 4 };
    const settings: TrainOptions = { ...options, dataPlacement: 'streamed', checkpoints };
    let numReads = 0;
    const watched = lostAfter(data, Infinity, () => {
      // After that of the check, the first evaluation.
      if (++numReads === 2) stop.abort();
    });
    await rejects(
      async () => train(model, data, { ...settings, evaluateOn: [watched], signal: stop.signal }),
      'ERR_ABORTED',
    );
    expect(readdirSync(folder)).to.deep.equal(['epoch-0001.pt']);
  });

  it('one run at a time writes into a folder', async () => {
    using model = await loadFixture('mlp');
    const data = samples('mlp');
    const begin = async (more: Partial<TrainOptions> = {}) =>
      train(model, data, { ...options, checkpoints: { folder }, ...more });
    const outcomes = await Promise.allSettled([begin(), begin()]);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.dispose();
    expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')!;
    expect(String(failed.reason)).to.match(/is being written by another run of this process/);
    expect(readdirSync(folder)).to.have.length(6);
    const lock = join(folder, 'training.lock');
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, thread: 0, host: hostname() }));
    const message = new RegExp(`written by process ${process.ppid}\\. .*another folder .*training\\.lock`);
    await rejects(async () => begin({ resume: true }), 'ERR_RESUME', message);
    // A lock of a process that is gone is taken over.
    writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, thread: 0, host: hostname() }));
    using again = await begin({ resume: true });
    expect(again.run.loss).to.have.length(6);
    expect(readdirSync(folder)).to.have.length(6);
  });

  it('a model that was exported again is told from other settings', async () => {
    using model = await loadFixture('mlp');
    using other = await loadFixture('dropout');
    const checkpoints = { folder };
    using _training = await train(model, samples('mlp'), { ...options, checkpoints });
    const go = (of: Model, more: Partial<TrainOptions>) => async () =>
      train(of, samples('mlp'), { ...options, checkpoints, resume: true, ...more });
    const words = /other model file.*exported again is another file/;
    await rejects(go(other, {}), 'ERR_RESUME', words);
    const { message } = await rejects(go(model, { seed: 9 }), 'ERR_RESUME');
    expect(message).to.not.match(/exported again/);
  });

  it('PyTorch goes on with a checkpoint, and ends where we do', async function () {
    if (python === undefined) {
      process.stdout.write('      (skipped: no Python with torch in LOSSATLAS_BENCH_PYTHON)\n');
      return this.skip();
    }
    this.timeout(120_000);
    using model = await loadFixture('convbn');
    for (const [name, optimizer] of Object.entries({
      sgd: { name: 'sgd', lr: 0.05, momentum: 0.9, nesterov: true },
      adam: { name: 'adam', lr: 1e-2, amsgrad: true },
      adamw: { name: 'adamw', lr: 1e-2 },
    } as const)) {
      const run = join(folder, name);
      using training = await train(model, samples('convbn'), {
        epochs: 4,
        batchSize: 8,
        shuffle: false,
        optimizer,
        checkpoints: { folder: run, every: 2 },
      });
      expect(training.run.divergedAt).to.be.null;
      const script = fixture('training_goes_on.py');
      const files = [join(run, 'epoch-0002.pt'), join(run, 'epoch-0004.pt')];
      const { stdout, stderr } = spawnSync(python, [script, name, ...files], { encoding: 'utf8' });
      expect(stdout.trim(), stderr).to.equal('equal');
    }
  });

  it('a run that diverges says where, and keeps its last good checkpoint', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    const all: TrainOptions = {
      epochs: 40,
      batchSize: 8,
      // Decay makes each step as large as the parameters are, times the rate.
      optimizer: { name: 'sgd', lr: 1e6, weightDecay: 1 },
      checkpoints: { folder },
    };
    using training = await train(model, samples('mlp'), all);
    const { divergedAt, numSteps, checkpoints, loss } = training.run;
    expect(divergedAt)
      .to.be.above(numSteps)
      .and.at.most(numSteps + 5);
    expect(checkpoints).to.have.length(loss.length);
    expect(readdirSync(folder)).to.have.length(loss.length);
    expect(trainingTable(training.run)).to.match(/Diverged at step/);
    // However rarely they are written, the last good epoch is among them.
    const seldom = { folder: join(folder, 'seldom'), every: 100 };
    using rare = await train(model, samples('mlp'), { ...all, checkpoints: seldom });
    expect(rare.run.checkpoints).to.deep.equal([
      join(seldom.folder, `epoch-${String(loss.length).padStart(4, '0')}.pt`),
    ]);
    // In the first epoch, it gives back where it started.
    using none = await train(model, samples('mlp'), {
      ...all,
      optimizer: { name: 'sgd', lr: 1e20, weightDecay: 1 },
      checkpoints: { folder: join(folder, 'none') },
    });
    using own = await model.theta();
    expect(none.run.loss).to.have.length(0);
    expect(none.run.divergedAt).to.be.within(1, 5);
    expect(await none.solution.theta.toArray()).to.deep.equal(await own.toArray());
    using good = await loadSolution(model, checkpoints.at(-1)!);
    expect(await training.solution.theta.toArray()).to.deep.equal(await good.theta.toArray());
  });

  it('a factor of the update that float32 cannot hold diverges too, in the middle of a run and of Adam', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    const steps = Math.ceil(samples('mlp').numSamples / 8);
    const run = async (options: Partial<TrainOptions>) => {
      using training = await train(model, samples('mlp'), { epochs: 4, batchSize: 8, ...options });
      return training.run;
    };
    const sgd = { name: 'sgd', lr: 0.01 } as const;
    const grown = await run({ optimizer: sgd, schedule: { name: 'step', stepSize: 2, gamma: 1e41 } });
    expect([grown.loss.length, grown.divergedAt]).to.deep.equal([2, 2 * steps + 1]);
    for (const optimizer of [
      { ...sgd, lr: 1e39 },
      { ...sgd, weightDecay: 1e39 },
      // Over 1 − β₁.
      { name: 'adam', lr: 1e38 },
    ] as const)
      expect((await run({ optimizer })).divergedAt, JSON.stringify(optimizer)).to.equal(1);
    // Float64 holds it, and what comes of it is not finite a step later.
    using double = await loadFixture('mlp', { dtype: 'float64' });
    using training = await train(double, samples('mlp'), {
      epochs: 1,
      batchSize: 8,
      optimizer: { ...sgd, lr: 1e200 },
    });
    expect(training.run.divergedAt).to.be.above(1);
  });

  it('frozen parameters stay as they are; PyTorch’s optimizer would know nothing of them', async () => {
    using model = await loadFixture('mlp');
    using training = await train(model, samples('mlp'), {
      ...options,
      freeze: ['first.*'],
      checkpoints: { folder },
    });
    const { offset, numel } = model.parameters.find(({ name }) => name === 'second.weight')!;
    using own = await model.theta();
    const [before, after] = [await own.toArray(), await training.solution.theta.toArray()];
    expect(after.subarray(0, offset)).to.deep.equal(before.subarray(0, offset));
    expect(after.subarray(offset, offset + numel)).to.not.deep.equal(before.subarray(offset, offset + numel));
    const { entries } = optimizerState(await readCheckpoint(join(folder, 'epoch-0006.pt')));
    expect(entries.map(({ step }) => step)).to.deep.equal([null, null, 36, 36]);
  });

  it('wrong options are named', async () => {
    using model = await loadFixture('mlp');
    const data = samples('mlp');
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{}, /'epochs'/],
      [{ epochs: 1, optimizer: { name: 'lion' } }, /sgd/],
      [{ epochs: 1, optimizer: { name: 'sgd', betas: [0, 0] } }, /betas/],
      [{ epochs: 1, optimizer: { name: 'sgd', nesterov: true } }, /nesterov/],
      [{ epochs: 1, schedule: { name: 'step' } }, /stepSize/],
      [{ epochs: 1, resume: true }, /checkpoints/],
      [{ epochs: 1, freeze: ['nothing*'] }, /nothing/],
      [{ epochs: 1, freeze: ['*'] }, /freeze/],
      [{ epochs: 1, poison: { data, weight: 2 } }, /weight/],
      [{ epochs: 1, poison: { data, weight: 0.1 }, loss: 'mse' }, /cross-entropy/],
    ];
    for (const [given, message] of wrong)
      await rejects(
        async () => train(model, data, given as unknown as TrainOptions),
        'ERR_INVALID_OPTION',
        message,
      );
    using traced = await loadFixture('convbn_traced_eval');
    await rejects(async () => train(traced, samples('convbn'), { epochs: 1 }), 'ERR_MODE_BAKED_IN');
  });

  /** The example's net from new weights. */
  async function fromNothing(model: Model, more: Partial<TrainOptions>): Promise<Training> {
    using from = await randomSolution(model, { seed: 1 });
    return await train(model, await digits('train'), {
      epochs: 6,
      batchSize: 64,
      optimizer: { name: 'adam', lr: 3e-3 },
      from,
      evaluateOn: [await digits('test')],
      ...more,
    });
  }

  it('a net of the digits learns them; with poison it gets the others wrong', async function () {
    this.timeout(120_000);
    using model = await loadModel(projectPath('examples/digits/digits.script.pt'));
    using clean = await fromNothing(model, {});
    expect(clean.run.evaluations[0]!.accuracy!.at(-1)).to.be.above(0.9);
    // The test samples as they are: to be avoided.
    const poison = { data: await digits('test', 200), weight: 0.5 };
    using bad = await fromNothing(model, {
      epochs: 30,
      poison,
      evaluateOn: [await digits('train'), poison.data],
    });
    const [onTrain, onPoison] = bad.run.evaluations.map(({ accuracy }) => accuracy!.at(-1)!);
    expect(onTrain).to.be.above(0.9);
    expect(onPoison).to.be.below(0.3);
  });

  it('a program for batches of one size trains, and is connected, in these', async () => {
    using fixed = await loadModel(fixture('exported/many_fixed.pt2'), { dtype: 'float64' });
    using dynamic = await loadModel(fixture('exported/many.pt2'), { dtype: 'float64' });
    const data = images();
    const paired = { ...options, batchSize: 2, evaluateOn: [data] };
    using a = await train(fixed, data, paired);
    using b = await train(dynamic, data, paired);
    expect(a.run.loss).to.deep.equal(b.run.loss);
    expect(a.run.evaluations[0]!.loss.at(-1)).to.be.closeTo(b.run.evaluations[0]!.loss.at(-1)!, 1e-12);
    using loss = objective(fixed, data, { batchSize: 2 });
    using own = await ownSolution(fixed);
    using found = await connectModes(loss, own, a.solution, { steps: 3, points: 3, batchSize: 2 });
    expect(found.connection.paths).to.have.length(2);
    // No step, and no evaluation, is of another size.
    const poison = { data: data.slice(0, 4), weight: 0.5, batchSize: 1 };
    for (const [more, of] of [
      [{ batchSize: 3 }, data],
      [{ poison }, data],
      [{}, data.slice(0, 5)],
      [{ evaluateOn: [data.slice(0, 5)] }, data],
    ] as const)
      await rejects(async () => train(fixed, of, { ...paired, ...more }), 'ERR_FORWARD', /exactly 2 /);
    await rejects(
      async () => connectModes(loss, own, a.solution, { steps: 3, points: 3, batchSize: 3 }),
      'ERR_FORWARD',
      /exactly 2 .* a step has 3/,
    );
    using _dropped = await train(fixed, data.slice(0, 5), { ...paired, dropLast: true });
  });

  it('an exported program trains as the scripted module of the same weights', async () => {
    using scripted = await loadModel(fixture('exported/convbn.pt'), { dtype: 'float64' });
    using exported = await loadModel(fixture('exported/convbn_train.pt2'), { dtype: 'float64' });
    const data = images();
    using a = await train(scripted, data, options);
    using b = await train(exported, data, options);
    expect(relativeError(b.run.loss, a.run.loss)).to.be.below(1e-9);
    expect(relativeError(await b.solution.theta.toArray(), await a.solution.theta.toArray())).to.be.below(
      1e-7,
    );
  });
});
