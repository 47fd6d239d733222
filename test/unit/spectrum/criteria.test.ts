import { expect } from 'chai';
import fc from 'fast-check';
import {
  averageCriteria,
  criteria,
  eigenvalueRatio,
  khCriterion,
  type ProbeSet,
} from '../../../dist/spectrum/criteria.js';
import type { Quadrature } from '../../../dist/spectrum/quadrature.js';
import { renderDensity } from '../../../dist/spectrum/density.js';
import type { SpectralDensity } from '../../../dist/results.js';

const probe = (nodes: number[], weights: number[]) => ({
  nodes: Float64Array.from(nodes),
  weights: Float64Array.from(weights),
});

function setOf(
  a: Quadrature,
  b: Quadrature,
  residuals: number[] = a.nodes.length > 2 ? [0, 0, 0, 0, 0] : [0, 0],
): ProbeSet {
  const bounds = Float64Array.from(residuals);
  return {
    steps: a.nodes.length,
    nodes: [a.nodes, b.nodes],
    weights: [a.weights, b.weights],
    residualBounds: [bounds, bounds],
  };
}

describe('criteria', () => {
  it('by hand', () => {
    const p = probe([-2, -1, 0, 1, 8], [0.1, 0.2, 0.3, 0.15, 0.25]);
    expect(eigenvalueRatio(p)).to.equal(0.25);
    expect(khCriterion(p, 1)).to.be.closeTo((0.2 + 0.2) / (0.15 + 2), 1e-15);
    expect(khCriterion(p, 0.5)).to.be.closeTo((2 * Math.sqrt(0.2)) / (Math.sqrt(0.15) + Math.sqrt(2)), 1e-15);
    const result = criteria(setOf(p, p));
    expect(result.negativeMass.value).to.be.closeTo(0.3, 1e-15);
    expect(result.negativeCurvatureShare.value).to.be.closeTo(0.4 / (0.4 + 2.15), 1e-15);
    expect(result.kh1.standardError).to.equal(0);
    expect(result.kh05.ratio.value).to.be.closeTo(
      (0.2 + 0.1 * Math.SQRT2) / (0.15 + 0.25 * Math.sqrt(8)),
      1e-15,
    );
    // Only -2 and 8 are beyond half of the largest.
    expect(criteria(setOf(p, p), { tailThreshold: 0.25 }).kh1.tail.value).to.be.closeTo(0.1, 1e-15);
    expect(criteria(setOf(p, p), { tailThreshold: 0.25 }).nearZeroMass.value).to.be.closeTo(0.65, 1e-15);
    expect(result.settings).to.deep.equal({
      steps: 5,
      probes: 2,
      batches: 1,
      confidence: 0.95,
      tailThreshold: 0.01,
    });
  });

  it('the negative share is held to its side of 1/2 by the mean eigenvalue, which is exact', () => {
    // Nearly all weight on a node next to zero, whose mass may lie on either side.
    const p = probe([-0.01, 0.0005, 1], [0.02, 0.94, 0.04]);
    const residuals = [0.001, 0.001, 0.001];
    const { bracket } = criteria(setOf(p, p, residuals)).negativeCurvatureShare;
    const trace = -0.01 * 0.02 + 0.0005 * 0.94 + 0.04;
    const negative = 0.02 * 0.011 + 0.94 * 0.01;
    expect(bracket.low).to.equal(0);
    expect(bracket.high).to.be.closeTo(negative / (trace + 2 * negative), 1e-15);
    const mirrored = probe([-1, -0.0005, 0.01], [0.04, 0.94, 0.02]);
    const other = criteria(setOf(mirrored, mirrored, residuals)).negativeCurvatureShare.bracket;
    expect(other.low).to.be.closeTo(1 - bracket.high, 1e-15);
    expect(other.high).to.equal(1);
    // Probes without a negative node that leave the sign of the trace open settle nothing by it.
    const [much, little] = [1e-9, 0.04].map((weight) => probe([0, 0.0005, 1], [0.02, 0.98 - weight, weight]));
    const open = criteria(setOf(much!, little!, residuals)).negativeCurvatureShare;
    expect([open.low, open.high]).to.deep.equal([0, 0]);
    expect(open.bracket.high).to.be.above(0.5);
    // Nor does that of one probe, which is a single draw.
    const { nodes, weights, residualBounds, steps } = setOf(p, p, residuals);
    const one = { steps, nodes: [nodes[0]!], weights: [weights[0]!], residualBounds: [residualBounds[0]!] };
    expect(criteria(one).negativeCurvatureShare.bracket.high).to.be.above(0.9);
  });

  it('an exact quadrature is certified as it is; another one brackets its neighbours', () => {
    const p = probe([-2, -1, 0, 1, 8], [0.1, 0.2, 0.3, 0.15, 0.25]);
    const exact = criteria(setOf(p, p));
    expect(exact.kh1.ratio.bracket.low).to.equal(exact.kh1.ratio.value);
    expect(exact.kh1.ratio.determined).to.equal(true);
    const loose = criteria(setOf(p, p, [0.5, 0, 0, 0, 1]));
    // By hand: negative mass from -2.5 | -2, -1, 0 on the left neighbours, and on the right ones.
    expect(loose.negativeMass.bracket.high).to.be.closeTo(0.1 + 0.2 + 0.3, 1e-15);
    expect(loose.negativeMass.bracket.low).to.be.closeTo(0.1, 1e-15);
    const [above, below] = [0.1 * 2.5 + 0.2 * 2 + 0.3 * 1, 0.1 * 1];
    const [most, least] = [0.3 * 1 + 0.15 * 8 + 0.25 * 9, 0.25 * 1];
    expect(loose.kh1.ratio.bracket.high).to.be.closeTo(above / least, 1e-12);
    expect(loose.kh1.ratio.bracket.low).to.be.closeTo(below / most, 1e-12);
    expect(loose.kh1.ratio.determined).to.equal(false);
    expect(loose.re.bracket).to.deep.equal({ low: 1.5 / 9, high: 2.5 / 7 });
  });

  it('averages over batches at equal settings, with an interval over them', () => {
    const a = criteria(setOf(probe([-1, 4], [0.5, 0.5]), probe([-1, 4], [0.5, 0.5])));
    const b = criteria(setOf(probe([-2, 4], [0.5, 0.5]), probe([-2, 4], [0.5, 0.5])));
    const mean = averageCriteria([a, b]);
    expect(mean.re.value).to.equal(0.375);
    expect(mean.settings.batches).to.equal(2);
    // Student's t with one degree of freedom, standard error 0.125.
    expect(mean.re.high).to.be.closeTo(0.375 + 12.7062 * 0.125, 1e-4);
    expect(() => averageCriteria([a, { ...b, settings: { ...b.settings, steps: 9 } }])).to.throw(
      /different settings.*steps \(2 and 9\)/,
    );
  });

  it('a confidence that is none is refused, and the list’s own is kept', () => {
    const set = setOf(probe([-1, 4], [0.5, 0.5]), probe([-2, 4], [0.5, 0.5]), [0.1, 0.2]);
    const ninety = criteria(set, { confidence: 0.9 });
    const mean = averageCriteria([ninety, ninety]);
    expect(mean.settings.confidence).to.equal(0.9);
    expect(averageCriteria([mean, mean]).settings.batches).to.equal(4);
    expect(mean.re.low).to.be.at.most(mean.re.bracket.low);
    expect(mean.re.high).to.be.at.least(mean.re.bracket.high);
    for (const wrong of [95, 1, 0, NaN]) {
      expect(() => averageCriteria([ninety, ninety], wrong)).to.throw(/0\.95/);
      expect(() => criteria(set, { confidence: wrong })).to.throw(/confidence/);
    }
  });

  it('nothing at all to average is refused', () => {
    expect(() => averageCriteria([])).to.throw(/no criteria/);
  });

  it('nothing negative gives 0, nothing positive infinity', () => {
    expect(khCriterion(probe([0, 1], [0.5, 0.5]), 0.5)).to.equal(0);
    expect(khCriterion(probe([-1, 0], [0.5, 0.5]), 0.5)).to.equal(Infinity);
  });

  it('mirroring the spectrum inverts KH1; scaling it changes nothing', () => {
    const node = fc.double({ min: -100, max: 100, noNaN: true }).filter((x) => Math.abs(x) > 1e-3);
    const spectrum = fc.array(fc.tuple(node, fc.double({ min: 0.01, max: 1, noNaN: true })), {
      minLength: 2,
      maxLength: 20,
    });
    fc.assert(
      fc.property(spectrum, fc.double({ min: 0.1, max: 10, noNaN: true }), (pairs, scale) => {
        pairs.sort((a, b) => a[0] - b[0]);
        if (pairs[0]![0] > 0 || pairs.at(-1)![0] < 0) return;
        const weights = pairs.map(([, w]) => w);
        const p = probe(
          pairs.map(([x]) => x),
          weights,
        );
        const scaled = probe(
          pairs.map(([x]) => x * scale),
          weights,
        );
        const mirrored = probe(pairs.map(([x]) => -x).reverse(), [...weights].reverse());
        for (const n of [0.5, 1]) {
          expect(khCriterion(scaled, n) / khCriterion(p, n)).to.be.closeTo(1, 1e-9);
          expect(khCriterion(mirrored, n) * khCriterion(p, n)).to.be.closeTo(1, 1e-9);
        }
      }),
    );
  });
});

