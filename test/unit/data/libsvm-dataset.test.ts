import { expect } from 'chai';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { loadLibsvm } from '../../../dist/data/libsvm-dataset.js';
import { rejects } from '../../support/errors.js';
import { fuzz, scratchFolder } from './files.js';
import { dataFile, goldenTexts } from './golden.js';

describe('loadLibsvm', () => {
  const file = scratchFolder();
  const text = async (content: string, options = {}) =>
    loadLibsvm(await file('a.svm', Buffer.from(content)), options);

  for (const [name, zeroBased] of [
    ['sparse', false],
    ['sparse0', true],
  ] as const) {
    it(`${name}.svm as scikit-learn's load_svmlight_file`, async () => {
      const { x, y } = goldenTexts.libsvm[name];
      const data = await loadLibsvm(dataFile(`${name}.svm`), { zeroBased, numFeatures: 9 });
      expect(data.inputs[0]!.shape).to.deep.equal([12, 9]);
      expect(data.inputs[0]!.data).to.deep.equal(Float64Array.from(x.flat()));
      expect([...data.targets!.data]).to.deep.equal(y);
      expect(data.targets!.data).to.be.instanceOf(zeroBased ? Float64Array : Int32Array);
    });
  }

  it('as many features as the largest index needs; labels alone; comments', async () => {
    const data = await text('# all\n-1 3:2 # last\n\n+1\n1 1:.5 2:1e-3\r\n', {
      mapLabels: { '-1': 0, 1: 1 },
    });
    expect(data.inputs[0]).to.deep.equal({
      data: Float64Array.of(0, 0, 2, 0, 0, 0, 0.5, 0.001, 0),
      shape: [3, 3],
    });
    expect([...data.targets!.data]).to.deep.equal([0, 1, 1]);
  });

  it('names the line of what is wrong', async () => {
    const bad = async (content: string, message: RegExp, options = {}) =>
      rejects(async () => text(content, options), 'ERR_INVALID_DATA', message);
    await bad('1 1:2\n1 0:1\n', /a\.svm', line 2: there is an index 0.*zeroBased: true/);
    await bad('1 1:2\n1 3:1\n', /line 2: the index 3 is beyond numFeatures 2/, { numFeatures: 2 });
    await bad('1 2:1 1:2\n', /line 1: the index 1 comes after 2/);
    await bad('1 2:1 2:2\n', /the index 2 comes after 2/);
    await bad('# no\none 1:1', /line 2: the label 'one' is no number/);
    await bad('1,2 1:1', /several labels/);
    await bad('1 1:a', /line 1: '1:a' is no index:value/);
    await bad('1 1', /'1' is no index:value/);
    await bad('1 99999999999:1', /no index:value/);
    await bad('1 1:1\n2 1:1', /line 2: the label 2 is not among/, { mapLabels: { 1: 0 } });
    await rejects(() => text('# nothing\n'), 'ERR_EMPTY_DATA', /a\.svm/);
  });

  it('does not believe an index that no memory could hold', async () => {
    const content = '1 2147483647:1\n'.repeat(50);
    await rejects(
      () => text(content),
      'ERR_INVALID_DATA',
      /50 samples of 2147483647 features take 858993458800 bytes/,
    );
    await rejects(() => text('1 1:1\n', { numFeatures: 2 ** 50 }), 'ERR_OUT_OF_MEMORY', /no memory/);
    expect((await text('1 3000000:1\n'.repeat(50), { limit: 2 })).inputs[0]!.shape).to.deep.equal([
      2, 3_000_000,
    ]);
  });

  it('any sparse rows survive', async () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    const row = fc.tuple(finite, fc.array(finite, { minLength: 5, maxLength: 5 }));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
        const lines = rows.map(([label, x]) => [label, ...x.map((v, i) => `${i + 1}:${v}`)].join(' '));
        const data = await text(lines.join('\n'), { numFeatures: 5 });
        const plain = (values: Iterable<unknown>) => Array.from(values, (v) => Number(v) + 0);
        expect(plain(data.inputs[0]!.data)).to.deep.equal(plain(rows.flatMap(([, x]) => x)));
        expect(plain(data.targets!.data)).to.deep.equal(plain(rows.map(([label]) => label)));
      }),
      { numRuns: 40 },
    );
  });

  it('throws only LossAtlasError on damaged files', async () => {
    const bytes = readFileSync(dataFile('sparse.svm'));
    const refused = await fuzz(bytes, 200, async (damaged) => loadLibsvm(await file('fuzz', damaged)));
    expect(refused).to.be.above(80);
  });
});
