import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawAtlas } from '../../../dist/plot/atlas.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { drawSpread } from '../../../dist/plot/spread.js';
import type { LandscapeAtlas } from '../../../dist/results.js';
import { atlasOf, bowl, solution, surfaceOf } from './results.js';
import { count, duplicateIds, hasBadNumber, part, size, texts } from './svg-reading.js';

const four = () => atlasOf([1, 2, 3, 4].map((k) => surfaceOf(11, 11, (x, y) => 1 + k * x * x + y * y)));
const panels = (svg: string) => count(svg, 'class="panel"');
const panelTitles = (svg: string) =>
  [...svg.matchAll(/<text[^>]*class="panel-title"[^>]*>([^<]*)</g)].map((match) => match[1]!);
const bars = (svg: string) => count(svg, 'class="color-bar"');
const words = (svg: string) => texts(svg).join(' ').replaceAll('\u00a0', ' ');

describe('drawAtlas', () => {
  for (const kind of ['surface', 'contour'] as const) {
    it(`draws one ${kind} panel a surface, with one colour bar and one caption`, () => {
      const svg = drawAtlas(four(), { kind });
      expect(panels(svg)).to.equal(4);
      expect(panelTitles(svg)).to.deep.equal(['seed 1', 'seed 2', 'seed 3', 'seed 4']);
      expect(bars(svg)).to.equal(1);
      expect(count(words(svg), '1024 samples')).to.equal(1);
      expect(words(svg)).to.match(
        /both directions: gaussian, filter norm, without bias and norm, one draw each ·/,
      );
      expect(hasBadNumber(svg)).to.equal(false);
      expect(duplicateIds(svg)).to.deep.equal([]);
      renderPng(svg, { scale: 0.2 });
    });
  }

  it('grows with its rows and is as wide as its columns', () => {
    const atlas = four();
    const [two, one, wide] = [2, 1, 4].map((columns) => size(drawAtlas(atlas, { columns })));
    const row = two![1] - wide![1];
    // Each further row adds the same: a panel and a gap; the captions wrap differently.
    expect(one![1] - two![1]).to.be.closeTo(2 * row, 90);
    expect(wide![0]).to.be.above(two![0]);
    expect(two![0]).to.be.above(one![0]);
    expect(size(drawAtlas(atlas, { width: 700, height: 650 }))).to.deep.equal([700, 650]);
  });

  it('contours of wide planes are as much lower, unless one panel is square', () => {
    const surface = surfaceOf(11, 11, (x, y) => 1 + x * x + y * y);
    const wide = { ...surface, y: surface.y.map((y) => y / 2) };
    const height = (...of: (typeof surface)[]) =>
      size(drawAtlas(atlasOf(of), { kind: 'contour', columns: 1, shared: false }))[1];
    expect(height(surface, surface) - height(wide, wide)).to.equal(2 * 150);
    expect(height(surface, wide)).to.equal(height(surface, surface));
  });

  it('shares one scale where surfaces compare, unless told otherwise', () => {
    const atlas = four();
    const barTicks = (svg: string) => texts(part(svg, 'color-bar-ticks')).map(Number);
    // The largest loss of all is 1 + 4 + 1.
    expect(Math.max(...barTicks(drawAtlas(atlas)))).to.equal(6);
    const own = drawAtlas(atlas, { shared: false });
    expect(bars(own)).to.equal(4);
    // That of the first is 1 + 1 + 1.
    expect(Math.max(...barTicks(own))).to.equal(3);
    const apart = { ...atlas, spread: null };
    expect(bars(drawAtlas(apart))).to.equal(4);
    expect(bars(drawAtlas(apart, { shared: true }))).to.equal(1);
  });

  it('shows equal losses in equal colours where the scale is shared', () => {
    const flat = (value: number) => surfaceOf(3, 3, (x) => (x < 0 ? value : 2));
    const svg = drawAtlas(atlasOf([flat(1), flat(3)]), { kind: 'contour', shared: true });
    const fills = svg
      .split('class="panel"')
      .slice(1)
      .map((panel) => [...part(panel, 'bands').matchAll(/fill="(#\w+)"/g)].map((match) => match[1]));
    expect(fills[0]).to.deep.equal(fills[1]);
  });

  it('gives every panel the range of all where grids differ', () => {
    const wide = { ...bowl(5), x: Float64Array.of(-2, -1, 0, 1, 2) };
    const atlas = atlasOf([bowl(5), wide]);
    const ticks = (svg: string) =>
      svg
        .split('class="panel"')
        .slice(1)
        .map((panel) => texts(part(panel, 'axis-x'))[0]);
    expect(ticks(drawAtlas(atlas, { kind: 'contour', shared: true }))).to.deep.equal(['−2', '−2']);
    expect(ticks(drawAtlas(atlas, { kind: 'contour', shared: false }))).to.deep.equal(['−1.0', '−2']);
  });

  it('leaves what is around a grid empty', () => {
    const wide = { ...bowl(5), x: Float64Array.of(-2, -1, 0, 1, 2) };
    const svg = drawAtlas(atlasOf([bowl(5), wide]), { kind: 'contour', shared: true });
    const widths = svg
      .split('class="panel"')
      .slice(1)
      .map((panel) => Number(/<rect [^>]*width="([\d.]+)"[^>]*\/><g class="bands"/.exec(panel)?.[1]));
    expect(widths[0]! / widths[1]!).to.be.closeTo(0.5, 0.01);
  });

  it('gathers warnings of all panels, escapes titles and draws empty panels', () => {
    const atlas = {
      ...atlasOf([surfaceOf(3, 3, () => NaN), bowl(3), { ...bowl(3), solutions: [solution('b', 9, 9)] }]),
      titles: ['<a> & "b"', 'x', 'y'],
    };
    for (const kind of ['surface', 'contour'] as const) {
      const svg = drawAtlas(atlas, { kind });
      expect(svg).to.include('&lt;a&gt; &amp; &quot;b&quot;');
      expect(words(svg)).to.include('9 of 27 points not finite (hatched)');
      expect(words(svg)).to.match(/1 of 1 solutions outside the axes/);
      expect(words(svg)).to.include('no loss to draw');
      expect(hasBadNumber(svg)).to.equal(false);
      expect(duplicateIds(svg)).to.deep.equal([]);
      renderPng(svg, { scale: 0.2 });
    }
  });

  it('refuses what cannot be drawn', () => {
    const draw = (options: object) => () => drawAtlas(four(), options);
    expect(draw({ kind: 'line' })).to.throw(LossAtlasError, /kind/);
    expect(draw({ columns: 0 })).to.throw(LossAtlasError, /columns/);
    expect(draw({ share: true })).to.throw(LossAtlasError, /'shared'/);
    expect(draw({ value: 'accuracy' })).to.throw(LossAtlasError, /the result has \('loss'\)/);
    const refused = (change: Partial<LandscapeAtlas>, message: RegExp) =>
      expect(() => drawAtlas({ ...four(), ...change }))
        .to.throw(LossAtlasError, message)
        .with.property('code', 'ERR_INVALID_DATA');
    refused({ surfaces: [], titles: [] }, /without surfaces/);
    refused({ titles: ['a'] }, /1 titles for 4 surfaces/);
  });
});

