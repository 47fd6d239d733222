import { expect } from 'chai';
import {
  drawLine,
  drawPage,
  drawWeightHistogram,
  LossAtlasError,
  type WeightHistogram,
} from '../../../dist/index.js';
import { lineOf } from './results.js';

const histogram: WeightHistogram = {
  kind: 'weight-histogram',
  formatVersion: 1,
  edges: Float64Array.of(-1, 0, 1),
  solutions: [
    {
      label: 'small batch',
      counts: Float64Array.of(4, 1),
      mean: -0.25,
      standardDeviation: 0.5,
      norm: 1,
      min: -0.9,
      max: 0.5,
    },
  ],
  parameters: ['fc.weight'],
  numWeights: 5,
  model: 'net.pt',
  modelHash: 'ab',
};

describe('weight histograms as figures', () => {
  it('bars are as high as their counts', () => {
    const svg = drawWeightHistogram(histogram, { title: '' });
    const d = /<path d="(M[^"]*)" fill="none"/.exec(svg)![1]!;
    const [floor, first, second] = [/^M[\d.]+,([\d.]+)/, /^M[^V]*V([\d.]+)/, /^M[^V]*V[^V]*V([\d.]+)/].map(
      (pattern) => Number(pattern.exec(d)![1]),
    ) as [number, number, number];
    expect((floor - first) / (floor - second)).to.be.closeTo(4, 0.01);
    expect(svg).to.include('small batch').and.to.include('σ = 0.5');
  });

  it('of more than five solutions one below the other, on one scale', () => {
    const [solution] = histogram.solutions;
    const scaled = (label: string, factor: number) => ({
      ...solution!,
      label,
      counts: solution!.counts.map((count) => count * factor),
    });
    const solutions = Array.from({ length: 7 }, (_, i) => scaled(`epoch ${i}`, i + 1));
    const svg = drawWeightHistogram({ ...histogram, solutions });
    const heights = [...svg.matchAll(/<path class="row" d="M[\d.]+,([\d.]+)V([\d.]+)/g)].map(
      ([, floor, top]) => Number(floor) - Number(top),
    );
    expect(heights).to.have.length(7);
    for (const [i, height] of heights.entries())
      expect(height / heights[0]!).to.be.closeTo(i + 1, 0.1 * (i + 1));
    for (const { label } of solutions) expect(svg).to.include(`>${label}<`);
    expect(svg).to.not.include('NaN');
    const many = Array.from({ length: 201 }, (_, i) => scaled(`epoch ${i}`, 1));
    expect(() => drawWeightHistogram({ ...histogram, solutions: many })).to.throw(
      /201 solutions are too many/,
    );
    expect(drawWeightHistogram({ ...histogram, solutions: many.slice(1) }, { scale: 'log' })).to.not.include(
      'NaN',
    );
  });

  it('on a log scale an empty bin lies on the floor', () => {
    const [solution] = histogram.solutions;
    const empty = { ...histogram, solutions: [{ ...solution!, counts: Float64Array.of(0, 5) }] };
    const svg = drawWeightHistogram(empty, { scale: 'log' });
    expect(svg).to.not.include('NaN').and.to.not.include('Infinity');
  });
});

describe('pages of figures', () => {
  const line = drawLine(
    lineOf(3, (x) => x * x),
    { width: 400, height: 300 },
  );

  it('stand side by side without overlapping', () => {
    const page = drawPage([line, drawWeightHistogram(histogram), line], {
      title: 'Two minima',
      caption: 'a note',
    });
    const places = [
      ...page.matchAll(/<svg x="([\d.]+)" y="([\d.]+)" [^>]*?width="(\d+)" height="(\d+)"/g),
    ].map(([, ...numbers]) => numbers.map(Number) as [number, number, number, number]);
    expect(places).to.have.length(3);
    const [first, second, third] = places as unknown as [number[], number[], number[]];
    expect(second[0]).to.be.at.least(first[0]! + first[2]!);
    expect(second[1]).to.equal(first[1]);
    expect(third[0]).to.equal(first[0]);
    expect(third[1]).to.be.at.least(second[1]! + second[3]!);
    const [, width, height] = /width="(\d+)" height="([\d.]+)"/.exec(page)!.map(Number);
    expect(width).to.be.at.least(second[0]! + second[2]!);
    expect(height).to.be.at.least(third[1]! + third[3]!);
    expect(page).to.include('Two minima').and.to.include('a note');
  });

  it('refuse what is no figure', () => {
    expect(() => drawPage([]))
      .to.throw(LossAtlasError, /not empty/)
      .with.property('code', 'ERR_INVALID_OPTION');
    expect(() => drawPage([line, '<html>']))
      .to.throw(LossAtlasError, /figures\[1\]/)
      .with.property('code', 'ERR_INVALID_DATA');
  });
});
