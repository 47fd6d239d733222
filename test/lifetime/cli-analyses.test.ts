import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  analyseHessian,
  eigenpairs,
  fromJson,
  hessian,
  loadJson,
  loadModel,
  loadNpz,
  lossSurface,
  objective,
  randomPlane,
  spectralDensity,
  type Eigenpairs,
  type LossSurface,
  type SpectralDensity,
  type TraceEstimate,
} from '../../dist/index.js';
import { checkpointFolder, lossatlas } from '../support/command-line.js';
import { projectPath } from '../support/fixtures.js';

const model = projectPath('examples/digits/digits.script.pt');
const file = projectPath('examples/digits/digits.npz');
const data = `${file}:inputs=x_test,targets=y_test,scale=1/16`;

const commands = [
  [],
  ['demo'],
  ['doctor'],
  ['setup'],
  ['inspect'],
  ['landscape'],
  ...['surface', 'line', 'interpolate', 'three-point', 'trajectory', 'atlas', 'modes', 'convexity'].map(
    (name) => ['landscape', name],
  ),
  ['hessian'],
  ['spectrum'],
  ['analyse'],
  ['basin'],
  ['sharpness'],
  ['compare'],
  ['evaluate'],
  ['train'],
  ['plot'],
  ['report'],
  ['convert'],
];

/** What two runs of the same have in common. */
function valuesOf({
  provenance: _,
  ...values
}: LossSurface | SpectralDensity | Eigenpairs | TraceEstimate): unknown {
  return values;
}

