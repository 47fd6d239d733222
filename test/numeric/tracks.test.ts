import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  analyseHessian,
  dataset,
  eigenpairs,
  evaluateCheckpoints,
  fromJson,
  hessian,
  hessianType,
  loadSolution,
  objective,
  ownSolution,
  randomBatches,
  saveSolution,
  Solution,
  toJson,
  trackCheckpoints,
  trackTable,
  writeTorch,
  type CheckpointValue,
  type Dataset,
  type Model,
  type SnapshotChoice,
  type Track,
  type TrackOptions,
} from '../../dist/index.js';
import { notesOnGaps } from '../../dist/tracks/gap-notes.js';
import { correlation, readingsOf } from '../../dist/tracks/readings.js';
import { rejects } from '../support/errors.js';
import { fixture, goldenData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';

const truth = goldenFile('tracks.npz');
const folder = fixture('tracks');
const files = ['epoch-1.pt', 'epoch-2.pt', 'epoch-10.pt'];
const paths = files.map((name) => join(folder, name));

function datasets(): Dataset[] {
  const { data, shape } = goldenData('convbn.eval.x', 'convbn.eval.y').inputs[0]!;
  const targets = goldenData('convbn.eval.x', 'convbn.eval.y').targets!;
  return [
    dataset({ inputs: { data, shape }, targets }, { name: 'train' }),
    dataset({ inputs: truth.array('other.x'), targets: truth.array('other.y') }, { name: 'other' }),
  ];
}

/** All but when and how long. */
function core({ provenance: _, ...others }: Track): Omit<Track, 'provenance'> {
  return others;
}

const quick: TrackOptions = { steps: 12, probes: 3, seed: 2 };

describe('tracks: figures', () => {
  expectNoLiveHandles();

  it('are those of PyTorch’s dense Hessian in float64, at every checkpoint on every data set', async () => {
    using model = await loadFixture('convbn');
    // As many steps as parameters: the deflated trace is exact.
    const options = { steps: 134, probes: 2, seed: 1 };
    const track = await trackCheckpoints(model, folder, datasets(), options);
    expect(track.order).to.equal('epoch');
    expect(track.axis).to.equal('epoch');
    expect(track.notes).to.deep.equal([]);
    expect(track.checkpoints.map(({ label }) => label)).to.deep.equal(files);
    expect(track.checkpoints.map(({ epoch }) => epoch)).to.deep.equal([1, 2, 10]);
    expect(track.checkpoints.map(({ position }) => position)).to.deep.equal([1, 2, 10]);
    for (const [c, { rows, problem }] of track.checkpoints.entries()) {
      expect(problem).to.equal(null);
      for (const [d, name] of ['train', 'other'].entries()) {
        const { data, loss, accuracy, curvature } = rows[d]!;
        const values = truth.get(`${name}.values`).slice(134 * c, 134 * (c + 1));
        const scale = Math.max(-values[0]!, values.at(-1)!);
        expect(data).to.equal(name);
        expect(loss).to.be.closeTo(truth.get(`${name}.loss`)[c]!, 1e-12);
        expect(accuracy).to.be.closeTo(truth.get(`${name}.accuracy`)[c]!, 1e-12);
        expect(curvature!.smallest.value, `${name} ${c}`).to.be.closeTo(values[0]!, 1e-8 * scale);
        expect(curvature!.largest.value, `${name} ${c}`).to.be.closeTo(values.at(-1)!, 1e-8 * scale);
        expect(curvature!.largest.converged && curvature!.smallest.converged).to.equal(true);
        const trace = values.reduce((sum, value) => sum + value, 0);
        const { spectrum } = curvature!;
        expect(spectrum!.trace.value, `${name} ${c}`).to.be.closeTo(trace, 1e-8 * scale);
        const { re } = spectrum!.criteria;
        expect(re.value).to.be.closeTo(Math.abs(values[0]! / values.at(-1)!), 1e-7);
      }
    }
    expect(fromJson(toJson(track), 'track')).to.deep.equal(track);
    const broken = JSON.parse(toJson(track)) as { checkpoints: { rows: unknown[] }[] };
    broken.checkpoints[1]!.rows.pop();
    expect(() => fromJson(JSON.stringify(broken), 'track')).to.throw(/checkpoints\[1\]\.rows/);
  });

  it('are bit for bit what single calls give, on the same samples of each data set', async () => {
    using model = await loadFixture('convbn');
    const sets = datasets();
    const options = { ...quick, curvatureSamples: 8, snapshots: 'all', confidence: 0.9 } as const;
    for (const mode of ['eval', 'train'] as const) {
      const track = await trackCheckpoints(model, folder, sets, { ...options, mode });
      const table = await evaluateCheckpoints(model, paths, sets, { mode, seed: 2, classes: false });
      for (const [c, checkpoint] of track.checkpoints.entries()) {
        using at = await loadSolution(model, paths[c]!);
        for (const [d, data] of sets.entries()) {
          const row = checkpoint.rows[d]!;
          const { loss, accuracy, checkpointHash } = table.rows[2 * c + d]!;
          expect([row.loss, row.accuracy]).to.deep.equal([loss, accuracy]);
          expect(checkpoint.hash).to.equal(checkpointHash);
          const [some] = randomBatches(data, { count: 1, batchSize: 8, seed: 2 });
          using goal = objective(model, some!, { mode, seed: 2 });
          using operator = hessian(goal, { at });
          const same = { steps: 12, probes: 3, seed: 2, k: 2, which: 'both-ends', confidence: 0.9 } as const;
          using analysis = await analyseHessian(operator, same);
          const { density, eigenpairs: pairs, trace, numProducts } = analysis;
          const found = row.curvature!;
          expect([found.largest.value, found.smallest.value]).to.deep.equal(Array.from(pairs.values));
          expect([found.largest.residual, found.smallest.residual]).to.deep.equal(
            Array.from(pairs.residuals),
          );
          expect(found.numProducts).to.equal(numProducts);
          expect(found.searchProducts).to.equal(pairs.numProducts);
          expect(found.coldProducts).to.equal(null);
          const { value, low, high, standardError } = trace;
          expect(found.spectrum!.trace).to.deep.equal({ value, low, high, standardError });
          expect(found.spectrum!.criteria).to.deep.equal(density.criteria);
          expect(found.spectrum!.type).to.equal(hessianType(density).type);
          expect(found.spectrum!.typeReason).to.equal(hessianType(density).reason);
          const { size, steps, nodes, weights, residualBounds } = density;
          expect(found.spectrum!.density).to.deep.equal({ size, steps, nodes, weights, residualBounds });
        }
      }
      expect(track.datasets.map((data) => data.numCurvatureSamples)).to.deep.equal([8, 8]);
      expect(track.datasets.map((data) => data.numSamples)).to.deep.equal([10, 14]);
    }
  });

  it('without a spectrum: the same extremes, found from those of the checkpoint before in fewer products', async () => {
    using model = await loadFixture('convbn');
    // Steps of one run that are close to each other.
    using first = await loadSolution(model, paths[0]!);
    using last = await loadSolution(model, paths[2]!);
    const dir = mkdtempSync(join(tmpdir(), 'lossatlas-'));
    try {
      const steps: string[] = [];
      for (const share of [0, 0.02, 0.04, 0.06]) {
        using theta = await model.vector(
          mixed(await first.theta.toArray(), await last.theta.toArray(), share),
        );
        const path = join(dir, `step-${steps.length}.pt`);
        await saveSolution(path, new Solution(path, theta, first.buffers));
        steps.push(path);
      }
      const options = { spectrum: false, compareCold: true, tolerance: 1e-5, seed: 1 } as const;
      const track = await trackCheckpoints(model, steps, datasets(), options);
      const total = { warm: 0, cold: 0 };
      for (const [c, path] of steps.entries()) {
        using at = await loadSolution(model, path);
        for (const [d, data] of datasets().entries()) {
          using goal = objective(model, data);
          using operator = hessian(goal, { at });
          using pairs = await eigenpairs(operator, { k: 2, which: 'both-ends', tolerance: 1e-9 });
          const { largest, smallest, spectrum, numProducts, searchProducts, coldProducts } =
            track.checkpoints[c]!.rows[d]!.curvature!;
          expect(largest.value).to.be.closeTo(pairs.values[0]!, 1e-8);
          expect(smallest.value).to.be.closeTo(pairs.values[1]!, 1e-8);
          expect([spectrum, searchProducts]).to.deep.equal([null, numProducts]);
          expect(coldProducts === null).to.equal(c === 0);
          if (coldProducts === null) continue;
          using cold = await eigenpairs(operator, { k: 2, which: 'both-ends', tolerance: 1e-5, seed: 1 });
          expect(coldProducts).to.equal(cold.numProducts);
          total.warm += numProducts;
          total.cold += coldProducts;
        }
      }
      expect(total.warm).to.be.below(0.9 * total.cold);
      expect(track.readings).to.deep.equal([]);
      expect(trackTable(track)).to.match(/λ max/).and.not.match(/KH05/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('leave out the Hessian where none is asked for', async () => {
    using model = await loadFixture('convbn');
    const first = await trackCheckpoints(model, paths, datasets(), { ...quick, curvature: 'first' });
    expect(first.order).to.equal('given');
    expect(first.datasets.map((data) => data.numCurvatureSamples)).to.deep.equal([10, 0]);
    for (const { rows } of first.checkpoints)
      expect(rows.map(({ curvature }) => curvature === null)).to.deep.equal([false, true]);
    const none = await trackCheckpoints(model, paths, datasets(), { curvature: 'none' });
    expect(none.provenance.operator).to.equal(null);
    for (const { rows } of none.checkpoints)
      expect(rows.map(({ curvature }) => curvature)).to.deep.equal([null, null]);
    expect(trackTable(none)).not.to.match(/λ/);
  });

  it('of a run that diverged: a loss that is not finite, and no Hessian', async () => {
    using model = await loadFixture('convbn');
    using own = await ownSolution(model);
    using theta = await model.vector(new Float64Array(model.size).fill(NaN));
    const list = [paths[0]!, new Solution('lost', theta, own.buffers), paths[1]!];
    const track = await trackCheckpoints(model, list, datasets(), { ...quick, epochs: [1, 2, 3] });
    expect(track.checkpoints[1]!.rows[0]!.loss).to.satisfy(Number.isNaN);
    expect(track.checkpoints[1]!.rows[0]!.curvature).to.equal(null);
    expect(track.checkpoints[2]!.rows[0]!.curvature!.largest.converged).to.equal(true);
    expect(track.checkpoints.map(({ position }) => position)).to.deep.equal([1, 2, 3]);
    const notes = ['train', 'other'].map(
      (name) => `the loss on ${name} is not finite, so that there is no Hessian: lost`,
    );
    expect(track.notes).to.deep.equal(notes);
    for (const note of notes) expect(trackTable(track)).to.include(`- ${note}`);
    const alone = await trackCheckpoints(model, list, datasets(), { curvature: 'first', ...quick });
    expect(alone.notes.slice(-2)).to.deep.equal([notes[0], 'the loss on other is not finite: lost']);
  });

  it('say where a product with the Hessian is not finite, and nothing where no Hessian was asked for', () => {
    const checkpoint = (label: string, ...rows: readonly object[]) => ({ label, rows }) as never;
    const [found, none] = [
      { loss: 1, curvature: {} },
      { loss: 1, curvature: null },
    ];
    const sets = [
      { name: 'a', numCurvatureSamples: 8 },
      { name: 'b', numCurvatureSamples: 0 },
    ] as never;
    const checkpoints = [checkpoint('x', found, none), checkpoint('y', none, none), checkpoint('unread')];
    expect(notesOnGaps(sets, checkpoints)).to.deep.equal([
      'a product with the Hessian on a is not finite: y',
    ]);
  });

  it('keep the densities that were asked for', async () => {
    using model = await loadFixture('convbn');
    let notes: readonly string[] = [];
    const kept = async (snapshots: SnapshotChoice) => {
      const options = { ...quick, curvature: 'first', snapshots } as const;
      const track = await trackCheckpoints(model, folder, datasets(), options);
      notes = track.notes;
      return track.checkpoints.map(({ rows }) => rows[0]!.curvature!.spectrum!.density !== null);
    };
    expect(await kept('ends')).to.deep.equal([true, true, true]);
    expect(await kept('none')).to.deep.equal([false, false, false]);
    expect(await kept(2)).to.deep.equal([true, false, true]);
    expect(await kept([2, 10])).to.deep.equal([false, true, true]);
    expect(notes).to.deep.equal([]);
    expect(await kept([1, 3, 77])).to.deep.equal([true, false, false]);
    expect(notes).to.deep.equal(['no density is kept at epoch 3, 77: there is no such epoch']);
  });
});

function mixed(a: Float64Array, b: Float64Array, share: number): Float64Array {
  return a.map((value, i) => value + share * (b[i]! - value));
}

describe('tracks: order and problems', () => {
  expectNoLiveHandles();
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });
  const run = async (model: Model, options: TrackOptions = {}) =>
    trackCheckpoints(model, dir, datasets(), { curvature: 'none', ...options });
  const labels = ({ checkpoints }: Track) => checkpoints.map(({ label }) => label);

  it('goes by the epochs in the files, and says where two have one', async () => {
    using model = await loadFixture('convbn');
    copyFileSync(paths[2]!, join(dir, 'a.pt'));
    copyFileSync(paths[0]!, join(dir, 'b.pt'));
    copyFileSync(paths[0]!, join(dir, 'last.pt'));
    const track = await run(model);
    expect(labels(track)).to.deep.equal(['b.pt', 'last.pt', 'a.pt']);
    expect(track.notes).to.deep.equal(['epoch 1 is that of b.pt and last.pt']);
    expect(trackTable(track)).to.include('epoch 1 is that of b.pt and last.pt');
  });

  it('goes by names where a file says no epoch: 2 before 10', async () => {
    using model = await loadFixture('convbn');
    copyFileSync(paths[2]!, join(dir, 'epoch-10.pt'));
    using own = await ownSolution(model);
    await saveSolution(join(dir, 'epoch-2.pt'), own);
    const track = await run(model);
    expect(labels(track)).to.deep.equal(['epoch-2.pt', 'epoch-10.pt']);
    expect([track.order, track.axis]).to.deep.equal(['name', 'checkpoint']);
    expect(track.checkpoints.map(({ position }) => position)).to.deep.equal([1, 2]);
    expect(track.notes[0]).to.match(/epoch-2\.pt/);
  });

  it('a file that cannot be read or does not fit says why, and is no end', async () => {
    using model = await loadFixture('convbn');
    copyFileSync(paths[0]!, join(dir, 'epoch-1.pt'));
    writeFileSync(join(dir, 'epoch-2.pt'), readFileSync(paths[1]!).subarray(0, 5000));
    copyFileSync(paths[2]!, join(dir, 'epoch-10.pt'));
    await writeTorch(
      join(dir, 'epoch-11.pt'),
      new Map<CheckpointValue, CheckpointValue>([
        ['epoch', 11],
        ['model', new Map()],
      ]),
    );
    const track = await run(model);
    expect(labels(track)).to.deep.equal(['epoch-1.pt', 'epoch-2.pt', 'epoch-10.pt', 'epoch-11.pt']);
    expect(track.checkpoints.map(({ problem }) => problem === null)).to.deep.equal([
      true,
      false,
      true,
      false,
    ]);
    expect(track.checkpoints[1]!.problem).to.match(/ERR_CHECKPOINT/);
    expect(track.checkpoints[1]!.position).to.satisfy(Number.isNaN);
    expect(track.checkpoints[1]!.rows).to.deep.equal([]);
    expect(track.axis).to.equal('epoch');
    expect(trackTable(track)).to.match(/- epoch-2\.pt: ERR_CHECKPOINT/);
    await rejects(async () => run(model, { onProblem: 'stop' }), 'ERR_CHECKPOINT');
    expect(fromJson(toJson(track), 'track')).to.deep.equal(track);
  });

  it('refuses bad input by name, before any work', async () => {
    using model = await loadFixture('convbn');
    const sets = datasets();
    const calls: readonly [() => Promise<unknown>, RegExp][] = [
      [async () => trackCheckpoints({} as never, folder, sets), /model/],
      [async () => trackCheckpoints(model, [], sets), /checkpoints/],
      [async () => trackCheckpoints(model, '', sets), /checkpoints/],
      [async () => trackCheckpoints(model, [7 as never], sets), /checkpoints/],
      [async () => trackCheckpoints(model, [paths[0]!, paths[0]!], sets), /twice/],
      [async () => trackCheckpoints(model, folder, []), /datasets/],
      [async () => trackCheckpoints(model, folder, [sets[0]!, sets[0]!]), /'train' twice/],
      [async () => trackCheckpoints(model, folder, sets, { curvature: 'some' as never }), /curvature/],
      [async () => trackCheckpoints(model, folder, sets, { curvatureSamples: 0 }), /curvatureSamples/],
      [async () => trackCheckpoints(model, folder, sets, { snapshots: 'first' as never }), /snapshots/],
      [async () => trackCheckpoints(model, folder, sets, { snapshots: 0 }), /snapshots/],
      [async () => trackCheckpoints(model, folder, sets, { spectrum: false, probes: 3 }), /probes/],
      [async () => trackCheckpoints(model, folder, sets, { compareCold: true }), /compareCold/],
      [async () => trackCheckpoints(model, folder, sets, { epochs: [1] }), /epochs/],
      [async () => trackCheckpoints(model, paths, sets, { epochs: [1] }), /a list of 3/],
      [async () => trackCheckpoints(model, paths, sets, { follow: {} }), /folder/],
      [async () => trackCheckpoints(model, folder, sets, { follow: { until: 0 } }), /until/],
      [async () => trackCheckpoints(model, folder, sets, { follow: { idl: 1 } as never }), /idle/],
      [async () => trackCheckpoints(model, folder, sets, { prob: 1 } as never), /probes/],
    ];
    for (const [call, message] of calls) await rejects(call, 'ERR_INVALID_OPTION', message);
    await rejects(async () => trackCheckpoints(model, dir, sets), 'ERR_FILE_NOT_FOUND', /follow/);
    // Of the second data set before a row of the first.
    const { inputs, targets } = sets[0]!;
    const wrong = BigInt64Array.from(targets!.data as BigInt64Array).fill(99n, -1);
    const late = dataset({ inputs: inputs[0]!, targets: { ...targets!, data: wrong } }, { name: 'late' });
    const seen: number[] = [];
    const onProgress = ({ done }: { done: number }): void => void seen.push(done);
    await rejects(
      async () => trackCheckpoints(model, folder, [sets[0]!, late], { ...quick, onProgress }),
      'ERR_LABEL_RANGE',
      /of late is 99/,
    );
    expect(seen).to.deep.equal([]);
    await rejects(async () => trackCheckpoints(model, join(dir, 'no'), sets), 'ERR_FILE_NOT_FOUND');
  });
});

describe('tracks: going on', () => {
  expectNoLiveHandles();
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });
  const spectral = { ...quick, curvatureSamples: 8 } as const;
  const extremes = { spectrum: false, seed: 2, curvatureSamples: 8 } as const;

  it('after an abort at any step it ends with the same bits', async () => {
    using model = await loadFixture('convbn');
    for (const options of [spectral, extremes]) {
      const whole = core(await trackCheckpoints(model, folder, datasets(), options));
      const resume = join(dir, `${'spectrum' in options ? 'extremes' : 'spectral'}.track`);
      let isDone = false;
      let numStops = 0;
      for (let stopAfter = 1; !isDone; stopAfter += 7) {
        const stop = new AbortController();
        let own = 0;
        const onProgress = () => {
          if (++own === stopAfter) stop.abort();
        };
        try {
          const part = { ...options, resume, onProgress, signal: stop.signal };
          const track = await trackCheckpoints(model, folder, datasets(), part);
          expect(core(track)).to.deep.equal(whole);
          isDone = true;
        } catch (error) {
          expect((error as { code: string }).code).to.equal('ERR_ABORTED');
          numStops++;
        }
      }
      expect(numStops).to.be.above(3);
      const seen: number[] = [];
      const onProgress = ({ done }: { done: number }) => seen.push(done);
      const again = await trackCheckpoints(model, folder, datasets(), { ...options, resume, onProgress });
      expect(core(again)).to.deep.equal(whole);
      expect(seen.length, 'nothing is computed twice').to.be.at.most(7);
      // Killed with a row half written: the eigenvectors that it started from are still there.
      truncateSync(resume, statSync(resume).size - 1);
      const cut = await trackCheckpoints(model, folder, datasets(), { ...options, resume });
      expect(core(cut)).to.deep.equal(whole);
      for (const other of [
        { seed: 3 },
        { curvatureSamples: 7 },
        { labelSmoothing: 0.1 },
        { tolerance: 1e-3 },
      ])
        await rejects(
          async () => trackCheckpoints(model, folder, datasets(), { ...options, ...other, resume }),
          'ERR_RESUME',
        );
    }
  });

  it('goes on with checkpoints and data sets that were added, and computes anew what has changed', async () => {
    using model = await loadFixture('convbn');
    const copies = join(dir, 'run.track');
    for (const options of [spectral, extremes]) {
      rmSync(copies, { force: true });
      for (const name of readdirSync(dir)) rmSync(join(dir, name));
      const fill = (from: readonly number[]) => {
        from.forEach((source, i) => {
          copyFileSync(paths[source]!, join(dir, files[i]!));
        });
      };
      const [train, other] = datasets() as [Dataset, Dataset];
      const counts: number[] = [];
      const track = async (sets: readonly Dataset[]) => {
        let computed = 0;
        const onProgress = ({ remainingSeconds }: { remainingSeconds: number | null }) => {
          if (remainingSeconds !== null) computed++;
        };
        const found = await trackCheckpoints(model, dir, sets, { ...options, resume: copies, onProgress });
        counts.push(computed);
        const fresh = await trackCheckpoints(model, dir, sets, options);
        expect(core(found)).to.deep.equal(core(fresh));
        return found;
      };
      fill([0]);
      await track([train]);
      fill([0, 1]);
      await track([train]);
      fill([0, 1]);
      await track([train, other]);
      // Another content under the first name: without a spectrum the second search starts from elsewhere.
      fill([2, 1]);
      const changed = await track([train, other]);
      expect(changed.notes).to.deep.equal([]);
      expect(counts.every((count) => count > 0)).to.equal(true);
    }
  });
});

describe('tracks: what a file to go on with must tell apart', () => {
  expectNoLiveHandles();
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it('the batches of a Hessian from those of a loss', async () => {
    using model = await loadFixture('convbn');
    const resume = join(dir, 'run.track');
    const options = { ...quick, mode: 'train', resume } as const;
    await trackCheckpoints(model, paths.slice(0, 1), datasets(), options);
    // What a loss has where nothing is said; a Hessian has all of its samples in one batch then.
    const other = { ...options, batchSize: 500 };
    await rejects(
      async () => trackCheckpoints(model, paths.slice(0, 1), datasets(), other),
      'ERR_RESUME',
      /atch/,
    );
  });

  it('data sets with a Hessian from those without', async () => {
    using model = await loadFixture('convbn');
    const options = { ...quick, batchSize: 8, curvature: 'first', resume: join(dir, 'run.track') } as const;
    await trackCheckpoints(model, paths.slice(0, 1), datasets(), options);
    const swapped = await trackCheckpoints(model, paths.slice(0, 1), datasets().reverse(), options);
    const [first, second] = swapped.checkpoints[0]!.rows;
    expect([first!.data, first!.curvature === null]).to.deep.equal(['other', false]);
    expect([second!.data, second!.curvature]).to.deep.equal(['train', null]);
  });

  it('a search that passed over a checkpoint without a finite loss goes on from the one before it', async () => {
    using model = await loadFixture('convbn');
    using first = await loadSolution(model, paths[0]!);
    using last = await loadSolution(model, paths[2]!);
    using theta = await model.vector(new Float64Array(model.size).fill(1e300));
    using buffers = await model.bufferState();
    const broken = new Solution('broken', theta, buffers);
    const options = { spectrum: false, seed: 2, curvatureSamples: 8 } as const;
    const whole = await trackCheckpoints(model, [first, broken, last], datasets(), options);
    expect(whole.checkpoints[1]!.rows[0]!.curvature).to.equal(null);
    const resume = join(dir, 'run.track');
    await trackCheckpoints(model, [first], datasets(), { ...options, resume });
    const resumed = await trackCheckpoints(model, [first, broken, last], datasets(), { ...options, resume });
    expect(core(resumed)).to.deep.equal(core(whole));
  });
});

describe('tracks: the reading of KH05', () => {
  it('is the correlation of both changes, over mainly positive spectra alone', () => {
    const row = (data: string, accuracy: number, kh05: number, re: number, type = 'mainly-positive') =>
      ({
        data,
        accuracy,
        curvature: { spectrum: { type, criteria: { kh05: { value: kh05 }, re: { value: re } } } },
      }) as never;
    const sets = [{ name: 'a' }, { name: 'b' }] as never;
    const checkpoint = (...rows: never[]) => ({ hash: JSON.stringify(rows), rows }) as never;
    // KH05 rises by 2 where accuracy falls by 1; re by its square.
    const falls = [0.1, 0.2, 0.4].map((fall) =>
      checkpoint(row('a', 0.9, 0.1, 0.2), row('b', 0.9 - fall, 0.1 + 2 * fall, 0.2 + fall * fall)),
    );
    const other = checkpoint(row('a', 0.9, 0.1, 0.2), row('b', 0.95, 5, 5, 'undecided'));
    const [reading] = readingsOf(sets, [...falls, other, falls[0]!]);
    expect([reading!.data, reading!.from, reading!.numCheckpoints]).to.deep.equal(['b', 'a', 3]);
    expect(reading!.kh05).to.be.closeTo(-1, 1e-12);
    expect(reading!.re).to.be.closeTo(correlation([0.01, 0.04, 0.16], [-0.1, -0.2, -0.4], 1, 1), 1e-12);
    expect(readingsOf(sets, falls.slice(1))[0]!.kh05).to.satisfy(Number.isNaN);
    expect(readingsOf(sets, [other])[0]!.numCheckpoints).to.equal(0);
  });

  it('is Pearson’s r', () => {
    // By hand: means 2 and 4; products −1·−2 + 0·−1 + 1·3 = 5; squares 2 and 14.
    expect(correlation([1, 2, 3], [2, 3, 7], 3, 7)).to.be.closeTo(5 / Math.sqrt(28), 1e-15);
    expect(correlation([1, 1, 1], [2, 3, 7], 1, 7)).to.satisfy(Number.isNaN);
    expect(correlation([1, 2], [2, 3], 2, 3)).to.satisfy(Number.isNaN);
    // Rounding is no variation.
    const constant = [0.9 - 1, 0.8 - 0.9, 0.7 - 0.8];
    expect(correlation([1, 2, 6], constant, 6, 1)).to.satisfy(Number.isNaN);
    expect(correlation([0.1, 0.1, 0.1], [2, 3, 7], 0.1, 7)).to.satisfy(Number.isNaN);
  });
});
