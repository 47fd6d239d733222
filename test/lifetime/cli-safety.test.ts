import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printPlan } from '../../dist/cli/dry-run.js';
import { criteriaTable, fromJson, loadJson, saveJson } from '../../dist/index.js';
import { checkpointFolder, lossatlas } from '../support/command-line.js';
import { rejects } from '../support/errors.js';
import { projectPath } from '../support/fixtures.js';

const model = projectPath('examples/digits/digits.script.pt');
const file = projectPath('examples/digits/digits.npz');
const data = `${file}:inputs=x_test,targets=y_test,scale=1/16,limit=64`;

describe('the command line loses nothing and ignores nothing', function () {
  this.timeout(120_000);
  let folder: string;
  const out = (...names: string[]) => join(folder, ...names);
  before(async () => {
    folder = await checkpointFolder('safety');
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('refuses options that would do nothing, with 2', async () => {
    const surface = ['landscape', model, '-d', data, '--points', '3', '-q', '-o', out('unused')];
    const plane = out('unused', 'plane.npz');
    const start = out('start1.pth');
    const made = await lossatlas([...surface, '-w', start, '--save-plane', plane, '--images', 'none']);
    expect(made.code, made.stderr).to.equal(0);
    for (const args of [
      [...surface, '--which', 'both-ends'],
      [...surface, '--moments', start],
      [...surface, '--steps', '3'],
      [...surface, '--recipe', 'lla', '--max-products', '3'],
      [...surface, '--plane', plane, '--normalization', 'layer'],
      [...surface, '--plane', plane, '-w', out('trained.pth')],
      ['landscape', 'line', model, '-d', data, '--max-products', '3'],
      ['landscape', 'interpolate', model, start, '-d', data, '-w', start],
      ['landscape', 'modes', model, '-d', data, '-w', start],
      ['landscape', 'modes', model, '-d', data, '--moments', start],
      ['hessian', model, '-d', data, '--recipe', 'lla', '--which', 'both-ends'],
      ['hessian', model, '-d', data, '--max-iterations', '3'],
      ['spectrum', model, '-d', data, '--recipe', 'lla', '--confidence', '0.5'],
      ['hessian', model, '-d', data, '--exact'],
      ['spectrum', model, '-d', data, '--window', '3'],
      ['spectrum', model, '-d', data, '--fisher-samples', '3'],
      ['topology', out('unused', 'surface.json'), '--value', 'accuracy'],
      ['topology', ''],
      ['plot', '--together', out('unused', 'surface.json'), '--trajectory', 'path.json'],
    ]) {
      const { code, stderr } = await lossatlas(args, { cwd: folder });
      expect(code, `${args.join(' ')}: ${stderr}`).to.equal(2);
    }
  });

  it('--seed reaches everything random: the targets of a Fisher matrix too', async () => {
    const args = [
      'spectrum',
      model,
      '-d',
      data,
      '--steps',
      '2',
      '--probes',
      '1',
      '--seed',
      '3',
      '-q',
      '--json',
    ];
    const { stdout } = await lossatlas([...args, '--matrix', 'fisher']);
    const spectrum = fromJson(stdout, 'stdout', 'spectral-density');
    expect(spectrum.provenance.operator).to.match(/seed 3/);
  });

  it('a figure that cannot be drawn costs no result', async () => {
    const solutions = ['trained', 'start1', 'start2'].map((name) => out(`${name}.pth`));
    const path = ['landscape', 'trajectory', model, ...solutions, '-d', data, '--points', '3', '-q'];
    const contour = await lossatlas([...path, '--figures', 'contour', '--images', 'svg', '-o', out('path')]);
    expect(contour.code, contour.stderr).to.equal(0);
    expect(readdirSync(out('path')).sort()).to.deep.equal([
      'trajectory-plane-path.json',
      'trajectory-plane.json',
      'trajectory-plane.svg',
    ]);
    const parts = ['hessian', model, '-d', data, '-q', '--what', 'eigenpairs,trace', '--max-probes', '4'];
    // What is wrong of itself is found before any work.
    for (const wrong of [
      ['--figures', 'table,density'],
      ['--columns', '0'],
      ['--pixel-ratio', '0'],
    ]) {
      const early = await lossatlas([...parts, ...wrong, '-o', out('early')]);
      expect([early.code, early.stdout, existsSync(out('early'))]).to.deep.equal([2, '', false]);
    }
    // Its coordinates differ by less than a number shows.
    const flat = ['landscape', model, '-d', data, '--points', '3', '--range', '1,1.0000000000000002'];
    const undrawn = await lossatlas([...flat, '-q', '-o', out('flat')]);
    expect([undrawn.code, undrawn.stderr.includes('ascending')], undrawn.stderr).to.deep.equal([1, true]);
    expect(readdirSync(out('flat'))).to.deep.equal(['surface.json']);
  });

  it('files are written where stdout is full', function () {
    if (!existsSync('/dev/full')) {
      console.log('      skipped: no /dev/full here');
      this.skip();
    }
    const command = `exec "$0" "$@" >/dev/full`;
    const args = ['hessian', model, '-d', data, '-q', '--what', 'eigenpairs', '--images', 'none'];
    const all = [process.execPath, projectPath('dist/cli/main.js'), ...args, '-o', out('full')];
    const { status, stderr } = spawnSync('sh', ['-c', command, ...all], { encoding: 'utf8' });
    expect(status, stderr).to.equal(1);
    expect(stderr).to.contain('cannot write to the output');
    expect(readdirSync(out('full'))).to.deep.equal(['hessian-eigenpairs.json']);
  });

  it('rows of another comparison are not overwritten, nor is a saved one', async () => {
    const args = ['compare', model, '-d', data, '--batches', '2', '--steps', '3', '-q', '--images', 'none'];
    const first = await lossatlas([...args, '--probes', '1', '-o', out('compared')]);
    expect(first.code, first.stderr).to.equal(0);
    const saved = out('compared', 'comparison.json');
    const result = await loadJson(saved, 'criteria-comparison');
    const again = await lossatlas([...args, '--probes', '1', '--resume', saved, '-o', out('compared')]);
    expect([again.code, existsSync(saved)]).to.deep.equal([2, true]);
    const resume = out('compared', 'comparison.resume');
    await saveJson(resume, result);
    const before = readFileSync(resume, 'utf8');
    const other = await lossatlas([...args, '--probes', '2', '-o', out('compared')]);
    expect([other.code, readFileSync(resume, 'utf8') === before]).to.deep.equal([1, true]);
    expect(other.stderr).to.match(/another comparison \(probes: 1 in the file, 2 now\).*ERR_RESUME/);
    const same = await lossatlas([...args, '--probes', '1', '-o', out('compared')]);
    expect(same.stdout).to.contain(criteriaTable(result).split('\n').at(-1)!);
    expect(readdirSync(out('compared'))).to.deep.equal(['comparison.json']);
  });

  it('what failed before its first step leaves nothing to resume from', async () => {
    const args = ['spectrum', model, '-d', data, '--steps', '3', '--probes', '2', '-q', '-o', out('nothing')];
    const failed = await lossatlas([...args, '--output', '0']);
    expect(failed.code).to.equal(1);
    expect(existsSync(out('nothing'))).to.equal(false);
  });

  it('a dry run writes no plane, takes the loss that the run takes, and stops with 130', async () => {
    const plane = out('dry.npz');
    const surface = ['landscape', model, '-d', data, '--points', '3', '--dry-run', '--save-plane', plane];
    expect([(await lossatlas(surface)).code, existsSync(plane)]).to.deep.equal([0, false]);
    // Classes are no targets of a mean square.
    const compare = await lossatlas(['compare', model, '-d', data, '--loss', 'mse', '--dry-run']);
    expect(compare.stderr).to.contain('ERR_CRITERION');
    // Probes that run side by side have a basis each.
    const bytesOf = async (perPass: string) => {
      const args = ['spectrum', model, '-d', data, '--probes', '8', '--probes-per-pass', perPass, '--steps'];
      const { stdout } = await lossatlas([...args, '100', '--dry-run', '--json']);
      return (JSON.parse(stdout) as { newBytes: number }).newBytes;
    };
    const vector = 4 * 1922;
    expect((await bytesOf('8')) - (await bytesOf('1'))).to.be.at.least(7 * 100 * vector);
    const plan = { steps: [], unit: 'points', total: 1, trial: async () => Promise.resolve(1) };
    await rejects(async () => printPlan(plan, true, AbortSignal.abort()), 'ERR_ABORTED');
  });

  it('figures of several results do not take each other’s place', async () => {
    for (const name of ['one', 'two']) {
      const line = ['landscape', 'line', model, '-d', data, '--points', '3', '-q', '--images', 'none'];
      await lossatlas([...line, '-o', out('plots'), '-n', name]);
    }
    const results = ['one', 'two'].map((name) => out('plots', `${name}.json`));
    const named = await lossatlas(['plot', ...results, '-n', 'both', '--images', 'svg', '-o', out('named')]);
    expect(named.code, named.stderr).to.equal(0);
    expect(readdirSync(out('named')).sort()).to.deep.equal(['both-one.svg', 'both-two.svg']);
    const labels = ['plot', results[0]!, ...results, '--labels', 'a,a,a-2', '--images', 'svg'];
    await lossatlas([...labels, '-o', out('labels')]);
    expect(readdirSync(out('labels')).sort()).to.deep.equal(['a-2-2.svg', 'a-2.svg', 'a.svg']);
  });

  it('a file of options is checked as the command line is', async () => {
    const config = out('run.yaml');
    const line = ['landscape', 'line', model, '-d', data, '--points', '3', '-q', '--images', 'none'];
    const write = (text: string) => {
      writeFileSync(config, text);
    };
    for (const [text, message] of [
      ['data: [null]', /needs a 'path'/],
      ['data: { path: x.npz, options: { limt: 3 } }', /Did you mean 'limit'/],
      ['dataOptions: [1]', /must be a map of data options/],
      ['y-points: 3\nyPoints: 4', /'yPoints' is there twice/],
      ['config: other.yaml', /unknown key 'config'/],
      ['model: 5', /'model' must be a path/],
    ] as const) {
      write(text);
      const { code, stderr } = await lossatlas(['landscape', model, '-c', config]);
      expect([code, message.test(stderr)], `${text}: ${stderr}`).to.deep.equal([2, true]);
    }
    // As --no-resume, and a single path for a list of them.
    write('resume: false');
    const kept = await lossatlas([...line, '-c', config, '-o', out('kept')]);
    expect(kept.code, kept.stderr).to.equal(0);
    write(`model: ${model}\ncheckpoints: ${out('start1.pth')}`);
    const one = await lossatlas(['evaluate', '-d', data, '-c', config, '-q']);
    expect([one.code, one.stdout.split('\n').filter((row) => row.includes('.pth')).length]).to.deep.equal([
      0, 1,
    ]);
    const empty = await lossatlas([...line, '-n', '']);
    expect(empty.code).to.equal(2);
  });
});
