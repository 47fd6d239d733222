import { expect } from 'chai';
import * as types from '../../../dist/cli/options/value-type.js';
import { flagName, keyName, option, take } from '../../../dist/cli/options/table.js';
import { dataSpecs, parseData } from '../../../dist/cli/data-spec.js';

describe('values of the command line', () => {
  it('are read', () => {
    const cases: readonly (readonly [types.ValueType, string, unknown])[] = [
      [types.number, '1/255', 1 / 255],
      [types.number, '-1e-3', -0.001],
      [types.count, '12', 12],
      [types.numbers, '0.5, 1/4', [0.5, 0.25]],
      [types.range, '-1,1', [-1, 1]],
      [types.shape, '1x28x28', [1, 28, 28]],
      [types.names, '', []],
      [types.names, 'a, b', ['a', 'b']],
      [types.column, '-1', -1],
      [types.column, 'none', null],
      [types.freeze, '-3', -3],
      [types.freeze, 'layer1.*,fc', ['layer1.*', 'fc']],
      [types.indexOrName, '1', 1],
      [types.labelMap, '3=0,5=1', { 3: 0, 5: 1 }],
      [types.sample, '200@1', { count: 200, seed: 1 }],
      [types.autoFlag, 'false', false],
      [types.choice(1, 2), '2', 2],
      [types.choices('svg', 'png'), 'png,svg', ['png', 'svg']],
    ];
    for (const [type, text, value] of cases) {
      expect(type.parse(text), text).to.deep.equal(value);
      expect(type.check(value), text).to.equal(null);
    }
  });

  it('are refused by name', () => {
    const cases: readonly (readonly [types.ValueType, string])[] = [
      [types.number, '1/2/3'],
      [types.number, ''],
      [types.number, 'NaN'],
      [types.number, '1/0'],
      [types.count, '-1'],
      [types.count, '1.5'],
      [types.range, '1,-1'],
      [types.range, '1'],
      [types.flag, 'yes'],
      [types.labelMap, '3'],
      [types.sample, '200'],
      [types.choice('a', 'b'), 'c'],
      [types.choices('a', 'b'), 'a,c'],
      [types.path, ''],
      [types.fileName, ''],
      [types.atLeastOne(types.choices('a', 'b')), ''],
    ];
    for (const [type, text] of cases) expect(() => type.parse(text), text).to.throw(/is not|one of/);
  });

  it('have names for the command line and for files', () => {
    for (const [key, flag] of [
      ['batchSize', 'batch-size'],
      ['yPoints', 'y-points'],
      ['k', 'k'],
    ] as const) {
      expect(flagName(key)).to.equal(flag);
      expect(keyName(flag)).to.equal(key);
    }
    const table = { dropoutSeed: option(types.count, '', { as: 'seed' }), other: option(types.text, '') };
    expect(take({ dropoutSeed: 3, else: 1 }, table)).to.deep.equal({ seed: 3 });
  });
});

describe('data sets of the command line', () => {
  it('have options behind their path: a comma belongs to the value unless a name follows', () => {
    expect(parseData('a/b.npz:mean=0.4,0.5,per-class=10,inputs=x')).to.deep.equal({
      path: 'a/b.npz',
      options: { mean: [0.4, 0.5], perClass: 10, inputs: 'x' },
    });
    expect(parseData('C:\\data\\x.npz')).to.deep.equal({ path: 'C:\\data\\x.npz', options: {} });
    expect(() => parseData('x.npz:colour=blue')).to.throw(/no data option 'colour'/);
    expect(() => parseData('x.npz:limt=3')).to.throw(/Did you mean 'limit'/);
  });

  it('have each option once, however it is spelled', () => {
    expect(() => parseData('x.npz:limit=800,limit=200')).to.throw(/'limit' is given twice/);
    expect(() => parseData('x.npz:per-class=8,perClass=2')).to.throw(/'per-class' is given twice/);
    const item = { path: 'a', options: { limit: 1 }, limit: 2 };
    expect(() => dataSpecs({ data: item })).to.throw(/'limit' is given twice/);
    expect(dataSpecs({ data: { path: 'a', options: { limit: 1 }, scale: 2 } })).to.deep.equal([
      { path: 'a', options: { limit: 1, scale: 2 } },
    ]);
  });

  it('share options, of which their own win; files write them as objects', () => {
    const data = [{ path: 'a.npz', scale: '1/2' }, 'b.npz:scale=3'];
    expect(dataSpecs({ data, dataOptions: { scale: 1, limit: 5 } })).to.deep.equal([
      { path: 'a.npz', options: { scale: 0.5, limit: 5 } },
      { path: 'b.npz', options: { scale: 3, limit: 5 } },
    ]);
    expect(() => dataSpecs({ data: { limit: 3 } })).to.throw(/needs a 'path'/);
    expect(() => dataSpecs({ data: { path: 'a', limit: [] } })).to.throw(/'limit' must be an integer/);
  });
});
