import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { colorAt } from '../../../dist/plot/color-scale.js';
import { drawCriteria } from '../../../dist/plot/criteria-table.js';
import { layoutFigure } from '../../../dist/plot/figure.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { element, escapeXml, num } from '../../../dist/plot/svg.js';
import { fitText, textWidth, wrapText } from '../../../dist/plot/text.js';
import { count, hasBadNumber, part, texts } from './svg-reading.js';

/** Pixels of a PNG that are not white would need a decoder; its size tells whether text was drawn. */
const sizeOf = (content: string) =>
  renderPng(`<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40">${content}</svg>`).length;

describe('svg', () => {
  it('escapes text and drops what XML forbids', () => {
    expect(escapeXml('a<b & "c">\u0000\u0007d')).to.equal('a&lt;b &amp; &quot;c&quot;&gt;d');
    expect(element('text', { title: '"x"', y: undefined, x: 1.23456 })).to.equal(
      '<text title="&quot;x&quot;" x="1.23"/>',
    );
    expect([-0.001, 12.3, -1.005].map(num)).to.deep.equal(['0', '12.3', '-1']);
  });
});

describe('text', () => {
  it('knows the widths of DejaVu Sans', () => {
    expect(textWidth('Hello', 10)).to.be.closeTo(25.37, 0.1);
    expect(textWidth('10²²', 10)).to.be.closeTo(20.74, 0.1);
    expect(textWidth('Hello', 10, true)).to.be.above(textWidth('Hello', 10));
  });

  it('shrinks, then cuts', () => {
    expect(fitText('short', 100, 12, 8)).to.deep.equal({ text: 'short', size: 12 });
    expect(fitText('a text to shrink', 80, 12, 8).text).to.equal('a text to shrink');
    const cut = fitText('a text that is much too long', 60, 12, 8);
    expect(cut.text).to.match(/^a text.*…$/);
    expect(textWidth(cut.text, cut.size)).to.be.at.most(60);
  });

  it('wraps at spaces, not at no-break spaces', () => {
    expect(wrapText('one two three', 60, 12, 3)).to.deep.equal(['one two', 'three']);
    expect(wrapText('one two\u00a0three', 60, 12, 3)[0]).to.equal('one');
    expect(wrapText('a b c d e f g h i j k l m n', 40, 12, 2)[1]).to.match(/…$/);
    expect(wrapText('  ', 40, 12, 2)).to.deep.equal([]);
  });
});

describe('figure', () => {
  const spec = { width: 400, height: 300, title: '', caption: '', notes: [] };

  it('makes room for title, notes and caption', () => {
    const bare = layoutFigure(spec).box;
    const full = layoutFigure({ ...spec, title: 'title', caption: 'caption', notes: ['note'] }).box;
    expect(full.top).to.be.above(bare.top);
    expect(full.bottom).to.be.below(bare.bottom);
  });

  it('breaks a long title into two lines', () => {
    const title =
      'a title that is far too long for one line of a figure that is only four hundred units wide';
    const svg = layoutFigure({ ...spec, title }).finish([]);
    expect(count(svg, 'font-weight="bold"')).to.equal(2);
    expect(svg).to.include(`aria-label="${title}"`);
  });
});

describe('color maps', () => {
  it('run from dark to light and are clamped', () => {
    expect(colorAt('viridis', 0)).to.equal('#440154');
    expect(colorAt('viridis', -1)).to.equal('#440154');
    expect(colorAt('viridis', 2)).to.equal('#fde725');
    for (const map of ['cividis', 'inferno'] as const) expect(colorAt(map, 0.5)).to.match(/^#[0-9a-f]{6}$/);
  });
});

describe('drawCriteria', () => {
  const rows = [
    { name: 're', value: 0.0032, low: 0.0021, high: 0.0043 },
    { name: 'KH05', value: 0.66, low: 0.61, high: 0.71 },
  ];

  it('lists name, value and interval, and draws a bar for each', () => {
    const svg = drawCriteria(rows, { title: 'LeNet', confidence: 0.9 });
    expect(texts(svg)).to.include.members([
      'LeNet',
      '90 % interval',
      're',
      '0.0032',
      '0.0021 … 0.0043',
      '0.61 … 0.71',
    ]);
    expect(count(part(svg, 'bars'), /<circle/)).to.equal(2);
    expect(texts(part(svg, 'axis-x'))).to.include('0.01');
    renderPng(svg, { scale: 0.2 });
  });

  it('survives what is not finite, and no rows', () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const svg = drawCriteria([...rows, { name: 'x', value, low: -Infinity, high: Infinity }]);
      expect(hasBadNumber(svg)).to.equal(false);
      expect(count(part(svg, 'bars'), /<circle/)).to.equal(2);
    }
    expect(hasBadNumber(drawCriteria([]))).to.equal(false);
  });
});

describe('renderPng', () => {
  it('renders text with the fonts it brings', () => {
    const text = (weight: string) =>
      `<text y="20" font-weight="${weight}" font-family="DejaVu Sans">Hα10²²</text>`;
    expect(sizeOf(text('normal'))).to.be.above(sizeOf('') + 300);
    expect(sizeOf(text('bold'))).not.to.equal(sizeOf(text('normal')));
  });

  it('scales by 2 unless told otherwise', () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"/>';
    const width = (png: Uint8Array) => Buffer.from(png).readUInt32BE(16);
    expect(width(renderPng(svg))).to.equal(20);
    expect(width(renderPng(svg, { scale: 5 }))).to.equal(50);
  });

  it('refuses wrong scales and broken SVG', () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"/>';
    expect(() => renderPng(svg, { scale: 0 })).to.throw(LossAtlasError, /scale/);
    expect(() => renderPng(svg, { scale: 1e5 })).to.throw(LossAtlasError, /1000000 pixels/);
    expect(() => renderPng('<svg')).to.throw(LossAtlasError, /cannot be rendered/);
  });
});
