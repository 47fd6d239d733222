import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawComparison } from '../../../dist/plot/comparison.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import type { CriteriaComparison, CriteriaRow, Estimate } from '../../../dist/results.js';
import { provenance } from './results.js';
import { circles, count, hasBadNumber, part, size, texts } from './svg-reading.js';

const estimate = (value: number, half = 0.1): Estimate => ({
  value,
  low: value - half,
  high: value + half,
  standardError: half / 2,
});

function rowOf(
  model: string,
  data: string,
  values: readonly [number, number, number],
  half = 0.1,
): CriteriaRow {
  const bracketed = (value: number) => ({
    ...estimate(value, half),
    bracket: { low: value, high: value },
    determined: true,
  });
  const kh = (n: number, value: number) => ({
    ...estimate(value, half),
    n,
    ratio: bracketed(value),
    tail: bracketed(value),
  });
  const [kh1, kh05, re] = values;
  return {
    model,
    data,
    mode: 'eval',
    pointHash: null,
    loss: 0.1,
    accuracy: data === 'text' ? null : 0.984,
    criteria: {
      re: bracketed(re),
      kh05: kh(0.5, kh05),
      kh1: kh(1, kh1),
      negativeMass: bracketed(0.1),
      negativeCurvatureShare: bracketed(0.1),
      nearZeroMass: bracketed(0.9),
      settings: { steps: 100, probes: 1, batches: 4, confidence: 0.95, tailThreshold: 0.01 },
    },
    change:
      data === 'MNIST'
        ? null
        : {
            from: 'MNIST',
            loss: 0.1,
            accuracy: -0.1,
            re: estimate(0),
            kh05: estimate(0),
            kh1: estimate(0),
            paperReading: 'agrees',
          },
    numProducts: 400,
    provenance,
  };
}

const comparisonOf = (...rows: CriteriaRow[]): CriteriaComparison => ({
  kind: 'criteria-comparison',
  formatVersion: 1,
  batchSize: 64,
  seed: 0,
  rows,
});

describe('drawComparison', () => {
  const comparison = comparisonOf(
    rowOf('clean', 'MNIST', [0.8, 0.7, 0.05]),
    rowOf('clean', 'USPS', [0.9, 0.8, 0.2]),
    rowOf('adversarial', 'MNIST', [0.6, 0.5, 0.1]),
    rowOf('adversarial', 'USPS', [0.7, 0.6, 0.3]),
  );

  it('writes every row once, and a model where it begins', () => {
    const svg = drawComparison(comparison);
    const rows = svg.split('class="row"').slice(1);
    expect(texts(part(svg, 'heading'))).to.deep.equal(['model', 'mode', 'data', 'accuracy', 'KH05’s change']);
    const drawn = rows.map((row) => texts(row.slice(0, row.indexOf('</g>'))));
    expect(drawn).to.deep.equal([
      ['clean', 'eval', 'MNIST', '98.4 %'],
      ['USPS', '98.4 %', 'agrees'],
      ['adversarial', 'eval', 'MNIST', '98.4 %'],
      ['USPS', '98.4 %', 'agrees'],
    ]);
    expect(texts(svg)).to.include(
      '4 batches of 64 · 100 Lanczos steps · 1 probe a batch · bars: 95 % intervals over batches',
    );
  });

  it('has an axis, numbers and bars for each criterion, in order', () => {
    const svg = drawComparison(comparison);
    for (const [key, numbers] of [
      ['kh1', ['KH1', '0.800', '0.900', '0.600', '0.700']],
      ['kh05', ['KH05', '0.700', '0.800', '0.500', '0.600']],
      ['re', ['re', '0.0500', '0.200', '0.100', '0.300']],
    ] as const) {
      const panel = part(svg, `criterion-${key}`);
      expect(texts(panel).slice(0, 5)).to.deep.equal(numbers);
      expect(circles(panel)).to.have.length(4);
      expect(part(panel, 'axis-x')).not.to.equal('');
    }
    const [a, b, c] = circles(part(svg, 'criterion-kh1')).map(([x]) => x) as [number, number, number];
    expect(c).to.be.below(a);
    expect(a).to.be.below(b);
    expect(hasBadNumber(svg)).to.equal(false);
    renderPng(svg, { scale: 0.2 });
  });

  it('has powers of ten on an axis of two decades', () => {
    const far = comparisonOf(
      rowOf('random', 'MNIST', [1.4, 2, 7], 0.02),
      rowOf('trained', 'MNIST', [0.8, 0.5, 0.06], 0.02),
    );
    expect(texts(part(part(drawComparison(far), 'criterion-re'), 'axis-x'))).to.include.members(['0.1', '1']);
  });

  it('grows with its rows, and takes a height', () => {
    const [, high] = size(drawComparison(comparison));
    const [, low] = size(drawComparison(comparisonOf(comparison.rows[0]!)));
    expect(high - low).to.be.closeTo(3 * 26, 1e-9);
    expect(size(drawComparison(comparison, { height: 500 }))).to.deep.equal([980, 500]);
  });

  it('draws without intervals, accuracies and changes', () => {
    const svg = drawComparison(comparisonOf(rowOf('clean', 'MNIST', [Infinity, 0.5, NaN], NaN)));
    expect(hasBadNumber(svg)).to.equal(false);
    expect(texts(svg)).not.to.include('KH05’s change');
    expect(texts(part(svg, 'criterion-kh1'))).to.include('∞');
    expect(texts(drawComparison(comparisonOf(rowOf('net', 'text', [1, 1, 1]))))).to.include('–');
    expect(count(part(svg, 'criterion-kh05'), '<circle')).to.equal(1);
  });

  it('refuses wrong options and a comparison without rows', () => {
    expect(() => drawComparison(comparison, { confidence: 1 } as object)).to.throw(
      LossAtlasError,
      /'confidence'/,
    );
    expect(() => drawComparison(comparisonOf())).to.throw(/no rows/);
  });
});
