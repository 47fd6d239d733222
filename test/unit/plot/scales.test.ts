import { expect } from 'chai';
import fc from 'fast-check';

import { formatNumber, formatPower, formatTicks } from '../../../dist/plot/number-format.js';
import { scaleLabel, valueScale } from '../../../dist/plot/value-scale.js';

const labels = (kind: 'linear' | 'log', low: number, high: number, count?: number) =>
  valueScale(kind, low, high, count).ticks.map((tick) => tick.label);

describe('number format', () => {
  it('uses a true minus sign, superscripts and few digits', () => {
    expect(formatNumber(-0.0356)).to.equal('−0.0356');
    expect(formatNumber(0.48201)).to.equal('0.482');
    expect(formatNumber(1234567)).to.equal('1.235×10⁶');
    expect(formatNumber(-1e-9)).to.equal('−10⁻⁹');
    expect(formatNumber(99999, 5)).to.equal('99999');
    expect(formatNumber(0)).to.equal('0');
    expect([NaN, Infinity, -Infinity].map((value) => formatNumber(value))).to.deep.equal(['NaN', '∞', '−∞']);
    expect([-12, 0, 22].map(formatPower)).to.deep.equal(['10⁻¹²', '10⁰', '10²²']);
  });

  it('gives ticks one number of decimals', () => {
    expect(formatTicks([-1, -0.5, 0, 0.5, 1]).labels).to.deep.equal(['−1.0', '−0.5', '0.0', '0.5', '1.0']);
    expect(formatTicks([0, 200, 400]).labels).to.deep.equal(['0', '200', '400']);
    expect(formatTicks([0, 2e-7, 4e-7]).labels).to.deep.equal(['0', '2×10⁻⁷', '4×10⁻⁷']);
  });

  it('takes an offset off where digits would not fit', () => {
    expect(formatTicks([0.48201, 0.48202, 0.48203])).to.deep.equal({
      labels: ['0.48201', '0.48202', '0.48203'],
      offset: '',
    });
    expect(formatTicks([0.48201001, 0.48201002, 0.48201003])).to.deep.equal({
      labels: ['1×10⁻⁸', '2×10⁻⁸', '3×10⁻⁸'],
      offset: '0.48201',
    });
  });
});

describe('value scale', () => {
  it('spans its range', () => {
    for (const kind of ['linear', 'log'] as const) {
      const scale = valueScale(kind, 0.1, 1000);
      expect([scale.position(0.1), scale.position(1000)]).to.deep.equal([0, 1]);
      expect(scale.value(scale.position(7))).to.be.closeTo(7, 1e-9);
    }
    expect(valueScale('log', 1, 10).position(0)).to.be.NaN;
  });

  it('ticks decades, multiples or plain numbers as the range asks', () => {
    expect(labels('log', 1, 1e22)).to.deep.equal(['10⁰', '10⁴', '10⁸', '10¹²', '10¹⁶', '10²⁰']);
    expect(labels('log', 0.5, 2e5)).to.deep.equal(['10⁰', '10¹', '10²', '10³', '10⁴', '10⁵']);
    expect(labels('log', 0.1, 10)).to.deep.equal(['0.1', '0.2', '0.5', '1', '2', '5', '10']);
    expect(labels('log', 0.48201, 0.48207)).to.include('0.48204');
    expect(valueScale('log', 1, 1000).minor).to.include.members([2, 9, 20, 900]);
  });

  it('widens a flat range', () => {
    for (const value of [0, 2.3, -5, 1e308, 5e-324]) {
      const scale = valueScale('linear', value, value);
      expect(scale.low).to.be.below(value);
      expect(scale.high).to.be.above(value);
    }
    expect(valueScale('log', 3, 3).position(3)).to.be.closeTo(0.5, 1e-12);
  });

  it('names log scale and offset', () => {
    expect(scaleLabel('loss', valueScale('log', 1, 1e5))).to.equal('loss (log scale)');
    expect(scaleLabel('loss', valueScale('linear', 1 + 1e-9, 1 + 5e-9))).to.equal('loss − 1');
    expect(scaleLabel('loss', valueScale('linear', -1 + 1e-9, -1 + 5e-9))).to.match(/^loss − \(−1\)$/);
  });

  it('has few, ascending, finite ticks in any range', () => {
    const range = fc
      .tuple(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      )
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 20 }), fc.boolean(), ([a, b], count, isLog) => {
        const [low, high] = isLog
          ? ([Math.abs(a) || 1, Math.abs(b) || 1].sort((p, q) => p - q) as [number, number])
          : [a, b];
        const scale = valueScale(isLog ? 'log' : 'linear', low, high, count);
        expect(scale.ticks.length).to.be.at.most(2 * count + 2);
        scale.ticks.forEach(({ value, label }, i) => {
          expect(value).to.be.within(
            scale.low - 1e-9 * Math.abs(scale.low),
            scale.high + 1e-9 * Math.abs(scale.high),
          );
          expect(label).to.match(/^−?[\d.×⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+$/);
          if (i > 0) expect(value).to.be.above(scale.ticks[i - 1]!.value);
        });
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
});
