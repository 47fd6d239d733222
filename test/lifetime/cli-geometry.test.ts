import { expect } from 'chai';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  basinVolume,
  convexityMap,
  loadJson,
  loadModel,
  loadNpz,
  objective,
  randomPlane,
  sharpness,
  type Sharpness,
} from '../../dist/index.js';
import { lossatlas } from '../support/command-line.js';
import { projectPath } from '../support/fixtures.js';

const path = projectPath('examples/digits/digits.script.pt');
const file = projectPath('examples/digits/digits.npz');
const data = `${file}:inputs=x_test,targets=y_test,scale=1/16`;

describe('basins, sharpness and convexity on the command line', function () {
  this.timeout(180_000);
  let folder: string;
  const out = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-geometry-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('give what the library gives, and write it', async () => {
    using model = await loadModel(path);
    const dataset = await loadNpz(file, { inputs: 'x_test', targets: 'y_test', scale: 1 / 16 });
    using loss = objective(model, dataset);
    const runs: readonly (readonly [string, readonly string[]])[] = [
      ['basin', ['basin', '--cutoff', '1', '--rays', '6', '--seed', '2', '--normalization', 'filter']],
      ['sharpness', ['sharpness', '--samples', '2', '--subspace-size', '0', '--epsilons', '1e-3']],
      ['convexity', ['landscape', 'convexity', '--points', '2', '--tolerance', '0.01', '--seed', '3']],
    ];
    for (const [, [command, ...rest]] of runs) {
      const isNested = command === 'landscape';
      const [name, options] = isNested ? [[command, rest[0]!], rest.slice(1)] : [[command!], rest];
      const { code, stderr } = await lossatlas([...name, path, '-d', data, ...options, '-o', folder]);
      expect(code, stderr).to.equal(0);
    }
    const basin = await loadJson(out('basin.json'), 'basin-volume');
    const expected = await basinVolume(loss, { cutoff: 1, rays: 6, seed: 2, normalization: 'filter' });
    expect(basin.radii).to.deep.equal(expected.radii);
    const found = await loadJson(out('sharpness.json'), 'sharpness');
    const sharp = await sharpness(loss, { samples: 2, subspaceSize: 0, epsilons: [1e-3] });
    expect([found.keskar, found.sam, found.average]).to.deep.equal([sharp.keskar, sharp.sam, sharp.average]);
    const map = await loadJson(out('convexity.json'), 'eigenvalue-map');
    using plane = await randomPlane(model, { seed: 3 });
    const own = await convexityMap(loss, plane, { points: 2, tolerance: 0.01, seed: 3 });
    expect([map.smallest, map.largest]).to.deep.equal([own.smallest, own.largest]);
    expect(existsSync(out('convexity.svg'))).to.equal(true);
    expect(existsSync(out('convexity.resume'))).to.equal(false);
  });

  it('of a single point: the numbers without a figure, which is no error', async () => {
    const few = ['-d', `${data},limit=32`, '--points', '1'];
    for (const name of ['convexity', 'surface', 'line', 'atlas']) {
      const { code, stderr } = await lossatlas([
        'landscape',
        name,
        path,
        ...few,
        '-o',
        out(`single-${name}`),
      ]);
      expect(code, stderr).to.equal(0);
      expect(stderr).to.match(/no figure of the [\w-]+, of which an axis has a single point/);
      expect(readdirSync(out(`single-${name}`)), name).to.deep.equal([`${name}.json`]);
    }
    // What is there of an earlier run is said.
    writeFileSync(out('single-line/line.png'), '');
    const again = ['landscape', 'line', path, ...few, '-o', out('single-line')];
    expect((await lossatlas(again)).stderr).to.match(/line\.png: figures of an earlier run/);
    const plot = await lossatlas(['plot', out('single-convexity/convexity.json'), '-o', out('single-plot')]);
    expect([plot.code, plot.stderr.includes('ERR_INVALID_DATA')], plot.stderr).to.deep.equal([1, true]);
    expect(existsSync(out('single-plot'))).to.equal(false);
  });

  it('counts eigenvalues by a density and by known ones', async () => {
    const counts = ['--thresholds', '0,8', '--steps', '20', '--probes', '2', '--eigenpairs', '4'];
    const few = ['--samples', '2', '--subspace-size', '0', '--json'];
    const { code, stdout, stderr } = await lossatlas(['sharpness', path, '-d', data, ...counts, ...few]);
    expect(code, stderr).to.equal(0);
    const { counts: found } = JSON.parse(stdout) as Sharpness;
    expect(found.map(({ threshold, knownAbove }) => [threshold, knownAbove])).to.deep.equal([
      [0, null],
      [8, 1],
    ]);
    expect(found[1]!.knownBelow).to.equal(1921);
    // Twenty steps say little of how many are above 0, and that is said.
    const words = await lossatlas([
      'sharpness',
      path,
      '-d',
      data,
      ...counts,
      ...few.slice(0, -1),
      '-o',
      folder,
    ]);
    expect(words.stdout).to.match(/above 0: between [\d.]+ and [\d.]+ \([\d.]+ by quadrature/);
    expect(words.stdout).to.contain('above 8: 1; below: 1921');
  });

  it('an interrupted map goes on', async () => {
    const args = [
      'landscape',
      'convexity',
      path,
      '-d',
      data,
      '--points',
      '5',
      '-o',
      folder,
      '--name',
      'stopped',
    ];
    const stopped = await lossatlas(args, { interruptAt: /convexity map: 1\// });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.contain('The same command goes on with the rest.');
    expect(existsSync(out('stopped.resume.vectors'))).to.equal(true);
    const rest = await lossatlas(args);
    expect(rest.code, rest.stderr).to.equal(0);
    expect(existsSync(out('stopped.resume.vectors'))).to.equal(false);
  });

  it('summaries say whose weights they are of, and what is a bound', async () => {
    const few = ['-d', `${data},limit=64`];
    const words = async (args: readonly string[]) => {
      const { code, stdout, stderr } = await lossatlas([
        ...args,
        '-q',
        '--images',
        'none',
        '-o',
        out('words'),
      ]);
      expect(code, stderr).to.equal(0);
      return stdout;
    };
    const near = ['basin', path, '-d', data, '--cutoff', '1', '--rays', '3', '--max-radius', '0.01'];
    expect(await words(near)).to.match(/Radius +at least 0\.01, .*\nRange .* and more/);
    const fresh = ['landscape', 'convexity', path, ...few, '--points', '2', '--random-weights', '4'];
    expect(await words(fresh))
      .to.match(/weights of .*seed 4/)
      .and.match(/convex \(λ min ≥ 0 within its residual\) at [0-4] of 4 points/);
    const both = await lossatlas([...fresh, '-w', path, '--json']);
    expect([both.code, both.stderr.includes('Option --weights is not for')], both.stderr).to.deep.equal([
      2,
      true,
    ]);
    const exact = ['analyse', path, '-d', data, '--exact-trace', '--steps', '4', '--probes', '2'];
    expect(await words(exact))
      .to.match(/Trace +36\.83\d+ \(exact\)/)
      .and.match(/Products +\d+: density and eigenvalues 8 \+ \d+; the trace took 3600 backward passes/);
    expect(await words([...exact, '--dry-run'])).to.match(/Trace +a backward pass of every output/);
    const inexact = await lossatlas([...exact, '--relative-error', '0.1', '--dry-run']);
    expect(inexact.code).to.equal(2);
    expect(inexact.stderr).to.contain('--relative-error must be absent with option --exact-trace');
  });

  it('refuses what would do nothing, and a cutoff below the loss', async () => {
    const idle = await lossatlas(['sharpness', path, '-d', data, '--probes', '3']);
    expect(idle.code).to.equal(2);
    expect(idle.stderr).to.contain('thresholds');
    const low = await lossatlas(['basin', path, '-d', data, '--cutoff', '0.01', '-o', folder]);
    expect(low.code).to.equal(2);
    expect(low.stderr).to.contain('option --cutoff must be above the loss of the model');
  });
});
