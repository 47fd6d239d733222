import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, loadResult, saveResult } from '../../dist/index.js';
import { fixture } from '../support/fixtures.js';
import { bowl } from '../unit/plot/results.js';

describe('inspect of results', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'inspect-results-'))));
  after(() => rmSync(folder, { recursive: true }));

  for (const [extension, format] of [
    ['json', 'JSON'],
    ['npz', 'NumPy'],
    ['h5', 'HDF5'],
    ['csv', 'CSV'],
    ['vtp', 'VTK'],
  ] as const) {
    it(`knows our .${extension}`, async () => {
      const path = join(folder, `surface.${extension}`);
      await saveResult(path, bowl(4, 3));
      const found = await inspect(path);
      expect(found).to.include({ kind: 'result', format, problem: null });
      expect(found.what).to.match(/^a result of lossatlas/);
      expect(found.advice).to.deep.equal([
        `lossatlas plot ${path}`,
        `const result = await loadResult('${path}');`,
      ]);
    });
  }

  it('knows the layout of tomgoldstein/loss-landscape', async () => {
    const path = fixture('li2018.h5');
    const found = await inspect(path);
    expect(found).to.include({
      kind: 'result',
      what: 'a surface with train_loss, of tomgoldstein/loss-landscape',
    });
    expect(found.advice).to.deep.equal([
      `const result = await loadResult('${path}', 'loss-surface', { split: 'train' });`,
    ]);
    expect([...(await loadResult(path, 'loss-surface', { split: 'train' })).loss]).to.deep.equal([
      1,
      2,
      3,
      4,
      5,
      NaN,
    ]);
  });
});
