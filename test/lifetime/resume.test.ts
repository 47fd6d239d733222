import { expect } from 'chai';
import {
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortError,
  dataset,
  interpolate,
  landscapeAtlas,
  loadSolution,
  lossLine,
  lossSurface,
  objective,
  ownSolution,
  randomDirection,
  randomPlane,
} from '../../dist/index.js';
import { run, runUntilDone } from '../support/child.js';
import { rejects } from '../support/errors.js';
import { fixture, goldenArray, goldenData, loadFixture, projectPath } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

const data = goldenData('convbn.eval.x', 'convbn.eval.y');

describe('resuming a sweep', function () {
  this.timeout(180_000);
  expectNoLiveHandles();
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  for (const [what, options] of [
    ['with gradients', 'points: 41, gradientNorm: true,'],
    ['several points at once', 'points: 101,'],
  ] as const)
    it(`killed at any moment (kill -9), it ends with bit-identical values: ${what}`, async () => {
      const body = (file: string | null) => `
      const { model, loss } = await setting();
      const plane = await lib.randomPlane(model, { seed: 5 });
      const resume = ${JSON.stringify(file)};
      const surface = await lib.lossSurface(loss, plane, {
        ${options}
        onProgress: ({ done }) => process.stdout.write(done + ' '),
        ...(resume === null ? {} : { resume }),
      });
      process.stdout.write('\\n' + JSON.stringify([surface.provenance.plan, ...surface.loss, ...surface.accuracy, ...(surface.gradientNorm ?? [])]));`;
      const whole = await run(body(null));
      const expected = whole.stdout.split('\n')[1]!;
      const file = join(folder, 'sweep');
      const { firsts, result } = await runUntilDone(body(file), 45);
      expect(firsts.length).to.be.above(2);
      expect(firsts, 'each run goes on where the one before was killed').to.deep.equal(
        [...firsts].sort((a, b) => a - b),
      );
      expect(firsts.at(-1)).to.be.above(100);
      expect(result).to.equal(expected);
    });

  it('a file that is cut anywhere or damaged goes on from its last good point', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data, { metrics: ['top-2'] });
    using plane = await randomPlane(model, { seed: 1 });
    const file = join(folder, 'sweep');
    const whole = await lossSurface(loss, plane, { points: 9, resume: file });
    const { size } = await stat(file);
    const good = await readFile(file);
    for (let length = 0; length <= size; length += 97) {
      await copyFile(file, join(folder, 'cut'));
      await truncate(join(folder, 'cut'), length);
      const again = await lossSurface(loss, plane, { points: 9, resume: join(folder, 'cut') });
      expect(Array.from(again.loss), `cut at ${length}`).to.deep.equal(Array.from(whole.loss));
      expect(Array.from(again.metrics['top-2']!)).to.deep.equal(Array.from(whole.metrics['top-2']!));
    }
    for (let at = size - 30 * 28; at < size; at += 41) {
      const bad = Buffer.from(good);
      bad[at]! ^= 0x10;
      await writeFile(join(folder, 'bad'), bad);
      const again = await lossSurface(loss, plane, { points: 9, resume: join(folder, 'bad') });
      expect(Array.from(again.loss), `damaged at ${at}`).to.deep.equal(Array.from(whole.loss));
    }
    const bad = Buffer.from(good);
    bad[40]! ^= 1;
    await writeFile(join(folder, 'bad'), bad);
    await rejects(
      async () => lossSurface(loss, plane, { points: 9, resume: join(folder, 'bad') }),
      'ERR_RESUME',
      /damaged/,
    );
    await writeFile(join(folder, 'text'), 'somebody’s notes');
    await rejects(
      async () => lossSurface(loss, plane, { points: 9, resume: join(folder, 'text') }),
      'ERR_RESUME',
      /no file/,
    );
    expect(await readFile(join(folder, 'text'), 'utf8')).to.equal('somebody’s notes');
  });

  it('a file of another output of the model is refused', async () => {
    using model = await loadFixture('list_output');
    const inputs = goldenArray('outputs.x');
    const [count] = inputs.shape as [number];
    // A label that both outputs have.
    const samples = dataset({ inputs, targets: { data: new BigInt64Array(count), shape: [count] } });
    using plane = await randomPlane(model, { seed: 1 });
    const file = join(folder, 'sweep');
    const surfaceOf = async (output: number) => {
      using loss = objective(model, samples, { output });
      return await lossSurface(loss, plane, { points: 3, resume: file });
    };
    await surfaceOf(1);
    await rejects(async () => surfaceOf(0), 'ERR_RESUME', /output: 1 in the file, 0 now/);
  });

  it('a file of other settings is refused, and the message shows the difference', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using plane = await randomPlane(model, { seed: 1 });
    const file = join(folder, 'sweep');
    await lossSurface(loss, plane, { points: 5, resume: file });
    const before = await readFile(file);
    using train = objective(model, data, { mode: 'train' });
    using half = objective(model, data.slice(0, 5));
    using smooth = objective(model, data, { labelSmoothing: 0.1 });
    using other = await randomPlane(model, { seed: 2 });
    using there = await loadSolution(model, fixture('convbn_adam.pt'));
    using single = await loadFixture('convbn', { dtype: 'float32' });
    using singleLoss = objective(single, data);
    using singlePlane = await randomPlane(single, { seed: 1 });
    const attempts: [RegExp, () => Promise<unknown>][] = [
      [
        /mode: eval in the file, train now/,
        async () => lossSurface(train, plane, { points: 5, resume: file }),
      ],
      [/other content of the data/, async () => lossSurface(half, plane, { points: 5, resume: file })],
      [
        /labelSmoothing: 0 in the file, 0.1 now/,
        async () => lossSurface(smooth, plane, { points: 5, resume: file }),
      ],
      [/other directions/, async () => lossSurface(loss, other, { points: 5, resume: file })],
      [/points: 25 in the file, 49 now/, async () => lossSurface(loss, plane, { points: 7, resume: file })],
      [/other grid/, async () => lossSurface(loss, plane, { points: 5, range: [-2, 2], resume: file })],
      [/other weights/, async () => lossSurface(loss, plane, { points: 5, at: there, resume: file })],
      [
        /gradientNorm: false in the file, true now/,
        async () => lossSurface(loss, plane, { points: 5, gradientNorm: true, resume: file }),
      ],
      [
        /dtype: float64 in the file, float32 now/,
        async () => lossSurface(singleLoss, singlePlane, { points: 5, resume: file }),
      ],
      [
        /kernel switches: .* in the file, LOSSATLAS_FIRST_LAYER now/,
        async () => {
          process.env.LOSSATLAS_FIRST_LAYER = 'libtorch';
          try {
            return await lossSurface(loss, plane, { points: 5, resume: file });
          } finally {
            delete process.env.LOSSATLAS_FIRST_LAYER;
          }
        },
      ],
    ];
    for (const [message, work] of attempts) await rejects(work, 'ERR_RESUME', message);
    expect((await readFile(file)).equals(before)).to.equal(true);
    await rejects(
      async () => lossSurface(loss, plane, { points: 5, resume: join(folder, 'no', 'folder') }),
      'ERR_FILE_NOT_WRITABLE',
    );
    for (const device of ['/dev/full', '/dev/null', folder]) {
      await rejects(
        async () => lossSurface(loss, plane, { points: 5, resume: device }),
        'ERR_FILE_NOT_WRITABLE',
      );
    }
  });

  it('one sweep at a time writes a file', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using one = await randomDirection(model, { seed: 1 });
    using two = await randomDirection(model, { seed: 2 });
    const resume = join(folder, 'sweep');
    const outcomes = await Promise.allSettled([
      lossLine(loss, one, { resume, points: 301 }),
      lossLine(loss, two, { resume, points: 301 }),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')!;
    expect(String(failed.reason)).to.match(/is being written by another run of this process/);
    // A lock of a process that is gone is taken over.
    await writeFile(`${resume}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, thread: 0, host: hostname() }));
    const nameless = `${join(folder, 'new')}.lock`;
    await writeFile(nameless, '');
    await utimes(nameless, 0, 0);
    await lossLine(loss, one, { resume: join(folder, 'new'), points: 3 });
    const first = outcomes[0].status === 'fulfilled' ? one : two;
    await lossLine(loss, first, { resume, points: 301 });
  });

  it('of several processes that take one lock at once, one has it: a new one, and one of a dead process', async () => {
    const rounds = 8;
    for (const isStale of [false, true]) {
      const place = (round: number) => join(folder, `${isStale ? 'stale' : 'new'}${round}`);
      for (let round = 0; isStale && round < rounds; round++)
        await writeFile(
          `${place(round)}.lock`,
          JSON.stringify({ pid: 2 ** 22 + 1, thread: 0, host: hostname() }),
        );
      const startAt = Date.now() + 4000;
      const body = `
        const { FileLock } = await import(${JSON.stringify(projectPath('dist/io/file-lock.js'))});
        const locks = [];
        const held = [];
        for (let round = 0; round < ${rounds}; round++) {
          const at = ${startAt} + 100 * round;
          while (Date.now() < at - 5) await sleep(1);
          while (Date.now() < at);
          try {
            locks.push(await FileLock.take(${JSON.stringify(place(0).slice(0, -1))} + round));
            held.push(round);
          } catch (error) {
            if (error.code !== 'ERR_RESUME') throw error;
          }
        }
        // Whoever is late finds them held still.
        await sleep(3000);
        for (const lock of locks) await lock.release();
        console.log(JSON.stringify(held));`;
      const outcomes = await Promise.all(Array.from({ length: 4 }, () => run(body)));
      const held = outcomes.flatMap(({ stdout }) => JSON.parse(stdout) as number[]);
      const each = Array.from({ length: rounds }, (_, round) => held.filter((r) => r === round).length);
      expect(each, isStale ? 'of a dead process' : 'new').to.deep.equal(Array(rounds).fill(1));
    }
    expect((await readdir(folder)).filter((name) => name.includes('.lock'))).to.deep.equal([]);
  });

  it('lines, interpolations and atlases resume too', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using direction = await randomDirection(model, { seed: 3 });
    using to = await loadSolution(model, fixture('convbn_adam.pt'));
    using from = await ownSolution(model);
    const runs = [
      async (resume: string) => (await lossLine(loss, direction, { resume })).loss,
      async (resume: string) => (await interpolate(loss, from, to, { resume })).loss,
      async (resume: string) =>
        (await landscapeAtlas(loss, { seeds: [1, 2], points: 5, resume })).surfaces[1]!.loss,
    ];
    for (const [i, work] of runs.entries()) {
      const file = join(folder, `sweep${i}`);
      const first = await work(file);
      expect(Array.from(await work(file))).to.deep.equal(Array.from(first));
    }
  });
});

describe('aborting a sweep', () => {
  expectNoLiveHandles();

  it('keeps what was computed: in the error, and in the file', async () => {
    using model = await loadFixture('convbn');
    using loss = objective(model, data);
    using plane = await randomPlane(model, { seed: 1 });
    const whole = await lossSurface(loss, plane, { points: 61 });
    const folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    const resume = join(folder, 'sweep');
    const controller = new AbortController();
    let abortedAt = 0;
    const error = await rejects(
      async () =>
        lossSurface(loss, plane, {
          points: 61,
          resume,
          signal: controller.signal,
          onProgress: ({ done }) => {
            if (done < 200 || abortedAt > 0) return;
            abortedAt = done;
            controller.abort();
          },
        }),
      'ERR_ABORTED',
    );
    if (!(error instanceof AbortError)) throw error;
    const partial = error.partial!;
    expect(partial.numDone).to.equal(abortedAt);
    expect(Array.from(partial.loss.subarray(0, abortedAt))).to.deep.equal(
      Array.from(whole.loss.subarray(0, abortedAt)),
    );
    expect(partial.loss.subarray(abortedAt).every(Number.isNaN)).to.equal(true);
    const starts: number[] = [];
    const again = await lossSurface(loss, plane, {
      points: 61,
      resume,
      onProgress: ({ done }) => {
        starts.push(done);
      },
    });
    expect(starts[0]).to.equal(abortedAt);
    expect(Array.from(again.loss)).to.deep.equal(Array.from(whole.loss));
    await rm(folder, { recursive: true });
  });
});
