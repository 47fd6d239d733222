import { expect } from 'chai';
import fc from 'fast-check';

import { LossAtlasError } from '../../../dist/errors.js';
import { coordinateAt, traceContours } from '../../../dist/plot/contour-lines.js';
import { drawContour } from '../../../dist/plot/contour.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { bowl, evenly, surfaceOf } from './results.js';
import { count, hasBadNumber, part, texts } from './svg-reading.js';

const labels = (svg: string) =>
  [...svg.matchAll(/class="contour-label">([^<]*)</g)].map((match) => match[1]!);

describe('drawContour', () => {
  it('draws bands, lines, labels, a centre mark, axes and a colour bar', () => {
    const svg = drawContour(bowl());
    const numLevels = count(part(svg, 'contours'), /<path/);
    expect(numLevels).to.be.within(8, 18);
    expect(count(part(svg, 'bands'), /<path/)).to.equal(numLevels);
    expect(labels(svg).length).to.be.at.least(5);
    expect(labels(svg)).to.include.members(['0.5', '1.0']);
    expect(part(svg, 'center-mark')).not.to.equal('');
    expect(part(svg, 'color-bar')).not.to.equal('');
    expect(texts(part(svg, 'axis-x')).at(-1)).to.equal('α (filter-normalised Gaussian direction)');
    expect(texts(part(svg, 'axis-y'))).to.include.members(['−1.0', '0.0', '1.0']);
    expect(hasBadNumber(svg)).to.equal(false);
  });

  it('has no centre mark where the centre is outside', () => {
    const surface = { ...bowl(5), x: evenly(1, 2, 5) };
    expect(part(drawContour(surface), 'center-mark')).to.equal('');
  });

  it('labels powers of ten on a log scale', () => {
    const svg = drawContour(
      surfaceOf(31, 31, (x, y) => 10 ** (11 * (x * x + y * y))),
      { scale: 'log', numLevels: 20 },
    );
    expect(count(part(svg, 'contours'), /<path/)).to.be.within(15, 25);
    expect(labels(svg).every((label) => /^10[⁰¹²³⁴⁵⁶⁷⁸⁹]+$/.test(label))).to.equal(true);
    expect(texts(part(svg, 'color-bar-ticks'))).to.include('10²¹');
  });

  it('hatches what cannot be drawn', () => {
    const surface = surfaceOf(21, 21, (x, y) => (Math.hypot(x, y) > 1.2 ? NaN : x * x + y * y));
    const numHidden = surface.loss.filter(Number.isNaN).length;
    const svg = drawContour(surface);
    expect(part(svg, 'hidden-cells')).to.include('url(#hatch)');
    expect(texts(svg)).to.include(`${numHidden} of 441 points not finite (hatched)`);
    expect(texts(drawContour(surfaceOf(3, 3, () => Infinity)))).to.include('no loss to draw');
  });

  it('draws one cell per point as a heat map', () => {
    const surface = surfaceOf(6, 4, (x) => (x < -0.9 ? NaN : x));
    const svg = drawContour(surface, { heatMap: true });
    expect(count(part(svg, 'cells'), /<rect/)).to.equal(20);
    expect(count(part(svg, 'hidden-cells'), 'M')).to.equal(4);
    expect(part(svg, 'contours')).to.equal('');
  });

  it('draws small, flat and uneven grids', () => {
    expect(count(part(drawContour(bowl(2)), 'contours'), /<path/)).to.be.above(0);
    expect(texts(drawContour(surfaceOf(4, 4, () => 1))).join(' ')).to.match(/loss is 1 at every point/);
    const x = Float64Array.of(-1, -0.2, 0, 0.7);
    expect(hasBadNumber(drawContour({ ...bowl(4), x, y: x.toReversed() }))).to.equal(false);
  });

  it('gives a readable SVG for any losses', () => {
    const surface = bowl(4, 3);
    const options = fc.record({
      scale: fc.constantFrom('linear' as const, 'log' as const),
      heatMap: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 12, maxLength: 12 }), options, (loss, drawing) => {
        const svg = drawContour({ ...surface, loss: Float64Array.from(loss) }, drawing);
        expect(hasBadNumber(svg)).to.equal(false);
        renderPng(svg, { scale: 0.1 });
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it('refuses wrong options by name', () => {
    const draw = (options: object) => () => drawContour(bowl(3), options);
    expect(draw({ heatmap: true })).to.throw(LossAtlasError, /'heatmap'.*'heatMap'/);
    expect(draw({ heatMap: 1 })).to.throw(LossAtlasError, /heatMap/);
    expect(draw({ scale: 'log10' })).to.throw(LossAtlasError, /scale/);
    expect(draw({ numLevels: 0 })).to.throw(LossAtlasError, /numLevels/);
  });
});

describe('traceContours', () => {
  it('finds a straight line where the field is linear', () => {
    const values = Float64Array.from({ length: 12 }, (_, k) => (k % 4) / 3);
    const [level] = traceContours(values, 4, 3, [0.5]);
    expect(level!.lines).to.have.length(1);
    for (const [x] of level!.lines[0]!) expect(x).to.be.closeTo(1.5, 1e-12);
    const ys = level!.lines[0]!.map(([, y]) => y);
    expect([Math.min(...ys), Math.max(...ys)]).to.deep.equal([0, 2]);
  });

  it('closes a line that does not touch the border', () => {
    const values = Float64Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0);
    const [level] = traceContours(values, 3, 3, [0.5]);
    const [line] = level!.lines;
    expect(line![0]).to.deep.equal(line!.at(-1));
    expect(
      line!.map(([x, y]) => Math.abs(x - 1) + Math.abs(y - 1)).every((r) => Math.abs(r - 0.5) < 1e-12),
    ).to.equal(true);
  });

  it('reads coordinates between uneven samples and beyond the ends', () => {
    const coordinates = Float64Array.of(0, 1, 3);
    expect([-0.5, 0.5, 1.5, 2, 2.5].map((index) => coordinateAt(coordinates, index))).to.deep.equal([
      -0.5, 0.5, 2, 3, 4,
    ]);
  });
});
