import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  drawContour,
  loadProjection,
  loadResult,
  saveResult,
  type LossSurface,
  type SaveResultOptions,
} from '../../dist/index.js';
import { fixture, projectPath, sharedFile } from '../support/fixtures.js';
import { rejects } from '../support/errors.js';
import { bowl, lineOf } from '../unit/plot/results.js';

const python = process.env.LOSSATLAS_PYTHON ?? projectPath('bench/.cache/venv/bin/python');
/** A checkout of tomgoldstein/loss-landscape, as test/fixtures/peers.py takes it. */
const peer = process.env.LI2018 ?? '';

function runScript(...args: string[]): Record<string, unknown> {
  const { status, stdout, stderr } = spawnSync(
    python,
    ['-W', 'ignore', fixture('result_files.py'), ...args],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      timeout: 240_000,
    },
  );
  expect(status, stderr).to.equal(0);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
}

/** False, said aloud, where the interpreter lacks one of them. */
function hasModules(...names: string[]): boolean {
  const { status } = spawnSync(python, ['-c', `import ${names.join(', ')}`]);
  if (status === 0) return true;
  process.stdout.write(`      (skipped: LOSSATLAS_PYTHON names no interpreter with ${names.join(', ')})\n`);
  return false;
}

const bits = (values: Float64Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
const numbers = (hex: string) => new Float64Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer);

/** Not square, and with everything that floats can be. */
function oddSurface(): LossSurface {
  const surface = bowl(7, 4);
  const loss = surface.loss.slice();
  loss.set([NaN, Infinity, -Infinity, -0, 1e22, 5e-324], 3);
  return {
    ...surface,
    loss,
    accuracy: loss.map((_, k) => k / 28),
    metrics: { 'top-5': loss.map((_, k) => -k) },
  };
}

