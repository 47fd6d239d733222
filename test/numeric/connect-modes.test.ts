import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  AbortError,
  connectModes,
  dataset,
  interpolate,
  loadSolution,
  objective,
  ownSolution,
  readCheckpoint,
  saveSolution,
  Solution,
  type Connection,
  type ConnectModesOptions,
  type Dataset,
  type ModeConnection,
  type Model,
  type Objective,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { anyData, loadFixture } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

const golden = goldenFile('connection.npz');

function samples(net: string, part = ''): Dataset {
  const [inputs, targets] = [golden.array(`${net}.x${part}`), golden.array(`${net}.y${part}`)];
  return dataset({ inputs, targets }, { name: part === '' ? 'data' : 'test' });
}

/** Both ends of the golden curves. */
async function ends(model: Model, net: string): Promise<[Solution, Solution]> {
  const end = async (name: string) =>
    new Solution(name, await model.vector(golden.get(`${net}.${name}`)), await model.bufferState());
  return [await end('from'), await end('to')];
}

async function wells(model: Model): Promise<[Solution, Solution]> {
  const right = new Solution('right', await model.vector(Float64Array.of(1, 0)), await model.bufferState());
  return [await ownSolution(model, 'left'), right];
}

async function controlPoints({ curves }: Connection): Promise<number[]> {
  const all: number[] = [];
  for (const { bends } of curves) for (const { theta } of bends) all.push(...(await theta.toArray()));
  return all;
}

/** All but times. */
function figuresOf({ provenance: _, ...rest }: ModeConnection): unknown {
  return JSON.parse(
    JSON.stringify(rest, (key, value: unknown) =>
      key === 'provenance' ? null : value instanceof Float64Array ? Array.from(value, String) : value,
    ),
  );
}

