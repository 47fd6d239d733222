import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawDensity, type DensityCurve } from '../../../dist/plot/density.js';
import { drawLogDensity, type LogDensityCurve } from '../../../dist/plot/log-density.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { evenly } from './results.js';
import { count, duplicateIds, hasBadNumber, part, texts } from './svg-reading.js';

const mass = (value: number, half = 0) => ({
  value,
  low: value - half,
  high: value + half,
  standardError: half / 2,
});

const bell = (x: Float64Array, center: number) =>
  x.map((value) => Math.exp(-((Math.log10(value) - center) ** 2) * 8));

function curveOf(positiveAt: number, negativeAt: number, zero = 0): LogDensityCurve {
  const x = evenly(-6, 2, 401).map((power) => 10 ** power);
  const side = (density: Float64Array, below: number) => ({
    density,
    low: density.map((value) => value / 2),
    high: density.map((value) => value * 2),
    below: mass(below, 0.05),
  });
  return {
    x,
    positive: side(bell(x, positiveAt), 0.25),
    negative: side(bell(x, negativeAt), 0.125),
    zero: mass(zero),
  };
}

/** Frames of both halves: left, top, width, height. */
const frames = (svg: string) =>
  [
    ...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*class="frame"/g),
  ].map((match) => match.slice(1).map(Number));

/** The point of a curve that stands highest. */
function peakOf(markup: string): [number, number] {
  const points = [...part(markup, 'density').matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(
    (match) => [Number(match[1]), Number(match[2])] as [number, number],
  );
  return points.reduce((a, b) => (b[1] < a[1] ? b : a));
}

describe('drawLogDensity', () => {
  it('mirrors a symmetric spectrum at the middle of two equal frames', () => {
    const svg = drawLogDensity(curveOf(0, 0));
    const [left, right] = frames(svg) as [number[], number[]];
    expect(left[2]).to.be.closeTo(right[2]!, 0.05);
    expect(left.slice(1, 2)).to.deep.equal(right.slice(1, 2));
    const [a, b] = [peakOf(part(svg, 'negative')), peakOf(part(svg, 'positive'))];
    const inner = left[0]! + left[2]!;
    expect(inner - a[0]).to.be.closeTo(b[0] - right[0]!, 0.6);
    expect(a[1]).to.be.closeTo(b[1], 0.1);
    expect(hasBadNumber(svg)).to.equal(false);
    expect(duplicateIds(svg)).to.deep.equal([]);
    renderPng(svg, { scale: 0.2 });
  });

  it('says what lies below the axes, on either side and at zero', () => {
    const svg = drawLogDensity(curveOf(0, -2, 0.3));
    expect(texts(part(svg, 'below-positive'))).to.deep.equal(['mass 0.250 (0.200 to 0.300) below 10⁻⁶']);
    expect(texts(part(svg, 'below-negative'))).to.deep.equal(['mass 0.125 (0.075 to 0.175) below 10⁻⁶']);
    expect(texts(svg)).to.include('mass 0.300 at exactly 0 (on neither side)');
    expect(texts(svg)).to.include.members([
      'negative eigenvalues, −λ (log scale)',
      'positive eigenvalues, λ (log scale)',
      'density per decade (log scale)',
    ]);
    expect(texts(svg)).not.to.include('(log scale)');
    const single = curveOf(0, 0);
    const alone = {
      ...single.positive,
      low: null,
      high: null,
      below: { ...mass(1e-15), low: NaN, high: NaN },
    };
    const bare = drawLogDensity({ ...single, positive: alone });
    expect(texts(part(bare, 'below-positive'))).to.deep.equal(['nothing below 10⁻⁶']);
  });

  it('draws several under labels, apart by dashes too', () => {
    const svg = drawLogDensity([
      { label: 'random', curve: curveOf(0, 0) },
      { label: 'trained', curve: curveOf(1, -3) },
    ]);
    for (const side of ['negative', 'positive']) {
      const half = part(svg, side);
      expect(count(half, 'class="density"')).to.equal(2);
      expect(count(half, 'stroke-dasharray')).to.equal(1);
      expect(count(half, 'class="area"')).to.equal(0);
      const header = part(svg, `below-${side}`);
      expect(texts(header).map((line) => line.split(':')[0])).to.deep.equal(['random', 'trained']);
      expect(count(header, 'stroke-dasharray')).to.equal(1);
    }
  });

  it('draws one-sided, empty and linear ones', () => {
    const curve = curveOf(0, 0);
    const none = { ...curve.negative, density: new Float64Array(401), low: null, high: null };
    const svg = drawLogDensity({ ...curve, negative: none });
    expect(texts(svg)).to.include('no negative eigenvalues here');
    expect(texts(svg)).not.to.include('no positive eigenvalues here');
    for (const scale of ['linear', 'log'] as const) {
      const empty = drawLogDensity({ ...curve, positive: none, negative: none }, { scale });
      expect(hasBadNumber(empty)).to.equal(false);
    }
    expect(texts(drawLogDensity(curve, { scale: 'linear' }))).to.include('density per decade');
  });

  it('refuses wrong options and data by name', () => {
    const curve = curveOf(0, 0);
    expect(() => drawLogDensity(curve, { scales: 'log' } as object)).to.throw(LossAtlasError, /'scales'/);
    expect(() => drawLogDensity([])).to.throw(/0 densities/);
    expect(() => drawLogDensity({ ...curve, x: curve.x.map((x) => x - 1) })).to.throw(/x\[0\]/);
    const short = { ...curve.negative, density: new Float64Array(3) };
    expect(() => drawLogDensity({ ...curve, negative: short })).to.throw(
      /negative.density has 3 values, x has 401/,
    );
  });
});

describe('drawDensity of several', () => {
  const curve = (center: number): DensityCurve => {
    const x = evenly(center - 2, center + 2, 201);
    return { x, density: x.map((value) => Math.exp(-((value - center) ** 2) * 9)), low: null, high: null };
  };

  it('has one axis for all, and a legend', () => {
    const svg = drawDensity(
      [
        { label: 'MNIST', curve: curve(0) },
        { label: 'USPS', curve: curve(8) },
      ],
      { annotations: ['KH05 = 0.16'] },
    );
    expect(texts(part(svg, 'axis-x'))).to.include.members(['−2', '10']);
    expect(count(svg, 'class="density"')).to.equal(2);
    expect(texts(part(svg, 'annotations'))).to.deep.equal(['MNIST', 'USPS', 'KH05 = 0.16']);
    expect(count(part(svg, 'annotations'), 'stroke-dasharray')).to.equal(1);
  });

  it('names the curve that has gaps, and refuses more than it can tell apart', () => {
    const gap = curve(0);
    gap.density[3] = NaN;
    expect(texts(drawDensity([{ label: 'A', curve: gap }]))).to.include(
      'A: 1 of 201 densities not finite (left out)',
    );
    const six = Array.from('ABCDEF', (label) => ({ label, curve: curve(0) }));
    expect(() => drawDensity(six)).to.throw(LossAtlasError, /6 densities.*1 to 5/);
  });
});