describe('renderDensity', () => {
  const spectrum = (nodes: number[][], weights: number[][]) =>
    ({
      nodes: nodes.map((n) => Float64Array.from(n)),
      weights: weights.map((w) => Float64Array.from(w)),
    }) as unknown as SpectralDensity;

  it('is a Gaussian of the given variance for one node', () => {
    const { x, density, low } = renderDensity(spectrum([[2]], [[1]]), {
      variance: 0.01,
      range: [1, 3],
      points: 2001,
    });
    expect(low).to.equal(null);
    expect(x[1000]).to.be.closeTo(2, 1e-12);
    expect(density[1000]).to.be.closeTo(1 / Math.sqrt(2 * Math.PI * 0.01), 1e-9);
    expect(density[1100]! / density[1000]!).to.be.closeTo(Math.exp(-0.5), 1e-9);
    expect(density.reduce((sum, d) => sum + d * 0.001, 0)).to.be.closeTo(1, 1e-9);
  });

  it('keeps all mass of a spectrum that is wide for its grid', () => {
    for (const width of [1e2, 1e4, 1e8]) {
      const wide = spectrum([[-width, -0.1, 0.2, 0.3 * width, width]], [[0.1, 0.3, 0.2, 0.3, 0.1]]);
      const { x, density } = renderDensity(wide, { points: 2000 });
      expect(density.reduce((sum, d) => sum + d, 0) * (x[1]! - x[0]!)).to.be.closeTo(1, 1e-6);
    }
  });

  it('averages probes, with a band', () => {
    const { density, low, high } = renderDensity(
      spectrum(
        [
          [-1, 1],
          [-1, 1],
        ],
        [
          [0.2, 0.8],
          [0.4, 0.6],
        ],
      ),
    );
    expect(Math.max(...density)).to.be.closeTo(0.7 / Math.sqrt(2 * Math.PI * 2e-5), 1);
    expect(low!.every((v, i) => v >= 0 && v <= density[i]! && high![i]! >= density[i]!)).to.equal(true);
  });
});
