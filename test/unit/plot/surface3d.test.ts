import { expect } from 'chai';
import fc from 'fast-check';

import { LossAtlasError } from '../../../dist/errors.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { drawSurface } from '../../../dist/plot/surface3d.js';
import type { LossSurface } from '../../../dist/results.js';
import { axis, bowl, surfaceOf } from './results.js';
import { count, hasBadNumber, part, texts } from './svg-reading.js';

const cells = (svg: string) => count(part(svg, 'surface'), '" stroke-opacity="1"');
const floorLines = (svg: string) => count(part(svg, 'floor-contours'), /<path/);

describe('drawSurface', () => {
  it('draws one path per cell, floor contours, three axes and a colour bar', () => {
    const svg = drawSurface(bowl(), { title: 'Bowl', caption: 'below' });
    expect(cells(svg)).to.equal(50 * 50);
    expect(floorLines(svg)).to.be.within(6, 20);
    for (const name of ['axis-x', 'axis-y', 'axis-z', 'color-bar', 'grid']) {
      expect(part(svg, name), name).not.to.equal('');
    }
    expect(texts(part(svg, 'axis-x'))).to.deep.equal([
      '−1.0',
      '−0.5',
      '0.0',
      '0.5',
      '1.0',
      'α (filter-normalised Gaussian direction)',
    ]);
    expect(texts(part(svg, 'axis-z')).at(-1)).to.equal('loss');
    expect(texts(svg)).to.include.members(['Bowl', 'below']);
    expect(hasBadNumber(svg)).to.equal(false);
  });

  it('draws grids that are not square', () => {
    expect(cells(drawSurface(bowl(51, 31)))).to.equal(50 * 30);
    expect(cells(drawSurface(bowl(3)))).to.equal(4);
    expect(cells(drawSurface(bowl(2, 5)))).to.equal(4);
  });

  it('takes title and caption from the provenance, and none where asked', () => {
    const all = texts(drawSurface(bowl(5)));
    expect(all).to.include('resnet20.pt · cifar10.bin');
    expect(all.join(' ').replaceAll('\u00a0', ' ')).to.match(
      /gaussian, filter norm, without bias and norm, seed 2/,
    );
    const bare = texts(drawSurface(bowl(5), { title: '', caption: '' }));
    expect(bare.join(' ')).not.to.match(/resnet20|seed/);
  });

  it('names the eigenvalue of a Hessian direction', () => {
    const surface = {
      ...bowl(5),
      axes: [{ ...axis, label: 'Hessian eigenvector', eigenvalue: -12.5 }, axis] as const,
    };
    expect(texts(drawSurface(surface))).to.include('α (Hessian eigenvector, λ = −12.5)');
    // Where there is no room, the normalisation goes first: the caption has it too.
    const long = { ...axis, label: 'model-normalised Hessian eigenvector', eigenvalue: -12.5 };
    const narrow = texts(drawSurface({ ...surface, axes: [long, axis] }, { width: 500, height: 400 }));
    expect(narrow).to.include('α (Hessian eigenvector, λ = −12.5)');
  });

  it('leaves holes above hatched floor where the loss is not finite', () => {
    const surface = surfaceOf(11, 11, (x, y) =>
      x === 0 && y === 0 ? NaN : x === -1 && y === -1 ? Infinity : x + y,
    );
    const svg = drawSurface(surface);
    expect(cells(svg)).to.equal(100 - 4 - 1);
    // The 2 × 2 cells around the point are two runs, the corner is one.
    expect(count(part(svg, 'hidden-cells'), 'M')).to.equal(3);
    expect(svg).to.include('<pattern id="hatch"');
    expect(texts(svg)).to.include('2 of 121 points not finite (hatched)');
    expect(drawSurface(bowl(5))).not.to.include('hatch');
  });

  it('caps when drawing and says so', () => {
    const surface = bowl(21);
    const before = surface.loss.slice();
    const svg = drawSurface(surface, { cap: 2 });
    const numCapped = surface.loss.filter((value) => value > 2).length;
    expect(texts(svg)).to.include(`loss capped at 2 (${numCapped} of 441 points)`);
    expect(Math.max(...texts(part(svg, 'color-bar-ticks')).map(Number))).to.equal(2);
    expect(surface.loss).to.deep.equal(before);
  });

  it('shows 22 decades on a log scale', () => {
    const svg = drawSurface(
      surfaceOf(21, 21, (x, y) => 10 ** (11 * (x * x + y * y))),
      { scale: 'log' },
    );
    expect(texts(part(svg, 'axis-z'))).to.include.members(['10⁰', '10²⁰', 'loss (log scale)']);
    expect(hasBadNumber(svg)).to.equal(false);
  });

  it('counts losses that a log scale cannot show', () => {
    const svg = drawSurface(
      surfaceOf(5, 5, (x) => x),
      { scale: 'log' },
    );
    expect(texts(svg)).to.include('15 of 25 points ≤ 0, not on a log scale (hatched)');
    expect(cells(svg)).to.equal(4);
  });

  it('draws flat, narrow, huge and empty surfaces', () => {
    const flat = drawSurface(surfaceOf(5, 5, () => 2.302585));
    expect(cells(flat)).to.equal(16);
    expect(texts(flat)).to.include('loss is 2.303 at every point drawn');
    const narrow = texts(part(drawSurface(surfaceOf(5, 5, (x) => 0.48204 + 3e-5 * x)), 'axis-z'));
    expect(narrow).to.include.members(['0.48202', '0.48206']);
    const veryNarrow = texts(part(drawSurface(surfaceOf(5, 5, (x) => 0.48204 + 3e-9 * x)), 'axis-z'));
    expect(veryNarrow.at(-1)).to.match(/^loss − 0\.4820\d+$/);
    const empty = drawSurface(surfaceOf(5, 5, () => NaN));
    expect(texts(empty)).to.include('no loss to draw');
    expect(part(empty, 'color-bar')).to.equal('');
  });

  it('gives finite coordinates and a readable SVG for any losses', () => {
    const surface = bowl(4, 3);
    const losses = fc.array(fc.double(), { minLength: 12, maxLength: 12 });
    const options = fc.record({
      scale: fc.constantFrom('linear' as const, 'log' as const),
      azimuth: fc.integer({ min: -720, max: 720 }),
      elevation: fc.integer({ min: 5, max: 85 }),
    });
    fc.assert(
      fc.property(losses, options, (loss, drawing) => {
        const svg = drawSurface({ ...surface, loss: Float64Array.from(loss) }, { ...drawing, title: '<&">' });
        expect(hasBadNumber(svg)).to.equal(false);
        expect(svg).not.to.match(/d="[^"]*e[-+]?\d/);
        renderPng(svg, { scale: 0.1 });
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  it('refuses wrong options and data by name', () => {
    const draw = (options: object) => () => drawSurface(bowl(3), options);
    expect(draw({ colourMap: 'viridis' })).to.throw(LossAtlasError, /unknown option 'colourMap'.*'colorMap'/);
    expect(draw({ colorMap: 'jet' })).to.throw(LossAtlasError, /colorMap/);
    expect(draw({ elevation: 90 })).to.throw(LossAtlasError, /elevation/);
    expect(draw({ cap: NaN })).to.throw(LossAtlasError, /cap/);
    expect(draw({ cap: 0, scale: 'log' })).to.throw(LossAtlasError, /cap.*log scale/);
    expect(draw({ width: 10 })).to.throw(LossAtlasError, /width/);
    const refused = (change: Partial<LossSurface>, message: RegExp) =>
      expect(() => drawSurface({ ...bowl(3), ...change }))
        .to.throw(LossAtlasError, message)
        .with.property('code', 'ERR_INVALID_DATA');
    refused({ loss: new Float64Array(8) }, /8 values, x and y ask for 3 × 3/);
    refused({ x: Float64Array.of(0) }, /1 × 3 points has no cells/);
    refused({ x: Float64Array.of(0, 1, 1) }, /x\[2\] is 1/);
    refused({ y: Float64Array.of(0, NaN, 1) }, /y\[1\] is NaN/);
  });

  it('draws and renders 51 × 51 points within a second', () => {
    const start = performance.now();
    const png = renderPng(drawSurface(bowl()));
    // Twice the promise: the machine may be busy.
    expect(performance.now() - start).to.be.below(2000);
    expect(png.length).to.be.above(50_000);
  });
});
