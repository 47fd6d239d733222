import { expect } from 'chai';
import { loadScript } from './helpers.js';

interface RangeModule {
  compareVersions: (left: string, right: string) => number;
  isSupported: (version: string, range?: { minimum: string; below: string }) => boolean;
  isBypassed: (env: NodeJS.ProcessEnv) => boolean;
  rangeProblem: (version: string) => string;
  supported: { minimum: string; below: string; fetch: string };
}

describe('scripts/libtorch/range', () => {
  let range: RangeModule;
  before(async () => {
    range = (await loadScript('libtorch/range.mjs')) as RangeModule;
  });

  it('compares by number, not by letter', () => {
    expect(range.compareVersions('2.9.0', '2.13.0')).to.be.below(0);
    expect(range.compareVersions('2.13', '2.13.0')).to.equal(0);
    expect(range.compareVersions('3.0', '2.99.99')).to.be.above(0);
  });

  it('ignores how a version was built', () => {
    expect(range.compareVersions('2.13.0+cu130', '2.13.0+cpu')).to.equal(0);
    expect(range.compareVersions('2.14.0a0+git1234', '2.14.0')).to.equal(0);
  });

  it('includes the minimum and excludes the upper end', () => {
    const edges = { minimum: '2.11', below: '2.16' };
    const inside = ['2.11.0', '2.11', '2.15.9', '2.13.0+cpu'];
    const outside = ['2.10.9', '2.16.0', '2.16.0a0', '1.13.0', '3.0.0'];
    for (const version of inside) expect(range.isSupported(version, edges), version).to.equal(true);
    for (const version of outside) expect(range.isSupported(version, edges), version).to.equal(false);
  });

  it('fetches a version that it supports', () => {
    expect(range.isSupported(range.supported.fetch)).to.equal(true);
  });

  it('refuses what is no version', () => {
    expect(() => range.compareVersions('nightly', '2.11')).to.throw(TypeError, '"nightly" is not a version');
  });

  it('names the range and the bypass', () => {
    const { minimum, below } = range.supported;
    expect(range.rangeProblem('1.0.0'))
      .to.include(minimum)
      .and.include(below)
      .and.include('LOSSATLAS_ANY_LIBTORCH=1');
  });

  it('is bypassed by a variable that is on', () => {
    expect(range.isBypassed({ LOSSATLAS_ANY_LIBTORCH: '1' })).to.equal(true);
    for (const off of [undefined, '', '0'])
      expect(range.isBypassed({ LOSSATLAS_ANY_LIBTORCH: off })).to.equal(false);
  });
});
