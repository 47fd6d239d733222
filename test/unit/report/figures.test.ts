import { expect } from 'chai';
import {
  drawContour,
  drawEigenvalueMap,
  drawLines,
  drawResult,
  drawTogether,
  renderPng,
  type Result,
} from '../../../dist/index.js';
import type { EigenvalueMap } from '../../../dist/results.js';
import { atlasOf, bowl, lineOf, provenance, surfaceOf } from '../plot/results.js';
import { count, duplicateIds, hasBadNumber, part, texts } from '../plot/svg-reading.js';

const names = (result: Result, options = {}) => drawResult(result, options).map(({ name }) => name);
const atlas = atlasOf([bowl(7), surfaceOf(7, 7, (x, y) => 0.2 + x * x + y * y)]);

describe('drawResult', () => {
  it('draws the usual figures of a kind, and others on request', () => {
    expect(names(bowl(9))).to.deep.equal(['surface', 'contour']);
    expect(names(bowl(9), { figures: ['heat-map'] })).to.deep.equal(['heat-map']);
    expect(names(lineOf(5, Math.abs))).to.deep.equal(['line']);
    expect(names(atlas)).to.deep.equal(['surface', 'contour', 'spread']);
    expect(names({ ...atlas, spread: null })).to.deep.equal(['surface', 'contour']);
  });

  it('passes each figure the options that it knows', () => {
    const options = {
      scale: 'log',
      cap: 3,
      azimuth: 20,
      numLevels: 5,
      title: 'T',
      colorMap: 'cividis',
    } as const;
    const [surface, contour] = drawResult(bowl(9), options);
    for (const { svg } of [surface!, contour!]) {
      expect(svg).to.contain('aria-label="T"');
      expect(svg).to.contain('loss (log scale)');
      expect(svg).to.match(/capped at 3/);
    }
    expect(surface!.svg).to.not.equal(drawResult(bowl(9), { ...options, azimuth: 40 })[0]!.svg);
  });

  it('draws together what is asked for', () => {
    const results = [bowl(5), bowl(7)].map((result, i) => ({ label: `${i}`, result }));
    const drawn = (options: object) => drawTogether(results, options).map(({ name }) => name);
    expect(drawn({})).to.deep.equal(['surface', 'contour']);
    expect(drawn({ figures: ['contour'] })).to.deep.equal(['contour']);
    expect(() => drawn({ figures: ['density'] })).to.throw(/must be among surface, contour/);
  });

  it('refuses figures that a result has not, and unknown options, by name', () => {
    expect(() => drawResult(bowl(9), { figures: ['density'] })).to.throw(
      /of a loss-surface must be among surface, contour, heat-map, but is 'density'/,
    );
    expect(() => drawResult(bowl(9), { scael: 'log' } as object)).to.throw(/Did you mean 'scale'/);
    expect(() => drawResult(bowl(9), { figures: ['pie' as never] })).to.throw(/a list of surface/);
  });

  it('draws hundreds of thousands of cells', () => {
    const svg = drawResult(
      surfaceOf(351, 351, (x, y) => x * x + y * y + 0.1),
      { figures: ['surface'] },
    )[0]!.svg;
    expect(hasBadNumber(svg.slice(-10_000))).to.equal(false);
    expect(count(svg, '<path')).to.be.above(100_000);
  });

  it('lines of contours have the colours where there are no bands', () => {
    const filled = drawContour(bowl(21));
    const open = drawContour(bowl(21), { filled: false });
    expect(part(filled, 'bands')).to.not.equal('');
    expect(part(open, 'bands')).to.equal('');
    const strokes = new Set(
      [...part(open, 'contours').matchAll(/stroke="(#[0-9a-f]{6})"/g)].map(([, color]) => color),
    );
    expect(strokes.size).to.equal(count(part(filled, 'contours'), '<path'));
    expect(hasBadNumber(open)).to.equal(false);
  });
});

