import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadModel,
  loadSolution,
  trackCheckpoints,
  writeSafetensors,
  type FollowOptions,
  type Model,
  type Track,
  type TrackCheckpoint,
  type TrackOptions,
} from '../../dist/index.js';
import { run, runUntilDone } from '../support/child.js';
import { rejects } from '../support/errors.js';
import { fixture, goldenData } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

const files = ['epoch-1.pt', 'epoch-2.pt', 'epoch-10.pt'];
const source = (i: number) => fixture(join('tracks', files[i]!));

/** Writes `from` to `to` as a slow disk would: some bytes every so many milliseconds, in a process of its own. */
async function writeSlowly(from: string, to: string, pieces: number, pauseMs: number): Promise<void> {
  const body = `
    import { readFileSync, openSync, writeSync, closeSync } from 'node:fs';
    const bytes = readFileSync(${JSON.stringify(from)});
    const file = openSync(${JSON.stringify(to)}, 'w');
    const size = Math.ceil(bytes.length / ${pieces});
    for (let at = 0; at < bytes.length; at += size) {
      writeSync(file, bytes, at, Math.min(size, bytes.length - at));
      await new Promise((resolve) => setTimeout(resolve, ${pauseMs}));
    }
    closeSync(file);`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', body]);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the writer ended with ${code}`));
    });
  });
}

const pause = async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function core({ provenance: _, ...others }: Track): Omit<Track, 'provenance'> {
  return others;
}