describe('mode connectivity', () => {
  expectNoLiveHandles();
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('on a double well the Bezier curve finds the parabola that connects the wells', async () => {
    using model = await loadFixture('double_well');
    using loss = objective(model, anyData(1), { loss: 'model' });
    const [left, right] = await wells(model);
    using a = left;
    using b = right;
    using found = await connectModes(loss, a, b, {
      steps: 4000,
      optimizer: { name: 'sgd', lr: 0.1 },
      seed: 1,
      points: 61,
    });
    const [line, curve] = found.connection.paths;
    // well + valley·arch² in the middle of the line.
    expect(line!.evaluations[0]!.barrier.height).to.be.closeTo(0.01 + 4, 1e-14);
    expect(line!.evaluations[0]!.barrier.t).to.equal(0.5);
    const [x, y] = await controlPoints(found);
    expect(Math.abs(x!)).to.be.below(1e-3);
    expect(Math.abs(y! - 2)).to.be.below(1e-3);
    const { barrier, accuracyBarrier } = curve!.evaluations[0]!;
    expect(barrier.height).to.be.closeTo(0.01, 1e-6);
    expect(barrier.worst).to.be.closeTo(0.01, 1e-6);
    expect(barrier.t).to.equal(0.5);
    expect(accuracyBarrier).to.equal(null);
    // ∫√(4 + 16(1 − 2t)²)dt in closed form, for the control point (0, 2).
    expect(curve!.length).to.be.closeTo(Math.sqrt(5) + Math.asinh(2) / 2, 1e-4);
    expect(line!.length).to.equal(2);
    expect(found.connection.distance).to.equal(2);
    // The plane's axes are those of the parameters, from the left well.
    const { plane } = curve!;
    found.connection.t.forEach((t, i) => {
      expect(plane!.x[i]).to.be.closeTo(2 * t + 2 * t * (1 - t) * x!, 1e-12);
      expect(plane!.y[i]).to.be.closeTo(2 * t * (1 - t) * y!, 1e-12);
    });
  });

  for (const [key, path, batchSize, options] of [
    [
      'mlp.bezier',
      'bezier',
      8,
      { optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-2 } },
    ],
    [
      'mlp.chain',
      'chain',
      8,
      { optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-2 } },
    ],
    [
      'mlp.chain3',
      'chain',
      8,
      {
        bends: 3,
        optimizer: { name: 'sgd', lr: 0.2, momentum: 0.8, dampening: 0.3 },
        schedule: { name: 'step', stepSize: 7, gamma: 0.5 },
      },
    ],
    [
      'convbn.bezier2',
      'bezier',
      5,
      {
        bends: 2,
        optimizer: { name: 'adam', lr: 3e-2, betas: [0.8, 0.99], weightDecay: 1e-3 },
        schedule: { name: 'constant' },
      },
    ],
    [
      'convbn.amsgrad',
      'bezier',
      5,
      { optimizer: { name: 'adam', lr: 3e-2, amsgrad: true }, schedule: { name: 'constant' } },
    ],
  ] as const satisfies readonly (readonly [string, string, number, ConnectModesOptions])[]) {
    it(`twenty steps are PyTorch’s, gradients by autograd through the curve: ${key}`, async () => {
      const net = key.split('.')[0]!;
      using model = await loadFixture(net);
      using loss = objective(model, samples(net));
      const [first, second] = await ends(model, net);
      using a = first;
      using b = second;
      using found = await connectModes(loss, a, b, {
        path,
        batchSize,
        steps: 20,
        seed: 5,
        points: 3,
        mode: 'eval',
        ...options,
      });
      const { training } = found.connection.paths[1]!;
      expect(relativeError(training!.loss, golden.get(`${key}.losses`))).to.be.below(1e-10);
      expect(relativeError(await controlPoints(found), golden.get(`${key}.theta`))).to.be.below(1e-10);
      expect(training).to.include({ numSteps: 20, blockSteps: 1, divergedAt: null });
    });
  }

  it('lengths, coordinates, distances and barriers are those of arithmetic on the control points', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, samples('mlp'));
    const [first, second] = await ends(model, 'mlp');
    using a = first;
    using b = second;
    using found = await connectModes(loss, a, b, {
      path: ['chain', 'bezier'],
      bends: 2,
      steps: 30,
      batchSize: 7,
      points: 13,
      surface: 4,
    });
    const { t, paths, distance } = found.connection;
    expect(paths.map(({ kind, numBends }) => [kind, numBends])).to.deep.equal([
      ['linear', 0],
      ['chain', 2],
      ['bezier', 2],
    ]);
    const [from, to] = [await a.theta.toArray(), await b.theta.toArray()];
    const minus = (p: Float64Array, q: Float64Array) => p.map((value, i) => value - q[i]!);
    const dot = (p: Float64Array, q: Float64Array) => p.reduce((sum, value, i) => sum + value * q[i]!, 0);
    const norm = (p: Float64Array) => Math.sqrt(dot(p, p));
    const mix = (p: Float64Array, q: Float64Array, at: number) =>
      p.map((value, i) => (1 - at) * value + at * q[i]!);
    expect(distance).to.be.closeTo(norm(minus(to, from)), 1e-12);
    for (const [i, { kind, bends, plane }] of found.curves.entries()) {
      const path = paths[i + 1]!;
      const inner = await Promise.all(bends.map(async ({ theta }) => theta.toArray()));
      const points = [from, ...inner, to];
      const at = (time: number): Float64Array => {
        if (kind === 'chain') {
          const piece = Math.min(2, Math.floor(3 * time));
          return mix(points[piece]!, points[piece + 1]!, 3 * time - piece);
        }
        let level = points;
        while (level.length > 1) level = level.slice(1).map((point, k) => mix(level[k]!, point, time));
        return level[0]!;
      };
      // By ever finer polygons, with Richardson's step; a chain is one.
      const polygon = (n: number) =>
        Array.from({ length: n }, (_, k) => norm(minus(at((k + 1) / n), at(k / n)))).reduce((x, y) => x + y);
      const fine = polygon(600);
      expect(path.length).to.be.closeTo((4 * fine - polygon(300)) / 3, 1e-8);
      // Gram and Schmidt on the ends and the middle point.
      const e1 = minus(to, from).map((value) => value / distance);
      const rest = minus(points[2]!, from);
      const along = dot(rest, e1);
      const second_ = rest.map((value, k) => value - along * e1[k]!);
      const e2 = second_.map((value) => value / norm(second_));
      t.forEach((time, k) => {
        const step = minus(at(time), from);
        const [x, y] = [dot(step, e1), dot(step, e2)];
        expect(path.plane!.x[k]).to.be.closeTo(x, 1e-10);
        expect(path.plane!.y[k]).to.be.closeTo(y, 1e-10);
        const off = norm(step.map((value, j) => value - x * e1[j]! - y * e2[j]!));
        expect(path.plane!.distance[k]).to.be.closeTo(off, 1e-7);
      });
      expect(Math.max(...path.plane!.distance)).to.be.above(0.01);
      expect(path.plane!.solutions.map(({ label }) => label)).to.deep.equal([
        'from',
        ...[1, 2].map((k) => `${kind === 'chain' ? 'bend' : 'control point'} ${k}`),
        'to',
      ]);
      // The surface is on this plane: its corner is the model there.
      const surface = path.plane!.surface!;
      using corner = await model.vector(
        from.map((value, k) => value + surface.x[0]! * e1[k]! + surface.y[0]! * e2[k]!),
      );
      expect(surface.loss[0]).to.be.closeTo((await loss.evaluate(corner)).loss, 1e-9);
      expect(plane!.solutions.map(({ coordinates }) => coordinates[0])).to.include(0);
      for (const k of [0, 4, 12]) {
        using theta = await model.vector(at(t[k]!));
        const { loss: value, accuracy } = await loss.evaluate(theta);
        expect(path.evaluations[0]!.loss[k]).to.be.closeTo(value, 1e-12);
        expect(path.evaluations[0]!.accuracy![k]).to.equal(accuracy);
      }
    }
    const line = await interpolate(loss, a, b, { range: [0, 1], points: 13 });
    const [straight] = paths;
    expect(relativeError(straight!.evaluations[0]!.loss, line.loss)).to.be.below(1e-13);
    for (const { evaluations } of paths) {
      const { loss: losses, accuracy, barrier, accuracyBarrier } = evaluations[0]!;
      const excess = Array.from(
        losses,
        (value, k) => value - ((1 - t[k]!) * losses[0]! + t[k]! * losses[12]!),
      );
      expect(barrier.height).to.be.closeTo(Math.max(0, ...excess), 1e-15);
      expect(barrier.aboveWorseEnd).to.equal(Math.max(...losses) - Math.max(losses[0]!, losses[12]!));
      expect(losses[t.indexOf(barrier.worstAt)])
        .to.equal(barrier.worst)
        .and.to.equal(Math.max(...losses));
      const fall = Array.from(accuracy!, (s, k) => (1 - t[k]!) * accuracy![0]! + t[k]! * accuracy![12]! - s);
      expect(accuracyBarrier!.height).to.be.closeTo(Math.max(0, ...fall), 1e-15);
      expect(accuracyBarrier!.worst).to.equal(Math.min(...accuracy!));
      expect(accuracyBarrier!.aboveWorseEnd).to.equal(
        Math.min(accuracy![0]!, accuracy![12]!) - Math.min(...accuracy!),
      );
    }
  });

  it('with BatchNorm statistics are those of update_bn at every point, from the data, for other data too', async () => {
    using model = await loadFixture('convbn');
    const test = samples('convbn', '_test');
    using loss = objective(model, samples('convbn'), { batchSize: 4 });
    const [first, second] = await ends(model, 'convbn');
    using a = first;
    using b = second;
    const common = { path: 'linear', points: 5, evaluateOn: [test] } as const;
    using found = await connectModes(loss, a, b, common);
    const { provenance, paths, training } = found.connection;
    expect(provenance.mode).to.equal('recalibrate');
    expect(training).to.equal(null);
    expect(paths).to.have.length(1);
    const middles = paths[0]!.evaluations.map(({ loss: values }) => values[2]!);
    expect(relativeError(middles, golden.get('convbn.middle'))).to.be.below(1e-12);
    expect(paths[0]!.evaluations.map(({ data }) => data)).to.deep.equal(['data', 'test']);
    // Of an objective that recalibrates, the same; in eval mode statistics are interpolated.
    using own = objective(model, samples('convbn'), { batchSize: 4, mode: 'recalibrate' });
    using same = await connectModes(own, a, b, common);
    expect(figuresOf(same.connection)).to.deep.equal(figuresOf(found.connection));
    using plain = await connectModes(loss, a, b, { ...common, mode: 'eval' });
    const line = await interpolate(loss, a, b, { range: [0, 1], points: 5 });
    const values = plain.connection.paths[0]!.evaluations[0]!.loss;
    expect(relativeError(values, line.loss)).to.be.below(1e-12);
    expect(relativeError(values, paths[0]!.evaluations[0]!.loss)).to.be.above(1e-3);
    using batch = await connectModes(loss, a, b, { ...common, mode: 'train' });
    using trainLoss = objective(model, samples('convbn'), { batchSize: 4, mode: 'train' });
    const there = await interpolate(trainLoss, a, b, { range: [0, 1], points: 5 });
    expect(relativeError(batch.connection.paths[0]!.evaluations[0]!.loss, there.loss)).to.be.below(1e-12);
  });

  for (const [net, more] of [
    ['convbn', { optimizer: { name: 'adam', lr: 1e-2, amsgrad: true } }],
    ['dropout', {}],
    ['mlp', { bends: 3, optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9 } }],
  ] as const satisfies readonly (readonly [string, ConnectModesOptions])[]) {
    it(`interrupted anywhere, it goes on bit for bit: ${net}`, async () => {
      using model = await loadFixture(net);
      const name = net === 'convbn' ? 'convbn' : 'mlp';
      using loss = objective(model, samples(name), { batchSize: 4 });
      using a = await ownSolution(model, 'a');
      const noise = await model.randomVector('gaussian', 1);
      using b = new Solution('b', noise, await model.bufferState());
      const options: ConnectModesOptions = {
        path: ['bezier', 'chain'],
        steps: 12,
        batchSize: 5,
        points: 7,
        seed: 2,
        evaluateOn: [samples(name, '_test')],
        surface: 3,
        ...more,
      };
      using whole = await connectModes(loss, a, b, options);
      const expected = [figuresOf(whole.connection), await controlPoints(whole)];
      // In the first and the second training, between them, in the values, in the surfaces.
      for (const stopAt of [1, 5, 12, 19, 24, 30, 46, 50, 60]) {
        const resume = join(folder, `at${stopAt}`);
        const stop = new AbortController();
        const interrupted = await rejects(
          async () =>
            connectModes(loss, a, b, {
              ...options,
              resume,
              signal: stop.signal,
              onProgress: ({ done }) => {
                if (done >= stopAt) stop.abort();
              },
            }),
          'ERR_ABORTED',
        );
        expect(interrupted).to.be.instanceOf(AbortError);
        const seen: number[] = [];
        using resumed = await connectModes(loss, a, b, {
          ...options,
          resume,
          onProgress: ({ done }) => seen.push(done),
        });
        expect([figuresOf(resumed.connection), await controlPoints(resumed)]).to.deep.equal(expected);
        // 24 steps, 21 points and 18 of surfaces, of which the finished ones are not made again.
        expect(seen.at(-1)).to.equal(63);
        expect(seen.length).to.be.at.most(63 - stopAt + 8);
        expect(existsSync(`${resume}-curves.lock`)).to.equal(false);
      }
    });
  }

  it('refuses to go on with another run, and files that are none', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, samples('mlp'));
    const [first, second] = await ends(model, 'mlp');
    using a = first;
    using b = second;
    const resume = join(folder, 'run');
    const options = { steps: 3, points: 3, batchSize: 5, resume } as const;
    using _kept = await connectModes(loss, a, b, options);
    const before = readFileSync(`${resume}-curves`);
    for (const [change, words] of [
      [{ steps: 4 }, /steps: 3 in the file, 4 now/],
      [{ seed: 1 }, /seed: 0 in the file, 1 now/],
      [{ bends: 2 }, /bends: 1 in the file, 2 now/],
      [{ batchSize: 6 }, /batchSize: 5 in the file, 6 now/],
      [{ optimizer: { name: 'adam' } }, /optimizer/],
      [{ schedule: { name: 'constant' } }, /schedule/],
    ] as const)
      await rejects(async () => connectModes(loss, a, b, { ...options, ...change }), 'ERR_RESUME', words);
    await rejects(async () => connectModes(loss, b, a, options), 'ERR_RESUME', /other weights/);
    expect(readFileSync(`${resume}-curves`).equals(before)).to.equal(true);
    // Another kind of curve is no other run; its values are.
    await rejects(async () => connectModes(loss, a, b, { ...options, path: 'chain' }), 'ERR_RESUME', /paths/);
    // What PyTorch reads: a dict with a tensor of each curve.
    const { value } = await readCheckpoint(`${resume}-curves`);
    expect(value).to.be.instanceOf(Map);
    for (const [i, bytes] of [Buffer.from('no archive'), before.subarray(0, before.length - 40)].entries()) {
      const damaged = join(folder, `damaged${i}`);
      writeFileSync(`${damaged}-curves`, bytes);
      await rejects(
        async () => connectModes(loss, a, b, { ...options, resume: damaged }),
        'ERR_RESUME',
        /holds no curves/,
      );
      expect(readFileSync(`${damaged}-curves`).equals(bytes)).to.equal(true);
    }
    const other = join(folder, 'other');
    await saveSolution(`${other}-curves`, a);
    await rejects(
      async () => connectModes(loss, a, b, { ...options, resume: other }),
      'ERR_RESUME',
      /no curves/,
    );
    await rejects(
      async () => connectModes(loss, a, b, { ...options, resume: join(folder, 'no', 'folder') }),
      'ERR_FILE_NOT_WRITABLE',
    );
  });

  it('a training that diverges is data', async () => {
    using model = await loadFixture('double_well');
    using loss = objective(model, anyData(1), { loss: 'model' });
    const [left, right] = await wells(model);
    using a = left;
    using b = right;
    const options = { steps: 200, optimizer: { name: 'sgd', lr: 50 }, points: 5, seed: 1 } as const;
    using found = await connectModes(loss, a, b, { ...options, resume: join(folder, 'run'), surface: 2 });
    const { training, evaluations } = found.connection.paths[1]!;
    expect(training!.divergedAt).to.be.within(2, 199);
    expect(training!.numSteps).to.equal(training!.divergedAt! - 1);
    expect(evaluations[0]!.barrier.height).to.satisfy((height: number) => !(height < 1e6));
    // Nothing is trained again.
    using again = await connectModes(loss, a, b, { ...options, resume: join(folder, 'run'), surface: 2 });
    expect(figuresOf(again.connection)).to.deep.equal(figuresOf(found.connection));
  });

  it('points too far apart to measure end a training too', async () => {
    using model = await loadFixture('mlp', { dtype: 'float32' });
    using loss = objective(model, samples('mlp'));
    const [first, second] = await ends(model, 'mlp');
    using a = first;
    using b = second;
    using found = await connectModes(loss, a, b, {
      steps: 9,
      points: 3,
      optimizer: { name: 'adam', lr: 1e38 },
    });
    expect(found.connection.paths[1]!.training!.divergedAt).to.equal(1);
  });

  it('a step beyond what the type holds is not made', async () => {
    using model = await loadFixture('double_well', { dtype: 'float32' });
    using loss = objective(model, anyData(1), { loss: 'model' });
    const [left, right] = await wells(model);
    using a = left;
    using b = right;
    const optimizer = { name: 'sgd', lr: 1e39 } as const;
    using found = await connectModes(loss, a, b, { steps: 3, optimizer, points: 5, seed: 1 });
    const { training, evaluations } = found.connection.paths[1]!;
    expect(training).to.include({ divergedAt: 1, numSteps: 0 });
    expect(evaluations[0]!.loss.every(Number.isFinite)).to.equal(true);
  });

  it('a curve that stays on the line has no plane', async () => {
    using model = await loadFixture('double_well');
    using loss = objective(model, anyData(1), { loss: 'model' });
    const [left, right] = await wells(model);
    using a = left;
    using b = right;
    const frozen = { name: 'sgd', lr: 0 } as const;
    using found = await connectModes(loss, a, b, { steps: 2, optimizer: frozen, points: 3, surface: 5 });
    const [line, curve] = found.connection.paths;
    expect(curve!.plane).to.equal(null);
    expect(found.curves[0]!.plane).to.equal(null);
    expect(curve!.length).to.be.closeTo(2, 1e-13);
    expect(curve!.evaluations[0]!.loss).to.deep.equal(line!.evaluations[0]!.loss);
  });

  it('control points are solutions to keep, and float32 models are as good as their type', async () => {
    using model = await loadFixture('convbn', { dtype: 'float32' });
    using exact = await loadFixture('convbn');
    const run = async (on: Model): Promise<[number, number[]]> => {
      using loss = objective(on, samples('convbn'));
      const [first, second] = await ends(on, 'convbn');
      using a = first;
      using b = second;
      using found = await connectModes(loss, a, b, { steps: 20, batchSize: 5, points: 3, seed: 5 });
      const path = join(folder, `${on.dtype}.pth`);
      const [bend] = found.curves[0]!.bends;
      await saveSolution(path, bend!);
      using loaded = await loadSolution(on, path);
      expect(await loaded.theta.toArray()).to.deep.equal(await bend!.theta.toArray());
      expect(await loaded.buffers.toArray('bn1.running_mean')).to.deep.equal(
        await bend!.buffers.toArray('bn1.running_mean'),
      );
      return [found.connection.paths[1]!.evaluations[0]!.loss[1]!, await controlPoints(found)];
    };
    const [[lossHere, here], [lossThere, there]] = [await run(model), await run(exact)];
    expect(relativeError(here, there)).to.be.below(1e-4);
    expect(Math.abs(lossHere / lossThere - 1)).to.be.below(1e-3);
  });

  it('gives the same bits with streamed data, and leaves model and minima as they were', async () => {
    using model = await loadFixture('convbn');
    const [first, second] = await ends(model, 'convbn');
    using a = first;
    using b = second;
    using own = await ownSolution(model);
    const hashes = async () => Promise.all([a, b, own].map(async (solution) => solution.hash()));
    const before = await hashes();
    const results: unknown[] = [];
    for (const dataPlacement of ['held', 'streamed'] as const) {
      using loss = objective(model, samples('convbn'), { batchSize: 4, dataPlacement });
      using found = await connectModes(loss, a, b, {
        steps: 9,
        batchSize: 5,
        points: 4,
        seed: 1,
        surface: 2,
      });
      results.push([figuresOf(found.connection), await controlPoints(found)]);
    }
    expect(results[1]).to.deep.equal(results[0]);
    using after = await ownSolution(model);
    expect(await after.hash()).to.equal(before[2]);
    expect(await hashes()).to.deep.equal(before);
  });

  it('takes models in half precision, whose control points have more', async () => {
    using model = await loadFixture('mlp', { dtype: 'bfloat16' });
    using loss = objective(model, samples('mlp'));
    using a = await ownSolution(model, 'a');
    using b = new Solution('b', await model.randomVector('gaussian', 1), await model.bufferState());
    using found = await connectModes(loss, a, b, { steps: 40, batchSize: 7, points: 5, seed: 1 });
    const [line, curve] = found.connection.paths;
    expect(curve!.evaluations[0]!.loss.every(Number.isFinite)).to.equal(true);
    expect(curve!.training!.loss.at(-1)).to.be.below(curve!.training!.loss[0]!);
    expect(curve!.length).to.be.above(line!.length);
  });

  it('names what is wrong with its options', async () => {
    using model = await loadFixture('mlp');
    using other = await loadFixture('convbn');
    using loss = objective(model, samples('mlp'));
    const [first, second] = await ends(model, 'mlp');
    using a = first;
    using b = second;
    using foreign = await ownSolution(other);
    const call = async (options: unknown, from: unknown = a, on: unknown = loss) =>
      connectModes(on as Objective, from as Solution, b, options as ConnectModesOptions);
    for (const [options, words] of [
      [null, /options must be an object/],
      [{ path: 'bezeir' }, /'linear', 'bezier', 'chain'/],
      [{ path: [] }, /list of them/],
      [{ bends: 0 }, /bends/],
      [{ steps: 0.5 }, /steps/],
      [{ points: 2 }, /points/],
      [{ surface: 1 }, /surface/],
      [{ seed: -1 }, /seed/],
      [{ mode: 'test' }, /mode/],
      [{ evaluateOn: [1] }, /data sets/],
      [{ optimizer: 'sgd' }, /optimizer/],
      [{ optimizer: { name: 'adamw' } }, /'sgd' or 'adam'/],
      [{ optimizer: { name: 'sgd', momentun: 1 } }, /momentum/],
      [{ schedule: { name: 'step' } }, /stepSize/],
      [{ stepz: 3 }, /Did you mean 'steps'/],
      [{ path: 'linear', steps: 3 }, /'steps' must be absent/],
      [{ path: ['linear'], surface: 3 }, /'surface' must be absent/],
    ] as const)
      await rejects(async () => call(options), 'ERR_INVALID_OPTION', words);
    await rejects(async () => call({}, 'a.pth'), 'ERR_INVALID_OPTION', /a must be a Solution/);
    await rejects(async () => call({}, a, model), 'ERR_INVALID_OPTION', /an Objective/);
    await rejects(async () => call({}, foreign), 'ERR_LAYOUT_MISMATCH');
    await rejects(async () => call({}, b), 'ERR_DIRECTION', /same parameters/);
    // Of further data before the training of a curve.
    const { inputs, targets } = samples('mlp');
    const wrong = BigInt64Array.from(targets!.data as BigInt64Array).fill(99n, 17, 18);
    const late = dataset({ inputs: inputs[0]!, targets: { ...targets!, data: wrong } }, { name: 'late' });
    const seen: number[] = [];
    const onProgress = ({ done }: { done: number }): void => void seen.push(done);
    await rejects(async () => call({ evaluateOn: [late], onProgress }), 'ERR_LABEL_RANGE', /17 of late/);
    expect(seen).to.deep.equal([]);
  });

  it('a model that is traced in eval mode has a line, and no curve', async () => {
    using model = await loadFixture('convbn_traced_eval');
    using loss = objective(model, samples('convbn'));
    const [first, second] = await ends(model, 'convbn');
    using a = first;
    using b = second;
    expect(model.fixedMode).to.equal('eval');
    using line = await connectModes(loss, a, b, { path: 'linear', points: 3 });
    expect(line.connection.provenance.mode).to.equal('eval');
    await rejects(async () => connectModes(loss, a, b, { steps: 1, points: 3 }), 'ERR_MODE_BAKED_IN');
  });
});
