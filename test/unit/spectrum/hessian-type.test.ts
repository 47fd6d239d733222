import { expect } from 'chai';
import { criteria, hessianType, type SpectralDensity } from '../../../dist/index.js';
import { typeOfCriteria } from '../../../dist/spectrum/hessian-type.js';

/** Probes of these nodes with equal weights; `spread` moves the nodes of the second probe. */
function densityOf(nodes: readonly number[], spread = 0, bound = 0): SpectralDensity {
  const probe = (shift: number) => Float64Array.from(nodes, (value) => value + shift);
  const weights = new Float64Array(nodes.length).fill(1 / nodes.length);
  const bounds = new Float64Array(nodes.length).fill(bound);
  const raw = {
    steps: nodes.length,
    nodes: [probe(0), probe(spread), probe(-spread)],
    weights: [weights, weights, weights],
    residualBounds: [bounds, bounds, bounds],
  };
  return { kind: 'spectral-density', ...raw, criteria: criteria(raw) } as unknown as SpectralDensity;
}

describe('hessianType', () => {
  it('by the extremes and the share of negative curvature, where both lie on one side', () => {
    expect(hessianType(densityOf([-0.1, 0, 1, 5])).type).to.equal('mainly-positive');
    expect(hessianType(densityOf([-5, -1, 0, 0.1])).type).to.equal('mainly-negative');
    // A large negative extreme, and most curvature positive.
    const mixed = hessianType(densityOf([-5, 1, 2, 3, 4]));
    expect(mixed.type).to.equal('undecided');
    expect(mixed.reason).to.equal(
      '|λ min / λ max| is above 1, and the negative share of curvature is below 1/2',
    );
    expect(mixed.rule).to.equal('lossatlas');
  });

  it('is undecided where intervals hold the boundary', () => {
    expect(hessianType(densityOf([-2, 0, 2.1])).type).to.equal('mainly-positive');
    const open = hessianType(densityOf([-2, 0, 2.1], 0.5));
    expect(open.type).to.equal('undecided');
    expect(open.reason).to.contain('the interval of |λ min / λ max| holds 1');
    // And where the steps leave open where the spectrum ends.
    expect(hessianType(densityOf([-2, 0, 2.1], 0, 0.2)).type).to.equal('undecided');
  });

  it('is undecided by a single probe, whose share is one draw', () => {
    const whole = densityOf([-0.1, 0, 1, 5]);
    const [nodes, weights, residualBounds] = [whole.nodes, whole.weights, whole.residualBounds].map((list) =>
      list.slice(0, 1),
    ) as [Float64Array[], Float64Array[], Float64Array[]];
    const raw = { steps: 4, nodes, weights, residualBounds };
    const one = { kind: 'spectral-density', ...raw, criteria: criteria(raw) } as unknown as SpectralDensity;
    expect(hessianType(one).type).to.equal('undecided');
  });

  it('is the same by criteria alone, also where there is no curvature at all', () => {
    for (const nodes of [
      [-0.1, 0, 1, 5],
      [-5, -1, 0, 0.1],
      [0, 0, 0],
    ])
      expect(typeOfCriteria(densityOf(nodes).criteria)).to.equal(hessianType(densityOf(nodes)).type);
  });

  it('is near-singular where there is no curvature, with its residual bounds', () => {
    expect(hessianType(densityOf([-1e-7, 0, 9e-7])).type).to.equal('near-singular');
    expect(hessianType(densityOf([0, 0, 0])).type).to.equal('near-singular');
    expect(hessianType(densityOf([-1e-7, 0, 9e-7], 0, 1e-5)).type).to.equal('undecided');
    const { type, lowest, highest } = hessianType(densityOf([-1, 0, 2]), { flatBelow: 3 });
    expect([type, lowest, highest]).to.deep.equal(['near-singular', -1, 2]);
  });

  it('refuses what is no spectral density', () => {
    expect(() => hessianType({ kind: 'trace' } as never)).to.throw(/a spectral density/);
    expect(() => hessianType(densityOf([1]), { flatBelow: -1 })).to.throw(/flatBelow/);
  });
});