describe('following a training run', function () {
  this.timeout(180_000);
  expectNoLiveHandles();
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const data = () => [goldenData('convbn.eval.x', 'convbn.eval.y')];
  const options = { steps: 6, probes: 2, seed: 1 } as const;
  const follow = async (model: Model, how: FollowOptions, more: TrackOptions = {}) =>
    trackCheckpoints(model, dir, data(), { ...options, follow: { poll: 0.03, ...how }, ...more });

  it('waits for files that are written in slow pieces, and reads none of them by half', async () => {
    using model = await loadModel(fixture('convbn.pt'));
    using last = await loadSolution(model, source(2));
    const tensors = model.parameters.map(({ name, shape, offset, numel }) => ({
      name,
      shape,
      offset,
      numel,
    }));
    const theta = await last.theta.toArray();
    const buffers = await Promise.all(
      model.buffers
        .filter(({ name }) => !name.endsWith('num_batches_tracked'))
        .map(async ({ name, shape }) => [
          name,
          { dtype: 'float64', shape, data: await last.buffers.toArray(name) },
        ]),
    );
    const named = tensors.map(({ name, shape, offset, numel }) => [
      name,
      { dtype: 'float64', shape, data: theta.slice(offset, offset + numel) },
    ]);
    const other = join(dir, 'whole');
    await writeSafetensors(other, new Map([...named, ...buffers] as never));
    const seen: TrackCheckpoint[] = [];
    const running = follow(
      model,
      { until: 3, settle: 60 },
      { onCheckpoint: (checkpoint) => void seen.push(checkpoint) },
    );
    // Pauses of many looks: it lies there unchanged, and is not whole.
    await writeSlowly(source(0), join(dir, files[0]!), 6, 250);
    await writeSlowly(source(1), join(dir, files[1]!), 40, 10);
    await writeSlowly(other, join(dir, 'epoch-10.safetensors'), 5, 200);
    const track = await running;
    expect(seen.map(({ problem }) => problem)).to.deep.equal([null, null, null]);
    expect(track.checkpoints.map(({ label }) => label)).to.deep.equal([
      'epoch-1.pt',
      'epoch-2.pt',
      'epoch-10.safetensors',
    ]);
    const expected = await trackCheckpoints(model, [0, 1, 2].map(source), data(), options);
    expected.checkpoints.forEach(({ rows }, i) => {
      const [found, wanted] = [track.checkpoints[i]!.rows[0]!, rows[0]!];
      expect([found.loss, found.curvature!.largest]).to.deep.equal([wanted.loss, wanted.curvature!.largest]);
    });
  });

  it('waits for a folder that is not there yet, and ends with the stop file, the last checkpoint done', async () => {
    using model = await loadModel(fixture('convbn.pt'));
    rmSync(dir, { recursive: true });
    const stopFile = join(tmpdir(), `stop-${process.pid}`);
    rmSync(stopFile, { force: true });
    const running = follow(model, { stopFile });
    try {
      await pause(150);
      await run(`import { mkdirSync } from 'node:fs'; mkdirSync(${JSON.stringify(dir)});`);
      copyFileSync(source(0), join(dir, files[0]!));
      await pause(400);
      const writing = writeSlowly(source(1), join(dir, files[1]!), 5, 150);
      await pause(350);
      writeFileSync(stopFile, '');
      await writing;
      const track = await running;
      expect(track.checkpoints.map(({ label, problem }) => [label, problem])).to.deep.equal([
        ['epoch-1.pt', null],
        ['epoch-2.pt', null],
      ]);
    } finally {
      rmSync(stopFile, { force: true });
    }
  });

  it('a file that stays damaged is a problem after a while, and is read again once it is whole', async () => {
    using model = await loadModel(fixture('convbn.pt'));
    copyFileSync(source(0), join(dir, files[0]!));
    const bytes = readFileSync(source(1));
    writeFileSync(join(dir, files[1]!), bytes.subarray(0, bytes.length - 200));
    copyFileSync(source(2), join(dir, files[2]!));
    // Temporary files of a writer that renames are no checkpoints.
    writeFileSync(join(dir, '.0123456789abcdef.tmp'), bytes.subarray(0, 100));
    const seen: [string, boolean][] = [];
    const startedAt = performance.now();
    let damagedAt = 0;
    const track = await follow(
      model,
      { idle: 0.5, settle: 0.4 },
      {
        onCheckpoint: ({ label, problem }) => {
          seen.push([label, problem === null]);
          if (problem === null) return;
          damagedAt = performance.now() - startedAt;
          writeFileSync(join(dir, 'new'), bytes);
          renameSync(join(dir, 'new'), join(dir, label));
        },
      },
    );
    expect(damagedAt).to.be.above(400);
    expect(seen).to.have.deep.members([
      ['epoch-1.pt', true],
      ['epoch-2.pt', false],
      ['epoch-10.pt', true],
      ['epoch-2.pt', true],
    ]);
    const whole = await trackCheckpoints(model, [0, 1, 2].map(source), data(), options);
    expect(track.checkpoints.map(({ rows }) => rows)).to.deep.equal(
      whole.checkpoints.map(({ rows }) => rows),
    );
  });

  it('ends when nothing comes any more, and with the signal', async () => {
    using model = await loadModel(fixture('convbn.pt'));
    copyFileSync(source(0), join(dir, files[0]!));
    const startedAt = performance.now();
    const track = await follow(model, { idle: 0.4 });
    expect(track.checkpoints.length).to.equal(1);
    expect(performance.now() - startedAt).to.be.above(400);
    const stop = new AbortController();
    const soFar: Track[] = [];
    const onCheckpoint = (_: TrackCheckpoint, found: Track) => {
      soFar.push(found);
      setTimeout(() => {
        stop.abort();
      }, 100);
    };
    const waiting = follow(model, { poll: 60 }, { signal: stop.signal, onCheckpoint });
    setTimeout(() => {
      stop.abort();
    }, 200);
    await rejects(async () => waiting, 'ERR_ABORTED');
    expect(soFar.length).to.equal(0);
  });

  it('killed at any moment (kill -9), it ends with bit-identical figures', async () => {
    for (const spectrum of [true, false]) {
      const body = (resume: string | null) => `
        const model = await lib.loadModel(${JSON.stringify(fixture('convbn.pt'))});
        const golden = lib.readNpz((await import('node:fs')).readFileSync(${JSON.stringify(fixture('golden.npz'))}));
        const data = lib.dataset({ inputs: golden['convbn.eval.x'], targets: golden['convbn.eval.y'] });
        const list = [0, 1, 2, 0, 1, 2].map((i) => ${JSON.stringify(files)}[i]);
        const paths = list.map((name, i) => ${JSON.stringify(fixture('tracks'))} + (i < 3 ? '/' : '/./') + name);
        const track = await lib.trackCheckpoints(model, paths, [data], {
          ${spectrum ? 'steps: 40, probes: 4, snapshots: "all"' : 'spectrum: false, tolerance: 1e-10'},
          seed: 1,
          onProgress: ({ done }) => process.stdout.write(done + ' '),
          ${resume === null ? '' : `resume: ${JSON.stringify(resume)},`}
        });
        process.stdout.write('\\n' + JSON.stringify(JSON.parse(lib.toJson(track)).checkpoints));`;
      const whole = await run(body(null));
      const expected = whole.stdout.split('\n')[1]!;
      expect(expected, whole.stderr).to.match(/largest/);
      const { firsts, result } = await runUntilDone(body(join(dir, `${spectrum}.track`)), 60);
      expect(firsts.length).to.be.above(2);
      expect(result).to.equal(expected);
    }
  });

  it('has the same figures with the folder followed as with the folder done', async () => {
    using model = await loadModel(fixture('convbn.pt'));
    for (const name of [0, 1, 2]) copyFileSync(source(name), join(dir, files[name]!));
    for (const spectrum of [true, false]) {
      const more = spectrum ? {} : { spectrum, steps: undefined, probes: undefined };
      const followed = await follow(model, { until: 3 }, more as TrackOptions);
      const done = await trackCheckpoints(model, dir, data(), { ...options, ...more } as TrackOptions);
      expect(core(followed)).to.deep.equal(core(done));
    }
  });
});
