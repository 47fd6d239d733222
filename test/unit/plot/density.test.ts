import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawDensity, type DensityCurve } from '../../../dist/plot/density.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { evenly } from './results.js';
import { count, hasBadNumber, part, texts } from './svg-reading.js';

function curveOf(numPoints: number, densityAt: (x: number) => number): DensityCurve {
  const x = evenly(-1, 4, numPoints);
  return { x, density: x.map(densityAt), low: null, high: null };
}

const peak = (x: number) => Math.exp(-x * x * 50);

describe('drawDensity', () => {
  it('shows at most seven decades below the maximum', () => {
    const labels = texts(part(drawDensity(curveOf(501, peak)), 'axis-y'));
    expect(labels).to.include.members(['10⁰', '10⁻⁶', 'density (log scale)']);
    expect(labels).not.to.include('10⁻⁸');
    expect(texts(part(drawDensity(curveOf(501, peak), { numDecades: 3 }), 'axis-y'))).not.to.include('10⁻⁴');
  });

  it('does not reach below the least density', () => {
    const labels = texts(part(drawDensity(curveOf(501, (x) => 0.02 + peak(x))), 'axis-y'));
    expect(labels.some((label) => label.includes('0.01') || label === '10⁻²')).to.equal(true);
    expect(labels).not.to.include('10⁻³');
  });

  it('draws band, markers and annotations', () => {
    const curve = curveOf(501, peak);
    const svg = drawDensity(
      {
        ...curve,
        low: curve.density.map((value) => value / 2),
        high: curve.density.map((value) => value * 2),
      },
      { markers: Float64Array.of(0, 3.5, NaN, 9), annotations: ['re = 0.03', 'KH05 = 0.16'] },
    );
    expect(part(svg, 'band')).not.to.equal('');
    expect(count(part(svg, 'markers'), 'M')).to.equal(3);
    expect(texts(part(svg, 'annotations'))).to.deep.equal(['re = 0.03', 'KH05 = 0.16']);
    // The marker at 9 is in the picture.
    expect(texts(part(svg, 'axis-x'))).to.include('9');
    expect(part(drawDensity(curve), 'band')).to.equal('');
    renderPng(svg, { scale: 0.2 });
  });

  it('puts the annotations where the curve is not', () => {
    const left = (svg: string) => Number(/<rect x="([\d.]+)"/.exec(part(svg, 'annotations'))![1]);
    const options = { annotations: ['re = 0.03'], scale: 'linear' } as const;
    expect(left(drawDensity(curveOf(501, peak), options))).to.be.above(400);
    expect(
      left(
        drawDensity(
          curveOf(501, (x) => peak(x - 3.8)),
          options,
        ),
      ),
    ).to.be.below(400);
  });

  it('keeps peaks and gaps of fine grids in a small path', () => {
    const curve = curveOf(100_001, (x) => (Math.abs(x - 2) < 1e-5 ? 1e3 : 1e-2));
    curve.density[30_000] = NaN;
    const svg = drawDensity(curve);
    expect(svg.length).to.be.below(300_000);
    expect(count(part(svg, 'density'), 'M')).to.equal(2);
    expect(texts(svg)).to.include('1 of 100001 densities not finite (left out)');
    const heights = [...part(svg, 'density').matchAll(/[ML][\d.]+,([\d.]+)/g)].map((match) =>
      Number(match[1]),
    );
    expect(Math.min(...heights)).to.be.below(80);
  });

  it('draws linear, empty and extreme densities', () => {
    for (const densityAt of [peak, () => 0, () => 1e308, () => 5e-324, () => NaN]) {
      for (const scale of ['linear', 'log'] as const) {
        const svg = drawDensity(curveOf(11, densityAt), { scale });
        expect(hasBadNumber(svg)).to.equal(false);
      }
    }
    expect(texts(drawDensity(curveOf(11, () => 0)))).to.include('no positive density');
  });

  it('refuses wrong options and data by name', () => {
    const curve = curveOf(11, peak);
    expect(() => drawDensity(curve, { marker: [] } as object)).to.throw(
      LossAtlasError,
      /'marker'.*'markers'/,
    );
    expect(() => drawDensity({ ...curve, low: new Float64Array(3) })).to.throw(/low has 3 values, x has 11/);
    expect(() => drawDensity({ ...curve, x: new Float64Array(11) })).to.throw(/x\[1\] is 0/);
  });
});
