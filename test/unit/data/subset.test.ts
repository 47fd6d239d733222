import { expect } from 'chai';
import type { DatasetOptions } from '../../../dist/data/dataset-options.js';
import { dataset } from '../../../dist/data/from-arrays.js';
import { throws } from './files.js';

const numSamples = 60;
// Labels 0, 1, 2, 0, 1, 2, …; input i is [i, −i].
const targets = Array.from({ length: numSamples }, (_, i) => i % 3);
const values = Int16Array.from({ length: 2 * numSamples }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2));
const inputs = { data: values, shape: [numSamples, 2] };

const take = (options: DatasetOptions) => dataset({ inputs, targets }, options);
/** Which samples a data set has, after a check that inputs and targets belong together. */
function samplesOf(options: DatasetOptions): number[] {
  const data = take(options);
  const samples = Array.from({ length: data.numSamples }, (_, i) => Number(data.inputs[0]!.data[2 * i]));
  samples.forEach((sample, i) => {
    expect(Number(data.inputs[0]!.data[2 * i + 1])).to.equal(sample === 0 ? 0 : -sample);
    expect(Number(data.targets!.data[i])).to.equal(sample % 3);
  });
  return samples;
}
const refuses = async (options: object, message: RegExp, code = 'ERR_INVALID_OPTION' as const) =>
  throws(() => take(options), code, message);

describe('subsets', () => {
  it('limit: the first samples, without a copy', () => {
    expect(samplesOf({ limit: 3 })).to.deep.equal([0, 1, 2]);
    expect(take({ limit: 3 }).inputs[0]!.data.buffer).to.equal(values.buffer);
    expect(take({ limit: 3 }).preprocessing).to.equal('the first 3 of 60 samples');
    expect(take({ limit: 60 }).preprocessing).to.equal('');
    expect(take({}).inputs[0]!.data).to.deep.equal(values);
  });

  it('indices: in the order given, from any array', () => {
    expect(samplesOf({ indices: [59, 0, 7, 0] })).to.deep.equal([59, 0, 7, 0]);
    expect(samplesOf({ indices: Uint32Array.of(2, 1) })).to.deep.equal([2, 1]);
    const [a, b] = [take({ indices: [1, 2] }), take({ indices: [2, 1] })];
    expect(a.preprocessing).to.match(/^2 given indices of 60 samples \(SHA-256 [0-9a-f]{16}\)$/);
    expect(a.preprocessing).to.not.equal(b.preprocessing);
    expect(a.hash).to.not.equal(b.hash);
  });

  it('sample: without replacement, by its seed alone', () => {
    const drawn = samplesOf({ sample: { count: 20, seed: 7 } });
    expect(new Set(drawn)).to.have.property('size', 20);
    expect(samplesOf({ sample: { count: 20, seed: 7 } })).to.deep.equal(drawn);
    expect(samplesOf({ sample: { count: 30, seed: 7 } }).slice(0, 20)).to.deep.equal(drawn);
    expect(samplesOf({ sample: { count: 20, seed: 8 } })).to.not.deep.equal(drawn);
    expect(samplesOf({ sample: { count: 20, seed: 7 + 2 ** 32 } })).to.not.deep.equal(drawn);
    // Of sfc32 in another language: these may never change.
    expect(samplesOf({ sample: { count: 5, seed: 1 } })).to.deep.equal([6, 23, 16, 40, 39]);
    const all = samplesOf({ sample: { count: 60, seed: 3 } });
    expect([...all].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 60 }, (_, i) => i));
    expect(take({ sample: { count: 20, seed: 7 } }).preprocessing).to.equal(
      '20 of 60 samples drawn with seed 7',
    );
  });

  it('sample: every sample is drawn equally often', () => {
    const counts = new Array<number>(numSamples).fill(0);
    for (let seed = 0; seed < 2000; seed++) {
      for (const sample of dataset({ inputs }, { sample: { count: 15, seed } }).inputs[0]!.data) {
        if (sample > 0) counts[Number(sample)]!++;
      }
    }
    // A draw of 15 of 60 has each with p = 1/4; chi squared of 58 degrees of freedom, beyond 100 in 1 of 2000.
    const variance = 2000 * 0.25 * 0.75;
    const chi2 = counts.slice(1).reduce((sum, count) => sum + (count - 500) ** 2 / variance, 0);
    expect(chi2).to.be.within(25, 100);
  });

  it('perClass: the first of each label, alone or of what the others leave', () => {
    expect(samplesOf({ perClass: 2 })).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(samplesOf({ perClass: 1, indices: [9, 8, 7, 6] })).to.deep.equal([9, 8, 7]);
    const draw = { sample: { count: 60, seed: 5 }, perClass: 4 };
    expect([0, 1, 2].map((label) => samplesOf(draw).filter((i) => i % 3 === label).length)).to.deep.equal([
      4, 4, 4,
    ]);
    expect(samplesOf(draw)).to.not.deep.equal(samplesOf({ perClass: 4 }));
    expect(take(draw).preprocessing).to.equal(
      '60 of 60 samples drawn with seed 5; the first 4 of each label',
    );
  });

  it('shuffle: of what limit, indices or sample leave, before perClass, by its seed alone', () => {
    const all = samplesOf({ shuffle: 3 });
    // One rule: a draw of all samples is a shuffle of them.
    expect(all).to.deep.equal(samplesOf({ sample: { count: 60, seed: 3 } }));
    expect(samplesOf({ shuffle: 4 })).to.not.deep.equal(all);
    const few = samplesOf({ limit: 5, shuffle: 3 });
    expect([...few].sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4]);
    const chosen = [9, 8, 7, 6, 5];
    expect(samplesOf({ indices: chosen, shuffle: 3 })).to.deep.equal(few.map((i) => chosen[i]));
    const balanced = samplesOf({ shuffle: 3, perClass: 2 });
    expect(balanced).to.deep.equal(
      all.filter((i, at) => all.slice(0, at).filter((j) => j % 3 === i % 3).length < 2),
    );
    expect(take({ limit: 5, shuffle: 3, perClass: 1 }).preprocessing).to.equal(
      'the first 5 of 60 samples; shuffled with seed 3; the first 1 of each label',
    );
  });

  it('says what cannot be', async () => {
    await refuses({ shuffle: true }, /'shuffle'/);
    await refuses({ shuffle: -1 }, /'shuffle'/);
    await refuses({ limit: 3, indices: [1] }, /options 'limit' and 'indices' exclude each other/);
    await refuses({ indices: [0, 60] }, /indices\[1\] is 60, but there are 60 samples/);
    await refuses({ indices: [] }, /'indices'/);
    await refuses({ indices: [0.5] }, /'indices'/);
    await refuses({ sample: { count: 61, seed: 0 } }, /sample\.count is 61/);
    await refuses({ sample: { count: 6 } }, /'sample'.*seed/);
    await refuses({ sample: { count: 6, seed: 0, sede: 1 } }, /'sample'/);
    await refuses({ sample: null }, /'sample'/);
    await refuses({ perClass: 0 }, /'perClass'/);
    await throws(
      () => take({ limit: 5, perClass: 2 }),
      'ERR_INVALID_DATA',
      /the label 2 has only 1 of the 5 samples/,
    );
    const without = () => dataset({ inputs }, { perClass: 1 });
    await throws(without, 'ERR_INVALID_OPTION', /perClass needs labels/);
    const vectors = () => dataset({ inputs, targets: inputs }, { perClass: 1 });
    await throws(vectors, 'ERR_INVALID_OPTION', /one label a sample; the targets are \[60, 2\]/);
  });
});

