import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawLine, type LineOptions } from '../../../dist/plot/line.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { lineOf } from './results.js';
import { count, hasBadNumber, part, texts } from './svg-reading.js';

describe('drawLine', () => {
  it('draws loss on the left and accuracy on the right axis', () => {
    const svg = drawLine(
      lineOf(
        21,
        (t) => t * t,
        (t) => 1 - t * t,
      ),
    );
    expect(texts(part(svg, 'axis-y')).at(-1)).to.equal('loss');
    expect(texts(part(svg, 'axis-right'))).to.include.members(['0', '100', 'accuracy, %']);
    expect(count(part(svg, 'loss'), /<circle/)).to.equal(21);
    expect(count(part(svg, 'accuracy'), /<circle/)).to.equal(21);
    expect(part(svg, 'center-mark')).not.to.equal('');
    expect(hasBadNumber(svg)).to.equal(false);
    renderPng(svg, { scale: 0.2 });
  });

  it('has no right axis without accuracy', () => {
    const svg = drawLine(lineOf(21, (t) => t * t));
    expect(part(svg, 'axis-right')).to.equal('');
    expect(part(svg, 'accuracy')).to.equal('');
  });

  it('leaves a gap and hatches where the loss is not finite', () => {
    const svg = drawLine(lineOf(21, (t) => (Math.abs(t) < 0.01 ? NaN : t > 0.95 ? Infinity : t)));
    expect(count(part(svg, 'loss'), 'M')).to.equal(2);
    expect(count(part(svg, 'hidden-cells'), 'M')).to.equal(2);
    expect(texts(svg)).to.include('2 of 21 points not finite (hatched)');
  });

  it('shows decades and caps', () => {
    const svg = drawLine(
      lineOf(21, (t) => 10 ** (22 * t * t)),
      { scale: 'log', cap: 1e20 },
    );
    expect(texts(part(svg, 'axis-y'))).to.include.members(['10⁰', '10²¹', 'loss (log scale)']);
    expect(texts(svg).join(' ')).to.match(/loss capped at 10²⁰ \(2 of 21 points\)/);
  });

  it('draws flat and empty lines', () => {
    expect(hasBadNumber(drawLine(lineOf(2, () => 0)))).to.equal(false);
    const empty = drawLine(
      lineOf(5, () => -1),
      { scale: 'log' },
    );
    expect(texts(empty)).to.include.members([
      'no loss to draw',
      '5 of 5 points ≤ 0, not on a log scale (hatched)',
    ]);
    expect(hasBadNumber(empty)).to.equal(false);
  });

  it('refuses wrong options and data by name', () => {
    expect(() => drawLine(lineOf(3, Math.abs), { Scale: 'log' } as LineOptions)).to.throw(
      LossAtlasError,
      /'Scale'/,
    );
    const short = { ...lineOf(3, Math.abs), accuracy: new Float64Array(2) };
    expect(() => drawLine(short)).to.throw(LossAtlasError, /accuracy has 2 values, coordinates 3/);
    expect(() => drawLine({ ...short, coordinates: new Float64Array(3) })).to.throw(/coordinates\[1\] is 0/);
  });
});
