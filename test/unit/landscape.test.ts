import { expect } from 'chai';
import { defaultCap, explosionOf } from '../../dist/explosion.js';
import { frozenParameters } from '../../dist/directions/freeze.js';

describe('value explosion', () => {
  it('by hand', () => {
    const cap = defaultCap('cross-entropy', 0.02);
    expect(cap).to.equal(100);
    expect(defaultCap('mse', 0.02)).to.equal(2);
    const calm = explosionOf(Float64Array.of(0.02, 1, 9), 0.02, cap);
    expect(calm.verdict).to.equal('none');
    expect(calm.maxToCenterRatio).to.be.closeTo(450, 1e-9);
    expect(explosionOf(Float64Array.of(0.02, 11), 0.02, cap).verdict).to.equal('grows');
    const wild = explosionOf(Float64Array.of(0.02, 1e6, NaN, Infinity), 0.02, cap);
    expect(wild.verdict).to.equal('explodes');
    expect(wild.shareAboveCap).to.equal(0.75);
    expect(wild.text).to.match(/25 % of the points exceed 100, 50 % are not finite/);
    // Losses below 0, and a model whose loss is 0 without a scale.
    expect(defaultCap('model', -10)).to.equal(980);
    const flow = explosionOf(Float64Array.of(-10.1, -10, -9.9), -10, defaultCap('model', -10));
    expect(flow.verdict).to.equal('none');
    expect(flow.maxToCenterRatio).to.be.NaN;
    expect(explosionOf(Float64Array.of(0, 1e-9), 0, defaultCap('mse', 0)).verdict).to.equal('none');
    expect(explosionOf(Float64Array.of(0, Infinity), 0, defaultCap('mse', 0)).verdict).to.equal('explodes');
    const none = explosionOf(Float64Array.of(NaN), 0.02, cap);
    expect(none.verdict).to.equal('explodes');
    expect(none.text).to.match(/no value is finite/);
  });
});

describe('frozen parameters', () => {
  const parameters = ['a.weight', 'a.bias', 'b+c.weight'].map((name) => ({
    name,
    shape: [1],
    offset: 0,
    numel: 1,
    role: 'weight' as const,
    modules: [],
    aliases: [],
    dtype: 'float32' as const,
  }));

  it('patterns are no regular expressions', () => {
    expect(frozenParameters(parameters, ['b+c.*'])).to.deep.equal([2]);
    expect(frozenParameters(parameters, ['*'])).to.deep.equal([0, 1, 2]);
    expect(frozenParameters(parameters, undefined)).to.deep.equal([]);
    expect(() => frozenParameters(parameters, ['a.w.*'])).to.throw(/fits no parameter/);
  });
});