describe('figures of several results', () => {
  const lines = [
    { label: 'batch 64', line: lineOf(11, (t) => t * t) },
    { label: 'batch 8192', line: lineOf(7, (t) => 5 * t * t) },
  ];

  it('lines share their axes, under labels', () => {
    const svg = drawLines(lines, { title: 'Two' });
    expect(count(svg, 'class="curve"')).to.equal(2);
    expect(texts(part(svg, 'legend'))).to.deep.equal(['batch 64', 'batch 8192']);
    // 5 is the largest loss of the second.
    expect(texts(part(svg, 'axis-y'))).to.include('5.0');
    expect(count(svg, 'stroke-dasharray="6 3"')).to.be.above(0);
    expect([hasBadNumber(svg), duplicateIds(svg)]).to.deep.equal([false, []]);
    expect(renderPng(svg).length).to.be.above(1000);
  });

  it('NaN and infinities leave gaps and are counted', () => {
    const line = lineOf(11, (t) => (t > 0.5 ? Infinity : t < -0.5 ? NaN : t * t));
    const svg = drawLines([{ label: 'a', line }, lines[0]!]);
    expect(svg).to.match(/5 of 22 points not finite|6 of 22 points not finite/);
    expect(hasBadNumber(svg)).to.equal(false);
  });

  it('surfaces share a scale, as panels', () => {
    const results = [
      { label: 'with shortcuts', result: bowl(9) },
      { label: 'without', result: surfaceOf(9, 9, (x, y) => 50 * (x * x + y * y) + 1) },
    ];
    const [surface, contour] = drawTogether(results, { scale: 'log' });
    expect([surface!.name, contour!.name]).to.deep.equal(['surface', 'contour']);
    expect(count(contour!.svg, 'class="color-bar"')).to.equal(1);
    expect(texts(contour!.svg)).to.include.members(['with shortcuts', 'without']);
  });

  it('refuses different kinds, too many, and none', () => {
    const mixed = [
      { label: 'a', result: bowl(5) },
      { label: 'b', result: lines[0]!.line },
    ];
    expect(() => drawTogether(mixed)).to.throw(/all of one kind[^]*loss-surface, loss-line/);
    expect(() => drawTogether([])).to.throw(/here are none/);
    const many = Array.from({ length: 6 }, () => lines[0]!);
    expect(() => drawLines(many)).to.throw(/give 1 to 5/);
  });
});

describe('drawEigenvalueMap', () => {
  const grid = (at: (x: number, y: number) => number) => surfaceOf(5, 4, at).loss;
  const { x, y, axes } = surfaceOf(5, 4, () => 1);
  const map: EigenvalueMap = {
    kind: 'eigenvalue-map',
    formatVersion: 1,
    x,
    y,
    axes,
    smallest: grid((a) => (a > 0.9 ? NaN : -1 - a)),
    largest: grid(() => 4),
    numProducts: grid(() => 10),
    recipe: { name: 'lossatlas', notes: [] },
    provenance,
    source: null,
    search: null,
  };

  it('has a cell for each point, coloured by |λmin / λmax|, and hatches what was not computed', () => {
    const svg = drawEigenvalueMap(map);
    expect(count(part(svg, 'cells'), '<rect')).to.equal(16);
    expect(svg).to.contain('|λₘᵢₙ / λₘₐₓ|').and.to.contain('4 of 20 points not finite');
    expect(svg).to.contain('200\u00a0Hessian-vector\u00a0products');
    // −1 − x over 4: 0 to 0.375.
    expect(texts(part(svg, 'color-bar-ticks')))
      .to.include('0.05')
      .and.to.include('0.35');
    expect([hasBadNumber(svg), duplicateIds(svg)]).to.deep.equal([false, []]);
  });

  it('draws either eigenvalue, and contours', () => {
    expect(texts(part(drawEigenvalueMap(map, { value: 'smallest' }), 'color-bar-ticks'))).to.include('−1.4');
    const contours = drawEigenvalueMap(map, { heatMap: false, value: 'smallest' });
    expect(count(part(contours, 'bands'), '<path')).to.be.above(3);
    expect(drawResult(map).map(({ name }) => name)).to.deep.equal(['heat-map']);
  });

  it('has given ends of its colours, and refuses those that a log scale does not have', () => {
    const ticks = texts(part(drawEigenvalueMap(map, { colorRange: [0, 1] }), 'color-bar-ticks'));
    expect(ticks).to.include('1.0').and.to.include('0.6');
    const cells = (svg: string) => part(svg, 'cells');
    expect(cells(drawEigenvalueMap(map, { colorRange: [0, 1] }))).not.to.equal(cells(drawEigenvalueMap(map)));
    expect(() => drawEigenvalueMap(map, { colorRange: [0, 1], scale: 'log' })).to.throw(/colorRange/);
    expect(() => drawEigenvalueMap(map, { colorRange: [1, 0] })).to.throw(/colorRange/);
  });

  it('says that a single row is no plane', () => {
    const row = {
      ...map,
      y: Float64Array.of(0),
      smallest: map.smallest.slice(0, 5),
      largest: map.largest.slice(0, 5),
    };
    expect(() => drawEigenvalueMap(row)).to.throw(/5 × 1 points has no cells/);
  });
});
