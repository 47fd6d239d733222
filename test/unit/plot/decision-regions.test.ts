import { expect } from 'chai';
import {
  drawDecisionRegions,
  drawResult,
  LossAtlasError,
  type DecisionRegions,
} from '../../../dist/index.js';
import { provenance } from './results.js';

const regions: DecisionRegions = {
  kind: 'decision-regions',
  formatVersion: 1,
  x: Float64Array.of(0, 1, 2),
  y: Float64Array.of(0, 1),
  labels: ['width', 'height'],
  classNames: ['even', 'odd'],
  predicted: Float64Array.of(0, 0, 1, 0, 1, 1),
  confidence: Float64Array.of(1, 1, 1, 0.5, 1, 1),
  numNotFinite: 0,
  samples: {
    x: Float64Array.of(0, 2, 9),
    y: Float64Array.of(0, 1, 0),
    label: Float64Array.of(0, 0, 1),
    predicted: Float64Array.of(0, 1, 1),
  },
  numSamples: 3,
  numWrong: 1,
  loss: 0.2,
  accuracy: 2 / 3,
  provenance,
};

describe('figures of decision regions', () => {
  it('shade cells by class and confidence, and run a boundary where the class changes', () => {
    const svg = drawDecisionRegions(regions);
    const shades = [...svg.matchAll(/fill="(#0072b2|#d55e00)" fill-opacity="([\d.]+)"/g)];
    expect(shades.map(([, color, opacity]) => `${color} ${opacity}`).sort()).to.deep.equal([
      '#0072b2 0.12',
      '#0072b2 0.54',
      '#d55e00 0.54',
    ]);
    // Two vertical edges and one horizontal.
    const boundary = /<path d="([^"]*)"[^>]*class="boundary"/.exec(svg)![1]!;
    expect(boundary.match(/V/g)).to.have.length(2);
    expect(boundary.match(/H/g)).to.have.length(1);
  });

  it('cross what is wrong, and count what lies outside', () => {
    const svg = drawDecisionRegions(regions).replaceAll('\u00a0', ' ');
    expect(svg).to.include('1 wrong').and.to.include('even').and.to.include('odd');
    expect(svg).to.include('1 of 3 samples outside the axes');
    const samples = /<g class="samples">(.*?)<\/g><path d="([^"]*)"/.exec(svg)!;
    expect(samples[1]!.match(/<circle/g)).to.have.length(2);
    expect(samples[2]!.match(/M/g)).to.have.length(2);
    expect(drawDecisionRegions(regions, { samples: false })).to.not.include('class="samples"');
  });

  it('hatch cells without an answer', () => {
    const predicted = Float64Array.of(NaN, 0, 1, 0, 1, 1);
    const svg = drawDecisionRegions({ ...regions, predicted, numNotFinite: 1 });
    expect(svg).to.include('hidden-cells').and.to.include('<pattern');
  });

  it('are the figure of their result, and refuse more classes than there are colours', () => {
    expect(drawResult(regions).map(({ name }) => name)).to.deep.equal(['regions']);
    const classNames = Array.from({ length: 9 }, (_, c) => `class ${c}`);
    expect(() => drawDecisionRegions({ ...regions, classNames }))
      .to.throw(LossAtlasError, /9 classes/)
      .with.property('code', 'ERR_INVALID_DATA');
  });
});