describe('mapLabels', () => {
  it('maps by Map or object, integers and others', () => {
    const byMap = take({
      limit: 4,
      mapLabels: new Map([
        [0, 5],
        [1, -1],
        [2, 7],
      ]),
    });
    expect(byMap.targets).to.deep.equal({ data: Int32Array.of(5, -1, 7, 5), shape: [4] });
    expect(byMap.preprocessing).to.equal('the first 4 of 60 samples; labels 0→5, 1→-1, 2→7');
    const byObject = take({ limit: 3, mapLabels: { 0: 0.5, 1: 1, 2: 2 } });
    expect(byObject.targets!.data).to.deep.equal(Float64Array.of(0.5, 1, 2));
    const wide = { data: BigInt64Array.of(3n, 4n), shape: [2] };
    expect(
      dataset({ inputs: wide, targets: wide }, { mapLabels: { 3: 0, 4: 1 } }).targets!.data,
    ).to.deep.equal(Int32Array.of(0, 1));
  });

  it('goes by the new labels after perClass by the old ones', () => {
    const data = take({ perClass: 1, mapLabels: { 0: 0, 1: 1, 2: 1 } });
    expect([...data.targets!.data]).to.deep.equal([0, 1, 1]);
  });

  it('names a label that is not mapped, and its sample; samples that are not used may have any', async () => {
    const mapped = { mapLabels: { 0: 1, 1: 0 } };
    expect(take({ indices: [3, 4], ...mapped }).numSamples).to.equal(2);
    const unmapped = () => take({ indices: [3, 11], name: 'mine', ...mapped });
    await throws(unmapped, 'ERR_INVALID_DATA', /mine, sample 11: the label 2 is not among .*: 0, 1\./);
    const without = () => dataset({ inputs }, mapped);
    await throws(without, 'ERR_INVALID_OPTION', /mapLabels needs labels/);
    for (const wrong of [{ a: 1 }, { 1: 'a' }, [1], new Map([['0', 1]]), null]) {
      await refuses({ mapLabels: wrong }, /'mapLabels'/);
    }
  });
});
