import { expect } from 'chai';
import { drawBasin, drawResult, LossAtlasError, type BasinVolume } from '../../../dist/index.js';
import { provenance } from './results.js';

const basin: BasinVolume = {
  kind: 'basin-volume',
  formatVersion: 1,
  quantity: 'loss',
  cutoff: 0.5,
  modelLoss: 0.1,
  modelAccuracy: null,
  dimension: 10,
  logVolume: { value: -3, low: -4, high: -2, standardError: 0.5 },
  confidence: 0.95,
  medianRadius: 2,
  effectiveSampleSize: 2,
  numCensored: 1,
  radii: Float64Array.of(4, 1, 2, 10),
  low: Float64Array.of(3.9, 0.9, 1.9, 10),
  high: Float64Array.of(4.1, 1.1, 2.1, Infinity),
  numEvaluations: Float64Array.of(5, 5, 5, 1),
  precision: 0.01,
  maxRadius: 10,
  normalization: 'filter',
  order: 2,
  ignored: [],
  frozen: [],
  seed: 1,
  firstRay: 0,
  raysPerPass: 8,
  provenance,
};

describe('figures of basins', () => {
  it('rise by one ray at each radius, and not for a ray that never left', () => {
    const svg = drawBasin(basin).replaceAll('\u00a0', ' ');
    const d = /d="(M[^"]*)"[^>]*class="rays"/.exec(svg)![1]!;
    const stops = [...d.matchAll(/H([\d.]+)V([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
    expect(stops).to.have.length(3);
    const start = Number(/^M([\d.]+)/.exec(d)![1]);
    const unit = stops[0]![0] - start;
    expect(stops[1]![0] - start).to.be.closeTo(2 * unit, 0.05);
    expect(stops[2]![0] - start).to.be.closeTo(4 * unit, 0.05);
    const floor = Number(/^M[\d.]+,([\d.]+)/.exec(d)![1]);
    const step = floor - stops[0]![1];
    expect(floor - stops[2]![1]).to.be.closeTo(3 * step, 0.05);
    expect(svg)
      .to.include('median 2')
      .and.to.include('1 rays have not left at 10')
      .and.to.include('filter-normalised');
  });

  it('are the figure of their result, and need rays', () => {
    expect(drawResult(basin).map(({ name }) => name)).to.deep.equal(['basin']);
    const none = new Float64Array(0);
    expect(() => drawBasin({ ...basin, radii: none })).to.throw(LossAtlasError, /no rays/);
  });
});