describe('files of results in other programs', function () {
  this.timeout(300_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'result-files-'))));
  after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);

  describe('NumPy, h5py, VTK and the csv module', () => {
    let said: Record<string, unknown>;
    const surface = oddSurface();
    const line = lineOf(5, (t) => (t > 0 ? NaN : t));
    before(async function () {
      if (!hasModules('numpy', 'h5py', 'vtk')) this.skip();
      const options: Record<string, SaveResultOptions> = { vtp: { cap: 3 }, h5: { split: 'test' } };
      for (const name of ['npz', 'h5', 'csv', 'vtp']) {
        await saveResult(at(`surface.${name}`), surface, options[name]);
      }
      await saveResult(at('line.h5'), line);
      said = runScript('check', folder);
    });

    it('NumPy reads an array a field, grids as [ny, nx]', () => {
      expect(said['npz kind']).to.equal('loss-surface');
      expect(said.npz).to.deep.equal({
        x: [[7], bits(surface.x)],
        y: [[4], bits(surface.y)],
        loss: [[4, 7], bits(surface.loss)],
        accuracy: [[4, 7], bits(surface.accuracy!)],
        'metrics.top-5': [[4, 7], bits(surface.metrics['top-5']!)],
      });
    });

    it('h5py reads the layout of tomgoldstein/loss-landscape: its names, shape (nx, ny), per cent', () => {
      expect(said.surface).to.deep.equal({
        xcoordinates: [[7], bits(surface.x)],
        ycoordinates: [[4], bits(surface.y)],
        test_loss: [[7, 4], bits(surface.loss)],
        test_acc: [[7, 4], bits(surface.accuracy!.map((share) => 100 * share))],
        accuracy: [[4, 7], bits(surface.accuracy!)],
        'metrics.top-5': [[4, 7], bits(surface.metrics['top-5']!)],
      });
      expect(said['surface label']).to.equal('loss-surface 2');
      expect(said['surface dir_file']).to.contain('filter-normalised');
      expect(said.line).to.deep.equal({
        xcoordinates: [[5], bits(line.coordinates)],
        train_loss: [[5], bits(line.loss)],
        train_acc: [[5], bits(new Float64Array(5).fill(-1))],
      });
    });

    it('the csv module reads the table below the comment', () => {
      const csv = said.csv as Record<string, string>;
      expect(Object.keys(csv)).to.deep.equal(['x', 'y', 'loss', 'accuracy', 'metrics.top-5']);
      expect(csv.loss).to.equal(bits(surface.loss));
      expect([...numbers(csv.x!)].slice(0, 8)).to.deep.equal([...surface.x, surface.x[0]]);
    });

    it('VTK reads points, quads and exact arrays', () => {
      const vtp = said.vtp as Record<string, unknown>;
      const capped = surface.loss.map((value) => (value > 3 ? 3 : value));
      expect(vtp).to.deep.include({
        points: 28,
        polys: 18,
        cells: 18,
        error: 0,
        types: [9],
        kind: 'loss-surface',
      });
      expect(vtp).to.deep.include({ scalars: 'zvalue', quad: [1, 2, 9, 8] });
      expect(vtp['point loss']).to.equal(bits(surface.loss));
      expect(vtp['point zvalue']).to.equal(bits(capped));
      expect(vtp['point metrics.top-5']).to.equal(bits(surface.metrics['top-5']!));
      expect((vtp.bounds as number[]).every(Number.isFinite)).to.equal(true);
      const xyz = numbers(vtp.xyz as string);
      expect([...xyz.slice(3 * 15, 3 * 16)]).to.deep.equal([surface.x[1], surface.y[2], capped[15]]);
      const means = numbers(vtp['cell averaged zvalue'] as string);
      expect(means[17]).to.equal((capped[19]! + capped[20]! + capped[26]! + capped[27]!) / 4);
    });
  });

  describe('files of h5py in the layout of tomgoldstein/loss-landscape', () => {
    before(function () {
      if (!hasModules('numpy', 'h5py')) this.skip();
      runScript('write', folder);
    });

    it('is read by split, with what was not computed as NaN', async () => {
      const train = await loadResult(at('theirs.h5'), 'loss-surface', { split: 'train' });
      const test = await loadResult(at('theirs.h5'), 'loss-surface', { split: 'test' });
      const expected = Array.from({ length: 15 }, (_, k) => (k === 14 ? NaN : 1 + k));
      expect([...train.loss]).to.deep.equal(expected);
      expect([...test.loss]).to.deep.equal(expected.map((value) => 2 * value));
      expect([...train.accuracy!]).to.deep.equal(expected.map((value) => (50 + value) / 100));
      expect([train.x.length, train.y.length]).to.deep.equal([5, 3]);
      // (x, y) = (0, 0) is k = 2: x runs fastest.
      expect(train.modelLoss).to.equal(3);
      expect(train.checks).to.deep.include({ numNonFinite: 1, centerDifference: null });
      expect(train.provenance).to.equal(null);
      expect(train.source).to.deep.equal({
        file: 'theirs.h5',
        layout: 'tomgoldstein/loss-landscape',
        values: 'train_loss',
        numMissing: 1,
      });
      for (const name of ['again.json', 'again.h5', 'again.npz']) {
        await saveResult(at(name), train);
        expect(await loadResult(at(name))).to.deep.equal(train);
      }
    });

    it('lists what there is where several fit, and where none does', async () => {
      const list =
        /train_loss \(kind 'loss-surface', split 'train'\), test_loss .*, min_eig and max_eig \(kind/;
      await rejects(async () => loadResult(at('theirs.h5')), 'ERR_INVALID_DATA', list);
      await rejects(async () => loadResult(at('theirs.h5'), 'loss-surface'), 'ERR_INVALID_DATA', /several/);
      await rejects(
        async () => loadResult(at('theirs.h5'), 'loss-line'),
        'ERR_INVALID_DATA',
        /nothing that fits/,
      );
    });

    it('lines and eigenvalues', async () => {
      const line = await loadResult(at('theirs_line.h5'), 'loss-line');
      expect([...line.loss]).to.deep.equal([3, 2, NaN, Infinity, Math.fround(1e22)]);
      expect(line.accuracy).to.equal(null);
      expect(line.modelLoss).to.be.NaN;
      const map = await loadResult(at('theirs_eigen.h5'), 'eigenvalue-map');
      expect([...map.smallest]).to.deep.equal([NaN, -1, 0, 1, 0.5]);
      expect([...map.largest]).to.deep.equal([NaN, 1, 2, 3, 4]);
      expect([[...map.y], map.source?.numMissing]).to.deep.equal([[0], 1]);
      expect((await loadResult(at('theirs.h5'), 'eigenvalue-map')).largest).to.have.length(15);
      await saveResult(at('map.h5'), map);
      expect(await loadResult(at('map.h5'))).to.deep.equal(map);
    });

    it('projected paths', async () => {
      const path = await loadProjection(at('theirs_proj.h5'), at('theirs_directions.h5'));
      expect([[...path.x], [...path.y]]).to.deep.equal([
        [3, 1, 0],
        [0.5, 0.25, 0],
      ]);
      expect([...path.explainedVariance!]).to.deep.equal([0.75, 0.125]);
      expect((await loadProjection(at('theirs_proj.h5'))).explainedVariance).to.equal(null);
      await rejects(async () => loadResult(at('theirs_proj.h5')), 'ERR_INVALID_DATA', /loadProjection/);
    });
  });

  it('the scripts of tomgoldstein/loss-landscape draw our files, and its vtp is ours', async function () {
    if (!existsSync(join(peer, 'plot_2D.py'))) {
      process.stdout.write('      (skipped: LI2018 names no checkout of tomgoldstein/loss-landscape)\n');
      this.skip();
    }
    if (!hasModules('numpy', 'h5py', 'vtk', 'matplotlib', 'scipy')) this.skip();
    const surface = bowl(51);
    const line = lineOf(21, (t) => 1 + t * t);
    await saveResult(at('surface.h5'), surface);
    await saveResult(at('line.h5'), line);
    const names = runScript('plot', folder, peer) as unknown as string[];
    expect(names).to.include.members([
      'surface.h5_train_loss_2dcontour.pdf',
      'surface.h5_train_loss_3dsurface.pdf',
      'line.h5_1d_loss_acc.pdf',
    ]);
    const vtp = (name: string) => runScript('vtp', at(name)) as Record<string, string> & { points: number };
    const theirs = vtp('surface.h5_train_loss_log.vtp');
    await saveResult(at('ours.vtp'), surface, { scale: 'log' });
    const ours = vtp('ours.vtp');
    expect([ours.points, ours.polys]).to.deep.equal([2601, 2500]);
    expect([theirs.points, theirs.polys, theirs.connectivity]).to.deep.equal([
      ours.points,
      ours.polys,
      ours.connectivity,
    ]);
    // Theirs are float32.
    for (const name of ['zvalue', 'averaged zvalue', 'xyz']) {
      expect([...numbers(theirs[name]!)]).to.deep.equal([...numbers(ours[name]!)].map(Math.fround));
    }
  });

  it('published surfaces have the values of h5py and the ranges that are known', async function () {
    const published = {
      'okn-yu_alexnet_trainig_result.h5': ['train_loss', 0.0985, 13.944],
      'okn-yu_resnet18_no_shortcut.h5': ['test_loss', 0.673, 134313.48],
    } as const;
    const paths = Object.keys(published).map((name) => sharedFile(`surfaces/${name}`));
    if (paths.includes(null) || !hasModules('numpy', 'h5py')) this.skip();
    const said = runScript('surfaces', dirname(paths[0]!)) as Record<string, Record<string, string>>;
    for (const [i, [name, [values, low, high]]] of Object.entries(published).entries()) {
      const surface = await loadResult(paths[i]!, 'loss-surface');
      const { loss, accuracy, x, y } = surface;
      expect(bits(loss)).to.equal(said[name]![values]);
      expect(bits(x)).to.equal(said[name]!.xcoordinates);
      expect(bits(y)).to.equal(said[name]!.ycoordinates);
      const percent = numbers(said[name]![values.replace('loss', 'acc')]!);
      expect([...accuracy!]).to.deep.equal([...percent].map((value) => value / 100));
      expect(Math.min(...loss)).to.be.closeTo(low, 1e-4 * low + 5e-5);
      expect(Math.max(...loss)).to.be.closeTo(high, 1e-4 * high);
      expect(surface.source?.numMissing).to.equal(0);
      const svg = drawContour(surface, { scale: 'log' });
      expect(svg).to.contain(name.slice(0, 12)).and.to.contain('unknown');
    }
  });
});
