import { expect } from 'chai';
import { drawScatter, LossAtlasError } from '../../../dist/index.js';

const points = [
  { label: 'β = 0', x: 4, y: -130, low: -150, high: -110 },
  { label: 'β = 0.5', x: 80, y: -230 },
];

describe('scatter figures', () => {
  it('put every point where its numbers are, with its interval and its name', () => {
    const svg = drawScatter(points, { xLabel: 'gap', yLabel: 'log-volume' });
    const [first, second] = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]) as [[number, number], [number, number]];
    expect(first[0]).to.be.below(second[0]);
    expect(first[1]).to.be.below(second[1]);
    const [, low, high] = /d="M[\d.]+,([\d.]+)L[\d.]+,([\d.]+)"[^>]*stroke-opacity="0.5"/
      .exec(svg)!
      .map(Number);
    // 20 up and down of a distance of 100 between the points.
    const unit = (second[1] - first[1]) / 100;
    expect(low! - first[1]).to.be.closeTo(20 * unit, 0.1);
    expect(first[1] - high!).to.be.closeTo(20 * unit, 0.1);
    for (const word of ['β = 0', 'gap', 'log-volume']) expect(svg).to.include(word);
  });

  it('on a log scale a decade is a decade', () => {
    const decades = [1, 10, 100].map((x) => ({ label: '', x, y: x }));
    const svg = drawScatter(decades, { xScale: 'log', yScale: 'log' });
    const [a, b, c] = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x)) as [
      number,
      number,
      number,
    ];
    expect(b - a).to.be.closeTo(c - b, 0.05);
  });

  it('refuse what a scale cannot show', () => {
    expect(() => drawScatter([])).to.throw(LossAtlasError, /not empty/);
    expect(() => drawScatter([{ label: '', x: 0, y: 1 }], { xScale: 'log' }))
      .to.throw(LossAtlasError, /cannot show 0 on the x axis/)
      .with.property('code', 'ERR_INVALID_DATA');
    expect(() => drawScatter([{ label: '', x: 0, y: NaN }])).to.throw(
      LossAtlasError,
      /cannot show NaN on the y/,
    );
  });
});
