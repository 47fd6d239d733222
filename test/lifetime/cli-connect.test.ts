import { expect } from 'chai';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connectModes,
  fromJson,
  loadJson,
  loadModel,
  loadNpz,
  loadSolution,
  objective,
  randomSolution,
  saveSolution,
  train,
  type ModeConnection,
} from '../../dist/index.js';
import { run, runUntilDone } from '../support/child.js';
import { lossatlas } from '../support/command-line.js';
import { fixture, projectPath } from '../support/fixtures.js';

const path = projectPath('examples/digits/digits.script.pt');
const file = projectPath('examples/digits/digits.npz');
const data = ['-d', `${file}:inputs=x_train,targets=y_train,name=train,limit=400,scale=1/16`];
const test = ['--test', `${file}:inputs=x_test,targets=y_test,name=test,scale=1/16`];

/** All but times. */
function figuresOf({ paths, distance, training, fromHash, toHash }: ModeConnection): unknown {
  const of = paths.map(({ evaluations, training: trained, length, plane }) => [
    evaluations,
    trained,
    length,
    plane?.x,
    plane?.y,
    plane?.surface?.loss,
  ]);
  return { of, distance, training, fromHash, toHash };
}

describe('connecting minima on the command line', function () {
  this.timeout(240_000);
  let folder: string;
  let common: string[];
  const out = (name: string) => join(folder, name);
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-connect-'));
    using model = await loadModel(path);
    const samples = await loadNpz(file, { inputs: 'x_train', targets: 'y_train', scale: 1 / 16, limit: 400 });
    for (const seed of [1, 2]) {
      using start = await randomSolution(model, { seed });
      const optimizer = { name: 'adam', lr: 3e-3 } as const;
      using training = await train(model, samples, {
        from: start,
        epochs: 8,
        batchSize: 32,
        seed,
        optimizer,
      });
      await saveSolution(out(`${seed}.pth`), training.solution);
    }
    common = ['connect', path, '--from', out('1.pth'), '--to', out('2.pth'), ...data];
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('gives what the library gives: the barrier of the line is gone along both curves', async () => {
    const few = ['--steps', '150', '--points', '11', '--step-batch-size', '64', '--seed', '3'];
    const args = [...common, ...test, ...few, '--path', 'bezier,chain', '--surface', '5', '-o', out('run')];
    const { code, stdout, stderr } = await lossatlas(args);
    expect(code, stderr).to.equal(0);
    expect(stdout)
      .to.match(/straight line\n +train: barrier/)
      .and.match(/Written: .*connection-chain.pth/);
    expect(readdirSync(out('run')).sort()).to.deep.equal([
      'connection-bezier.pth',
      'connection-chain.pth',
      'connection-contour.png',
      'connection-contour.svg',
      'connection.json',
      'connection.png',
      'connection.svg',
    ]);
    const found = await loadJson(out('run/connection.json'), 'mode-connection');
    const heights = found.paths.map(({ evaluations }) => evaluations[0]!.barrier.height);
    expect(heights[0]).to.be.above(0.5);
    expect(Math.max(heights[1]!, heights[2]!)).to.be.below(0.1 * heights[0]!);
    using model = await loadModel(path);
    const options = { targets: 'y_train', scale: 1 / 16, limit: 400, name: 'train' };
    using loss = objective(model, await loadNpz(file, { inputs: 'x_train', ...options }));
    const other = await loadNpz(file, { inputs: 'x_test', targets: 'y_test', scale: 1 / 16, name: 'test' });
    using a = await loadSolution(model, out('1.pth'));
    using b = await loadSolution(model, out('2.pth'));
    using own = await connectModes(loss, a, b, {
      steps: 150,
      points: 11,
      batchSize: 64,
      seed: 3,
      path: ['bezier', 'chain'],
      surface: 5,
      evaluateOn: [other],
    });
    expect(figuresOf(found)).to.deep.equal(figuresOf(own.connection));
    // A later run says what is not its own.
    const again = await lossatlas([
      ...common,
      '--steps',
      '2',
      '--points',
      '3',
      '--bends',
      '2',
      '-o',
      out('run'),
    ]);
    expect(again.stderr).to.match(
      /connection-bezier\.pth, connection-chain\.pth: control points of an earlier run/,
    );
    using bend = await loadSolution(model, out('run/connection-bezier.pth'));
    expect(await bend.theta.toArray()).to.deep.equal(await own.curves[0]!.bends[0]!.theta.toArray());
  });

  it('Ctrl-C keeps curves and points, and the same command goes on to the same bits', async () => {
    const args = [...common, '--steps', '300', '--points', '5', '--formats', 'json', '--images', 'none'];
    const whole = await lossatlas([...args, '--json']);
    expect(whole.code, whole.stderr).to.equal(0);
    const stopped = await lossatlas([...args, '-o', out('stopped')], {
      interruptAt: /mode connection: \d/,
    });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.contain('The same command goes on with the rest.');
    expect(existsSync(out('stopped/connection.resume-curves'))).to.equal(true);
    const refused = await lossatlas([...args, '--lr', '0.1', '-o', out('stopped')]);
    expect(refused.stderr).to.match(/ERR_RESUME/);
    const rest = await lossatlas([...args, '-o', out('stopped'), '--json']);
    expect(rest.code, rest.stderr).to.equal(0);
    const results = [whole, rest].map(({ stdout }) => figuresOf(fromJson(stdout, 'mode-connection')));
    expect(results[1]).to.deep.equal(results[0]);
    expect(readdirSync(out('stopped')).sort()).to.deep.equal(['connection-bezier.pth', 'connection.json']);
  });

  it('killed at any moment (kill -9), a run ends with the same bits', async () => {
    const body = (resume: string | null) => `
      const { model, loss } = await setting();
      const a = await lib.loadSolution(model, ${JSON.stringify(out('1.pth'))});
      const b = await lib.loadSolution(model, ${JSON.stringify(out('2.pth'))});
      const found = await lib.connectModes(loss, a, b, {
        // Curves are kept about once a second: long enough for several of them on any machine.
        steps: 1200,
        points: 9,
        batchSize: 64,
        path: ['chain', 'bezier'],
        onProgress: ({ done }) => process.stdout.write(done + ' '),
        ...(${JSON.stringify(resume)} === null ? {} : { resume: ${JSON.stringify(resume)} }),
      });
      const theta = await found.curves[1].bends[0].theta.toArray();
      const losses = found.connection.paths.flatMap(({ evaluations }) => [...evaluations[0].loss]);
      process.stdout.write('\\n' + JSON.stringify([...theta, ...losses]));`;
    const whole = await run(body(null));
    const expected = whole.stdout.split('\n')[1]!;
    expect(expected.length, whole.stderr).to.be.above(1000);
    const { firsts, result } = await runUntilDone(body(out('killed')), 500);
    expect(new Set(firsts).size, 'it goes on where it was').to.be.above(2);
    expect(firsts).to.deep.equal([...firsts].sort((x, y) => x - y));
    expect(result).to.equal(expected);
  });

  it('says what a run would take, and which option is wrong', async () => {
    const dry = await lossatlas([
      ...common,
      '--dry-run',
      '--path',
      'chain',
      '--steps',
      '40',
      '-o',
      out('dry'),
    ]);
    expect(dry.code, dry.stderr).to.equal(0);
    expect(dry.stdout)
      .to.match(/linear, chain from 1.pth to 2.pth/)
      .and.match(/162 steps and points/);
    expect(existsSync(out('dry'))).to.equal(false);
    const line = await lossatlas([...common, '--dry-run', '--path', 'linear', '--points', '5']);
    expect(line.stdout, line.stderr).to.match(/5 points/);
    const golden = `${fixture('golden.npz')}:inputs=convbn.eval.x,targets=convbn.eval.y`;
    const net = ['connect', fixture('convbn.pt'), '--from', fixture('tracks/epoch-1.pt'), '-d', golden];
    const modes = await lossatlas([...net, '--dry-run', '--path', 'linear']);
    expect(modes.stdout.match(/\w+ mode/g), modes.stderr).to.deep.equal(['recalibrate mode']);
    for (const [more, words] of [
      [['--path', 'linear', '--lr', '1'], /Option --lr is for curves/],
      [['--path', 'linear', '--steps', '1'], /: option --steps must be absent/],
      [['--path', 'arc'], /linear, bezier, chain/],
      [['--optimizer', 'adamw'], /sgd, adam/],
      [['--optimizer', 'adam', '--momentum', '0.5'], /momentum/],
      [['--schedule', 'step'], /: option --step-size must be/],
      [
        ['--schedule', 'constant', '--schedule-steps', '5'],
        /Option --schedule-steps is for --schedule cosine/,
      ],
      [['--schedule', 'cosine', '--gamma', '0.5'], /Option --gamma is for --schedule step/],
      [['--surface', '1'], /surface/],
      [['--figures', 'density'], /figures/],
    ] as const) {
      const { code, stderr } = await lossatlas([...common, ...more, '--json']);
      expect([code, words.test(stderr)], stderr).to.deep.equal([2, true]);
    }
    const alone = await lossatlas(['connect', path, ...data, '--json']);
    expect([alone.code, alone.stderr]).to.satisfy(
      ([code, words]: [number, string]) => code === 2 && words.includes('give --from and --to'),
    );
  });
});
