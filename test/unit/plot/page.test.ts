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
