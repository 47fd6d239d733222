import { expect } from 'chai';
import { settingDifferences } from '../../../dist/io/setting-differences.js';

const hash = (digit: string) => digit.repeat(64);

describe('settings of a file that is not this run’s', () => {
  it('are named with both values, and equal ones not at all', () => {
    expect(
      settingDifferences({ points: 81, seed: 0, by: 'name' }, { points: 64, seed: 0, by: '' }),
    ).to.deep.equal(['points: 81 in the file, 64 now', 'by: name in the file, none now']);
    expect(settingDifferences({ a: 1 }, { a: 1 })).to.deep.equal([]);
    expect(settingDifferences({}, { clipNorm: 1 })).to.deep.equal(['clipNorm: absent in the file, 1 now']);
  });

  it('of hashes, which say nothing, by what they are of, and of lists by their lengths', () => {
    const found = { model: hash('a'), data: hash('b'), coefficients: hash('c'), evaluateOn: '' };
    const wanted = { model: hash('a'), data: hash('0'), coefficients: hash('1'), evaluateOn: hash('2') };
    expect(settingDifferences(found, wanted)).to.deep.equal([
      'other content of the data',
      'other grid',
      'test data: 0 in the file, 1 now',
    ]);
    expect(settingDifferences({ evaluateOn: hash('1') }, { evaluateOn: hash('2') })).to.deep.equal([
      'other test data',
    ]);
    expect(settingDifferences({ weights: null }, { weights: hash('3') })).to.deep.equal([
      'weights: none in the file, those of hash 33333333… now',
    ]);
  });

  it('of objects by the keys that differ, and what only looks like one as it is', () => {
    const optimizer = (lr: number, eps: number | null) => JSON.stringify({ name: 'adam', lr, eps });
    expect(
      settingDifferences({ optimizer: optimizer(0.1, null) }, { optimizer: optimizer(0.01, 1e-8) }),
    ).to.deep.equal(['optimizer.lr: 0.1 in the file, 0.01 now', 'optimizer.eps: none in the file, 1e-8 now']);
    expect(settingDifferences({ output: '{odd' }, { output: '{"a":1}' })).to.deep.equal([
      'output: {odd in the file, {"a":1} now',
    ]);
  });
});