describe('analyses on the command line', function () {
  this.timeout(180_000);
  let folder: string;
  const out = (name: string) => join(folder, name);
  before(async () => {
    folder = await checkpointFolder('analyses');
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('every command explains itself', async () => {
    for (const command of commands) {
      const { code, stdout } = await lossatlas([...command, '--help']);
      expect(code, command.join(' ')).to.equal(0);
      expect(stdout).to.match(/^Usage: lossatlas/);
      expect(stdout).to.not.contain('undefined');
    }
    const { stdout } = await lossatlas(['landscape', 'surface', '--help']);
    expect(stdout).to.match(/--axes <random\|hessian[^]*--y-range[^]*--dry-run[^]*Exit codes: 0 done/);
  });

  it('landscape computes what the library computes, and writes results and figures', async () => {
    const args = ['landscape', model, '-d', data, '--points', '7', '--seed', '3', '--range', '-0.5,0.5'];
    const { code, stdout, stderr } = await lossatlas([...args, '--scale', 'log', '-o', out('surface')]);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/Loss +0\.0399[^]*Written: .*surface\.json/);
    // No terminal: plain lines on stderr alone.
    expect(stderr).to.match(/^loss surface: \d+\/49 in/);
    expect(readdirSync(out('surface')).sort()).to.deep.equal([
      'surface-contour.png',
      'surface-contour.svg',
      'surface.json',
      'surface.png',
      'surface.svg',
    ]);
    using net = await loadModel(model);
    using loss = objective(net, await loadNpz(file, { inputs: 'x_test', targets: 'y_test', scale: 1 / 16 }));
    using plane = await randomPlane(net, { seed: 3 });
    const expected = await lossSurface(loss, plane, { points: 7, range: [-0.5, 0.5] });
    const surface = await loadJson(join(out('surface'), 'surface.json'), 'loss-surface');
    expect(valuesOf(surface)).to.deep.equal(valuesOf(expected));
    expect(readFileSync(join(out('surface'), 'surface.svg'), 'utf8')).to.contain('loss (log scale)');
  });

  it('goes on where progress cannot be shown any more', function () {
    if (!existsSync('/dev/full')) {
      console.log('      skipped: no /dev/full here');
      this.skip();
    }
    const full = openSync('/dev/full', 'w');
    const args = ['landscape', model, '-d', data, '--points', '5', '--images', 'none', '-o', out('mute')];
    const { status } = spawnSync(process.execPath, [projectPath('dist/cli/main.js'), ...args], {
      stdio: ['ignore', 'ignore', full],
    });
    closeSync(full);
    expect([status, readdirSync(out('mute'))]).to.deep.equal([0, ['surface.json']]);
  });

  it('--json prints the result alone and writes no file', async () => {
    const args = ['landscape', 'line', model, '-d', data, '--points', '5', '--axis', 'gradient', '--json'];
    const { code, stdout } = await lossatlas(args, { cwd: folder });
    expect(code).to.equal(0);
    const line = fromJson(stdout, 'stdout', 'loss-line');
    expect([line.loss.length, line.axis.kind]).to.deep.equal([5, 'gradient']);
    expect(existsSync(out('lossatlas-out'))).to.equal(false);
  });

  it('takes options from YAML and JSON files, and the command line wins', async () => {
    writeFileSync(
      out('run.yaml'),
      `model: ${model}\ndata:\n  path: ${file}\n  inputs: x_test\n  targets: y_test\n  scale: 1/16\npoints: 3\nrange: [-0.25, 0.25]\nlabel-smoothing: 1/10\n`,
    );
    const fromFile = await lossatlas(['landscape', '-c', out('run.yaml'), '--json']);
    const surface = fromJson(fromFile.stdout, 'stdout', 'loss-surface');
    expect([...surface.x]).to.deep.equal([-0.25, 0, 0.25]);
    expect(surface.provenance?.options.labelSmoothing).to.equal(0.1);
    writeFileSync(out('run.json'), JSON.stringify({ model, data: [data], points: 3 }));
    const mixed = await lossatlas(['landscape', 'line', '-c', out('run.json'), '--points', '4', '--json']);
    expect(fromJson(mixed.stdout, 'stdout', 'loss-line').loss).to.have.length(4);
  });

  it('names the wrong key of a file and the right one', async () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['pionts: 3', /'.*wrong\.yaml': unknown key 'pionts'\. Did you mean 'points'\?/],
      ['points: many', /key 'points' must be an integer of at least 0/],
      ['range: [1, -1]', /key 'range' must be a pair \[low, high\]/],
      ['axes: [random]', /key 'axes' must be one of 'random'/],
      ['data: { path: x.npz, colour: blue }', /no data option 'colour'/],
      ['- points', /should be a map of options/],
      ['points: [', /cannot be read/],
    ];
    for (const [text, message] of wrong) {
      writeFileSync(out('wrong.yaml'), `${text}\n`);
      const { code, stderr } = await lossatlas(['landscape', model, '-c', out('wrong.yaml')]);
      expect(code, text).to.be.oneOf([1, 2]);
      expect(stderr).to.match(message);
    }
  });

  it('refuses wrong usage with 2 and missing files with 1, before any work', async () => {
    for (const args of [
      ['landscape', model],
      ['landscape', model, '-d', data, '--points', 'much'],
      ['landscape', model, '-d', data, '--points', '0'],
      ['landscape', model, '-d', data, '--pionts', '3'],
      ['landscape', model, '-d', data, '--axes', 'adam'],
      ['landscape', model, '-d', data, '--recipe', 'lla', '--y-points', '3'],
      ['landscape', model, '-d', data, '-d', data],
      ['spectrum', model, '-d', data, '--recipe', 'pyhessian', '--window', '3'],
      ['hessian', model, '-d', data, '--json'],
      ['compare', model, '-d', data, '-d', data],
      ['plot'],
      ['lanscape'],
    ]) {
      const { code, stderr } = await lossatlas(args, { cwd: folder });
      expect(code, `${args.join(' ')}: ${stderr}`).to.equal(2);
    }
    for (const args of [
      ['landscape', 'none.pt', '-d', data],
      ['landscape', model, '-d', 'none.npz'],
      ['landscape', model, '-d', data, '-w', 'none.pth'],
      ['landscape', model, '-d', data, '-c', 'none.yaml'],
      ['plot', 'none.json'],
    ]) {
      const { code, stderr } = await lossatlas([...args, '--out', 'nested/none'], { cwd: folder });
      expect([code, stderr.includes('ERR_FILE_NOT_FOUND')], args.join(' ')).to.deep.equal([1, true]);
      expect(existsSync(join(folder, 'nested')), args.join(' ')).to.equal(false);
    }
  });

  it('a folder that cannot be made is found before any work; a disk that fills up is said', async () => {
    const blocked = await lossatlas(['landscape', model, '-d', data, '-o', join(model, 'x')]);
    expect([blocked.code, blocked.stdout]).to.deep.equal([1, '']);
    expect(blocked.stderr).to.contain('ERR_FILE_NOT_WRITABLE');
    const args = ['landscape', model, '-d', data, '--points', '11', '--no-resume', '-o', out('full')];
    const full = await lossatlas(args, { maxFileBlocks: 8 });
    expect(full.code).to.equal(1);
    expect(full.stderr).to.contain('ERR_FILE_NOT_WRITABLE');
    // What was computed is on the screen at least.
    expect(full.stdout).to.match(/^Model /);
    expect(existsSync(out('full'))).to.equal(false);
  });

  it('a disk that fills up under the file to resume from: whether anything is in it is said', async () => {
    const args = ['landscape', model, '-d', data, '--points', '21', '-o', out('filling')];
    // Room for a lock; for the header and some points.
    for (const [maxFileBlocks, words] of [
      [1, 'Nothing is in it yet'],
      [8, 'What was computed so far is in it'],
    ] as const) {
      const { code, stderr } = await lossatlas(args, { maxFileBlocks });
      expect([code, stderr.includes(words)], stderr).to.deep.equal([1, true]);
    }
  });

  it('a folder that may not be read is said', function () {
    mkdirSync(out('closed'), { mode: 0 });
    const command = [projectPath('dist/cli/main.js'), 'evaluate', model, out('closed'), '-d', data];
    // Root may read everything, so somebody else tries.
    const isRoot = process.getuid?.() === 0;
    chmodSync(folder, 0o755);
    const { status, stderr } = spawnSync(process.execPath, command, {
      encoding: 'utf8',
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
    });
    chmodSync(out('closed'), 0o700);
    if (isRoot && /EACCES|MODULE_NOT_FOUND/.test(stderr)) {
      console.log('      skipped: another user may not read this folder at all');
      this.skip();
    }
    expect([status, stderr]).to.deep.equal([1, stderr]);
    expect(stderr).to.match(/Cannot read '.*closed': permission denied\. \[ERR_FILE_UNREADABLE\]/);
  });

  it('shows a bar with rate and remaining time on a terminal', function () {
    if (!existsSync('/usr/bin/script')) {
      console.log('      skipped: no script(1) here to make a terminal');
      this.skip();
    }
    const args = ['landscape', model, '-d', data, '--points', '21', '--images', 'none', '-o', out('bar')];
    const command = [process.execPath, projectPath('dist/cli/main.js'), ...args].join(' ');
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
    expect(stdout).to.match(/loss surface +[█░]+ \d+\/441 +[\d.]+\/s +[\d.]+ m?s left/);
  });

  it('--dry-run predicts and writes nothing', async () => {
    mkdirSync(out('dry'));
    for (const args of [
      ['landscape', '--points', '51'],
      ['landscape', 'line', '--axis', 'hessian'],
      ['landscape', 'atlas'],
      ['hessian'],
      ['spectrum'],
      ['analyse'],
      ['compare', '--batches', '2'],
      ['evaluate'],
    ]) {
      const { code, stdout, stderr } = await lossatlas([...args, model, '-d', data, '--dry-run', '--json'], {
        cwd: out('dry'),
      });
      expect(code, `${args.join(' ')}: ${stderr}`).to.equal(0);
      const plan = JSON.parse(stdout) as {
        total: number;
        secondsPerUnit: number;
        openSeconds?: number;
        seconds: number;
        peakBytes: number;
      };
      expect(plan.secondsPerUnit).to.be.within(1e-5, 10);
      const expected = (plan.openSeconds ?? 0) + plan.total * plan.secondsPerUnit;
      expect(plan.seconds).to.be.closeTo(expected, 1e-6 * plan.seconds);
      expect(plan.peakBytes).to.be.within(1e5, 1e10);
    }
    expect(readdirSync(out('dry'))).to.deep.equal([]);
    const words = await lossatlas(['landscape', model, '-d', data, '--points', '51', '--dry-run']);
    expect(words.stdout).to.match(/Nothing is written[^]*51 × 51 points[^]*Time +[\d.]+ m?s: 2601 points/);
  });

  it('a landscape that is stopped goes on to the same bits', async () => {
    const args = ['landscape', model, '-d', data, '--points', '51', '--images', 'none'];
    const stopped = await lossatlas([...args, '-o', out('stopped')], { interruptAt: /loss surface: / });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.match(/Stopped\. \d+ points were finished and are kept in '.*surface\.resume'/);
    expect(readdirSync(out('stopped'))).to.deep.equal(['surface.resume']);
    const resumed = await lossatlas([...args, '-o', out('stopped')]);
    expect(resumed.code).to.equal(0);
    expect(readdirSync(out('stopped'))).to.deep.equal(['surface.json']);
    const whole = await lossatlas([...args, '-o', out('whole')]);
    expect(whole.code).to.equal(0);
    const [a, b] = [
      await loadJson(join(out('stopped'), 'surface.json')),
      await loadJson(join(out('whole'), 'surface.json')),
    ];
    expect(valuesOf(a as LossSurface)).to.deep.equal(valuesOf(b as LossSurface));
  });

  it('a spectrum that is stopped keeps its finished probes', async () => {
    const args = ['spectrum', model, '-d', data, '--steps', '20', '--probes', '20', '--probes-per-pass', '1'];
    const quiet = [...args, '--images', 'none', '-o'];
    // At least one probe is done by the second line, five seconds later; or all of them are.
    const stopped = await lossatlas([...quiet, out('probes')], { interruptAt: /density: (?:[2-9]\d|\d{3})/ });
    if (stopped.code !== 0) {
      expect(stopped.code, stopped.stderr).to.equal(130);
      expect(stopped.stderr).to.match(/Finished probes are kept in '.*spectrum\.resume'/);
      expect(readdirSync(out('probes'))).to.deep.equal(['spectrum.resume']);
    }
    expect((await lossatlas([...quiet, out('probes')])).code).to.equal(0);
    expect((await lossatlas([...quiet, out('all')])).code).to.equal(0);
    const read = async (name: string) => loadJson(join(out(name), 'spectrum.json'), 'spectral-density');
    expect(valuesOf(await read('probes'))).to.deep.equal(valuesOf(await read('all')));
  });

  it('eigenpairs and axes that are stopped go on to the same bits', async () => {
    const double = ['-d', data, '--dtype', 'float64', '--tolerance', '1e-13', '--images', 'none', '-o'];
    const args = ['hessian', model, '--what', 'eigenpairs,trace', '-k', '40', '--vectors', ...double];
    const stopped = await lossatlas([...args, out('pairs')], { interruptAt: /eigenpairs: / });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.match(
      /Stopped\. The products that were finished are kept in '.*hessian\.resume'/,
    );
    expect(readdirSync(out('pairs'))).to.deep.equal(['hessian.resume']);
    const resumed = await lossatlas([...args, out('pairs')]);
    expect(resumed.code, resumed.stderr).to.equal(0);
    expect((await lossatlas([...args, out('anew')])).code).to.equal(0);
    expect(readdirSync(out('pairs'))).to.deep.equal(readdirSync(out('anew')));
    const read = async (name: string, part: 'eigenpairs' | 'trace') =>
      loadJson(join(out(name), `hessian-${part}.json`), part);
    for (const part of ['eigenpairs', 'trace'] as const)
      expect(valuesOf(await read('pairs', part))).to.deep.equal(valuesOf(await read('anew', part)));
    const axes = [
      'landscape',
      model,
      '--axes',
      'hessian',
      '--points',
      '3',
      '--max-products',
      '2000',
      ...double,
    ];
    const search = await lossatlas([...axes, out('axes')], { interruptAt: /eigenpairs: / });
    expect(search.code, search.stderr).to.equal(130);
    expect(search.stderr).to.match(/before the first point.*kept in '.*surface\.resume-axes'/);
    expect((await lossatlas([...axes, out('axes')])).code).to.equal(0);
    expect(readdirSync(out('axes'))).to.deep.equal(['surface.json']);
    const few = await lossatlas([...args, out('few'), '--resume-bytes', '-1']);
    expect([few.code, few.stderr.includes('option --resume-bytes must be a positive number')]).to.deep.equal([
      2,
      true,
    ]);
    const nothing = await lossatlas([...args, out('nothing'), '--no-resume'], {
      interruptAt: /eigenpairs: /,
    });
    expect(nothing.stderr).to.match(/Nothing of it is kept/);
  });

  it('analyse gives the numbers of the library, stopped and gone on too', async () => {
    const options = ['--steps', '20', '--probes', '6', '-k', '3', '--relative-error', '0.05', '--seed', '2'];
    const args = ['analyse', model, '-d', data, ...options, '--probes-per-pass', '1', '-o'];
    const stopped = await lossatlas([...args, out('analysis')], { interruptAt: /hessian analysis: / });
    if (stopped.code !== 0) {
      expect(stopped.code, stopped.stderr).to.equal(130);
      expect(stopped.stderr).to.match(
        /Stopped\. The products that were finished are kept in '.*analysis\.resume'/,
      );
    }
    const { code, stdout, stderr } = await lossatlas([...args, out('analysis'), '--vectors']);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(
      /λ +[^]*Trace +[^]*KH05 +[^]*Products +\d+: density, eigenvalues and trace 120 \+/,
    );
    const written = readdirSync(out('analysis'));
    expect(written).to.include.members(['analysis.json', 'analysis-eigenpairs-vector-3.npz']);
    expect(written).not.to.include('analysis.resume');
    // Density, log density, criteria and table.
    expect(written.filter((name) => name.endsWith('.svg')).length).to.equal(4);
    using net = await loadModel(model);
    using loss = objective(net, await loadNpz(file, { inputs: 'x_test', targets: 'y_test', scale: 1 / 16 }));
    using operator = hessian(loss);
    const settings = { steps: 20, probes: 6, probesPerPass: 1, k: 3, relativeError: 0.05, seed: 2 };
    using expected = await analyseHessian(operator, settings);
    const analysis = await loadJson(join(out('analysis'), 'analysis.json'), 'hessian-analysis');
    expect(valuesOf(analysis.density)).to.deep.equal(valuesOf(expected.density));
    expect(analysis.eigenpairs.values).to.deep.equal(expected.eigenpairs.values);
    expect(valuesOf(analysis.trace)).to.deep.equal(valuesOf(expected.trace));
    expect(analysis.numProducts).to.equal(expected.numProducts);
  });

  it('hessian and spectrum give the numbers of the library', async () => {
    using net = await loadModel(model);
    using loss = objective(net, await loadNpz(file, { inputs: 'x_test', targets: 'y_test', scale: 1 / 16 }));
    using operator = hessian(loss);
    using pairs = await eigenpairs(operator, { k: 3, which: 'both-ends' });
    const args = ['-d', data, '-q', '--json'];
    const printed = await lossatlas([
      'hessian',
      model,
      ...args,
      '-k',
      '3',
      '--which',
      'both-ends',
      '--what',
      'eigenpairs',
    ]);
    const values = fromJson(printed.stdout, 'stdout', 'eigenpairs').values;
    values.forEach((value, i) =>
      expect(value).to.be.closeTo(pairs.values[i]!, 1e-3 * Math.abs(pairs.values[i]!)),
    );
    expect(printed.stderr).to.equal('');
    const spectrum = await lossatlas([
      'spectrum',
      model,
      ...args,
      '--steps',
      '10',
      '--probes',
      '2',
      '--seed',
      '5',
    ]);
    const expected = await spectralDensity(operator, { steps: 10, probes: 2, seed: 5 });
    expect(fromJson(spectrum.stdout, 'stdout', 'spectral-density').criteria.kh05.value).to.be.closeTo(
      expected.criteria.kh05.value,
      1e-4,
    );
  });

  it('solutions: interpolation, three points, a path; matrices and recipes; vectors', async () => {
    const common = ['-d', data, '-q', '--points', '3', '-o', out('solutions')];
    const [trained, a, b] = [out('trained.pth'), out('start1.pth'), out('start2.pth')];
    for (const args of [
      ['landscape', 'interpolate', model, a, trained, ...common],
      ['landscape', 'interpolate', model, a, ...common, '--name', 'to-own'],
      ['landscape', 'three-point', model, a, b, trained, ...common],
      ['landscape', 'trajectory', model, a, b, trained, ...common],
      ['landscape', 'modes', model, ...common, '--axes', 'random'],
      ['landscape', model, ...common, '--axes', 'hessian', '--save-plane', out('plane.npz'), '-w', a],
      ['landscape', model, ...common, '--plane', out('plane.npz'), '--name', 'again'],
      [
        'landscape',
        model,
        '-d',
        data,
        '-q',
        '--recipe',
        'lla',
        '--steps',
        '4',
        '-o',
        out('solutions'),
        '-n',
        'lla',
      ],
      [
        'hessian',
        model,
        '-d',
        data,
        '-q',
        '--what',
        'eigenpairs,norm,diagonal,check',
        '--vectors',
        '-o',
        out('solutions'),
      ],
      [
        'hessian',
        model,
        '-d',
        data,
        '-q',
        '--matrix',
        'gauss-newton',
        '--what',
        'trace',
        '--max-probes',
        '10',
        '-o',
        out('gn'),
      ],
      ['spectrum', model, '-d', data, '-q', '--recipe', 'lla', '--steps', '10', '-o', out('solutions')],
      [
        'compare',
        model,
        trained,
        a,
        '-d',
        data,
        '-q',
        '--batches',
        '2',
        '--probes',
        '2',
        '--steps',
        '5',
        '-o',
        out('solutions'),
      ],
    ]) {
      const { code, stderr } = await lossatlas(args);
      expect(code, `${args.join(' ')}: ${stderr}`).to.equal(0);
    }
    const files = readdirSync(out('solutions'));
    expect(files).to.include.members([
      'interpolation.svg',
      'to-own.json',
      'three-point-contour.png',
      'trajectory-plane-path.json',
      'modes.json',
      'hessian-eigenpairs-vector-2.npz',
      'hessian-diagonal.json',
      'comparison.svg',
    ]);
    expect(files.filter((name) => name.includes('.resume'))).to.deep.equal([]);
    const contour = readFileSync(join(out('solutions'), 'trajectory-plane-contour.svg'), 'utf8');
    expect(contour).to.contain('path of 3 solutions');
    // The saved plane has its origin with it: the same surface without the weights.
    const read = async (name: string) => loadJson(join(out('solutions'), `${name}.json`), 'loss-surface');
    expect([...(await read('again')).loss]).to.deep.equal([...(await read('surface')).loss]);
  });

  it('plot draws saved results, alone and together', async () => {
    mkdirSync(out('plots'));
    const line = [
      'landscape',
      'line',
      model,
      '-d',
      data,
      '-q',
      '--points',
      '5',
      '--images',
      'none',
      '-o',
      out('plots'),
    ];
    for (const seed of ['1', '2']) await lossatlas([...line, '--seed', seed, '-n', `line${seed}`]);
    const results = [join(out('plots'), 'line1.json'), join(out('plots'), 'line2.json')];
    const alone = await lossatlas([
      'plot',
      ...results,
      '-o',
      out('plots'),
      '--images',
      'svg',
      '--value',
      'accuracy',
    ]);
    expect(alone.code, alone.stderr).to.equal(0);
    const together = await lossatlas([
      'plot',
      ...results,
      '--together',
      '--labels',
      'one,two',
      '-o',
      out('plots'),
    ]);
    expect(together.code, together.stderr).to.equal(0);
    const svg = readFileSync(join(out('plots'), 'together.svg'), 'utf8');
    expect(svg).to.contain('>one<').and.to.contain('>two<');
    const wrong = await lossatlas(['plot', results[0]!, '--figures', 'density', '-o', out('plots')]);
    expect([wrong.code, wrong.stderr.includes("must be among line, but is 'density'")]).to.deep.equal([
      2,
      true,
    ]);
  });
});