describe('drawSpread', () => {
  it('colours the relative spread and draws lines of the mean', () => {
    // Means 4 (1 + x²) and deviations 2 (1 + x²): a ratio of one half everywhere but where y > 0.
    const at = (factor: number) =>
      surfaceOf(11, 11, (x, y) => (1 + x * x) * (y > 0 ? 4 : 4 + factor * Math.SQRT2));
    const svg = drawSpread(atlasOf([at(1), at(-1)]), { heatMap: true });
    expect(texts(part(svg, 'color-bar-ticks'))).to.include.members(['0.0', '0.5']);
    expect(
      new Set([...part(svg, 'cells').matchAll(/fill="(#\w+)"/g)].map((match) => match[1])).size,
    ).to.equal(2);
    expect(count(part(svg, 'contours'), /<path/)).to.be.above(3);
    const labels = [...svg.matchAll(/class="contour-label">([^<]*)</g)].map((match) => Number(match[1]));
    for (const label of labels) expect(label).to.be.within(4, 8);
    expect(words(svg)).to.match(/standard deviation \/ mean/);
    expect(words(svg)).to.match(/spread over 2 surfaces/);
    expect(hasBadNumber(svg)).to.equal(false);
    renderPng(drawSpread(four()), { scale: 0.2 });
  });

  it('hatches what has no spread, and refuses atlases without one', () => {
    const hole = surfaceOf(5, 5, (x, y) => (x === 0 && y === 0 ? NaN : 1));
    const svg = drawSpread(atlasOf([hole, bowl(5)]));
    expect(part(svg, 'hidden-cells')).to.include('url(#hatch)');
    const signed = drawSpread(atlasOf([surfaceOf(5, 5, (x) => x), surfaceOf(5, 5, (x) => 2 * x)]), {
      scale: 'log',
    });
    expect(words(signed)).to.include('15 of 25 points ≤ 0, not on a log scale (hatched)');
    expect(part(signed, 'hidden-cells')).not.to.equal('');
    expect(hasBadNumber(svg + signed)).to.equal(false);
    expect(() => drawSpread({ ...four(), spread: null }))
      .to.throw(LossAtlasError, /spread/)
      .with.property('code', 'ERR_INVALID_OPTION');
    expect(() => drawSpread(four(), { cap: 1 } as object)).to.throw(LossAtlasError, /'cap'/);
  });
});
