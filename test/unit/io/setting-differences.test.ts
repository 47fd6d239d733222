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

  it('of long texts by what tells them apart', () => {
    const poison = (weight: number) => `${hash('a')} ${weight} `;
    const [words] = settingDifferences({ poison: poison(0.5) }, { poison: poison(0.7) });
    expect(words).to.match(/^poison: …a+ 0\.5 {2}in the file, …a+ 0\.7 {2}now$/);
    const frozen = Array.from({ length: 40 }, (_, i) => i).join();
    const [longer] = settingDifferences({ frozen }, { frozen: `${frozen},99` });
    expect(longer).to.match(/in the file, .*,99 now$/);
  });

  it('of what a file should not hold: no key is taken from a prototype, and nothing throws', () => {
    const odd = JSON.parse('{"constructor": 1, "__proto__": 2, "toString": [3]}') as Record<string, unknown>;
    expect(settingDifferences(odd, {})).to.deep.equal([
      'constructor: 1 in the file, absent now',
      '__proto__: 2 in the file, absent now',
      'toString: [3] in the file, absent now',
    ]);
    const circle: unknown[] = [];
    circle.push(circle);
    expect(settingDifferences({ a: circle, b: 7n }, { a: 1, b: 2 })).to.deep.equal([
      'a: what is no setting in the file, 1 now',
      'b: 7 in the file, 2 now',
    ]);
  });

  it('of objects by the keys that differ, and what only looks like one as it is', () => {
    const optimizer = (lr: number, eps: number | null) => JSON.stringify({ name: 'adam', lr, eps });
    expect(
      settingDifferences({ optimizer: optimizer(0.1, null) }, { optimizer: optimizer(0.01, 1e-8) }),
    ).to.deep.equal(['optimizer.lr: 0.1 in the file, 0.01 now', 'optimizer.eps: none in the file, 1e-8 now']);
    // Equal keys in another order are still another text, and lists are compared by what is in them.
    expect(settingDifferences({ o: '{"a":1,"b":2}' }, { o: '{"b":2,"a":1}' })).to.deep.equal([
      'o: {"a":1,"b":2} in the file, {"b":2,"a":1} now',
    ]);
    expect(settingDifferences({ o: '{"a":[1,2],"b":3}' }, { o: '{"a":[1,2],"b":4}' })).to.deep.equal([
      'o.b: 3 in the file, 4 now',
    ]);
    expect(settingDifferences({ output: '{odd' }, { output: '{"a":1}' })).to.deep.equal([
      'output: {odd in the file, {"a":1} now',
    ]);
  });
});
