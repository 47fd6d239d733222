import { expect } from 'chai';
import { meanEstimate, studentCdf, studentQuantile } from '../../../dist/spectrum/statistics.js';

describe('Student’s t', () => {
  // Abramowitz & Stegun 1964, table 26.10 (two-sided 95 % and 99 %).
  const table: [number, number, number][] = [
    [1, 12.706, 63.657],
    [2, 4.303, 9.925],
    [3, 3.182, 5.841],
    [4, 2.776, 4.604],
    [5, 2.571, 4.032],
    [9, 2.262, 3.25],
    [10, 2.228, 3.169],
    [29, 2.045, 2.756],
    [120, 1.98, 2.617],
  ];
  it('equals the published table', () => {
    for (const [freedom, p95, p99] of table) {
      expect(studentQuantile(0.95, freedom), `${freedom}`).to.be.closeTo(p95, 6e-4);
      expect(studentQuantile(0.99, freedom), `${freedom}`).to.be.closeTo(p99, 6e-4);
    }
  });

  it('is a distribution function', () => {
    for (const freedom of [1, 2, 7, 8]) {
      expect(studentCdf(0, freedom)).to.equal(0.5);
      expect(studentCdf(-1.3, freedom) + studentCdf(1.3, freedom)).to.be.closeTo(1, 1e-14);
      expect(studentCdf(1e6, freedom)).to.be.closeTo(1, 1e-5);
    }
    // Cauchy in closed form.
    expect(studentCdf(2, 1)).to.be.closeTo(0.5 + Math.atan(2) / Math.PI, 1e-15);
  });
});

describe('meanEstimate', () => {
  it('is the textbook interval; one sample has none', () => {
    const { value, low, high, standardError } = meanEstimate([1, 2, 3, 4], 0.95);
    expect(value).to.equal(2.5);
    expect(standardError).to.be.closeTo(Math.sqrt(5 / 3 / 4), 1e-15);
    expect(high - value).to.be.closeTo(3.1824 * standardError, 1e-4);
    expect(value - low).to.be.closeTo(high - value, 1e-12);
    expect(meanEstimate([7], 0.95).value).to.equal(7);
    expect(meanEstimate([7], 0.95).low).to.be.NaN;
  });
});
