import { expect } from 'chai';
import { LossAtlasError } from '../../../dist/errors.js';
import {
  renderLogDensity,
  type LogDensitySide,
  type RenderedLogDensity,
} from '../../../dist/spectrum/log-density.js';

const spectrum = (...probes: (readonly (readonly [node: number, weight: number])[])[]) => ({
  nodes: probes.map((probe) => Float64Array.from(probe, ([node]) => node)),
  weights: probes.map((probe) => Float64Array.from(probe, ([, weight]) => weight)),
});

/** ∫ density d log₁₀ x by trapezia. */
function integral(x: Float64Array, { density }: LogDensitySide): number {
  let sum = 0;
  for (let i = 1; i < x.length; i++)
    sum += (Math.log10(x[i]! / x[i - 1]!) * (density[i]! + density[i - 1]!)) / 2;
  return sum;
}

const total = ({ x, positive, negative, zero }: RenderedLogDensity) =>
  integral(x, positive) + integral(x, negative) + positive.below.value + negative.below.value + zero.value;

const argmax = (values: Float64Array) => values.indexOf(Math.max(...values));

describe('renderLogDensity', () => {
  it('one node is a Gaussian over log10 of it', () => {
    const made = renderLogDensity(spectrum([[100, 1]]), { width: 0.2, floor: 1, points: 2001 });
    const { x, positive, negative } = made;
    expect(x[0]).to.equal(1);
    expect(x.at(-1)).to.be.closeTo(10 ** 3.2, 1e-9);
    expect(x[argmax(positive.density)]).to.be.closeTo(100, 0.5);
    expect(Math.max(...positive.density)).to.be.closeTo(1 / (0.2 * Math.sqrt(2 * Math.PI)), 1e-4);
    // One standard deviation below: 10^1.8.
    const i = Math.round(((2 - 0.2) / 3.2) * 2000);
    expect(positive.density[i]).to.be.closeTo((Math.exp(-0.5) * 5) / Math.sqrt(2 * Math.PI), 1e-6);
    expect(positive.low).to.equal(null);
    expect(positive.below.value).to.be.below(1e-8);
    expect(positive.below.low).to.be.NaN;
    expect(Math.max(...negative.density)).to.equal(0);
    expect(total(made)).to.be.closeTo(1, 1e-12);
  });

  it('keeps both signs, zero and what lies below the floor apart', () => {
    const made = renderLogDensity(
      spectrum([
        [-10, 0.1],
        [-1e-9, 0.2],
        [0, 0.3],
        [1e-9, 0.15],
        [1e-3, 0.25],
      ]),
      { floor: 1e-6 },
    );
    expect(made.negative.below.value).to.be.closeTo(0.2, 1e-6);
    expect(made.positive.below.value).to.be.closeTo(0.15, 1e-6);
    expect(made.zero.value).to.equal(0.3);
    expect(integral(made.x, made.negative)).to.be.closeTo(0.1, 1e-6);
    expect(integral(made.x, made.positive)).to.be.closeTo(0.25, 1e-6);
    expect(made.x[argmax(made.negative.density)]).to.be.closeTo(10, 0.2);
    expect(made.x[argmax(made.positive.density)]).to.be.closeTo(1e-3, 2e-5);
    expect(total(made)).to.be.closeTo(1, 1e-12);
  });

  it('half of a node on the floor is below it', () => {
    const { positive } = renderLogDensity(spectrum([[1, 1]]), { floor: 1, width: 0.1 });
    expect(positive.below.value).to.be.closeTo(0.5, 1e-3);
  });

  it('means and bands over probes', () => {
    const two = renderLogDensity(spectrum([[10, 1]], [[-10, 1]]), { floor: 0.1 });
    expect(integral(two.x, two.positive)).to.be.closeTo(0.5, 1e-6);
    expect(two.positive.density).to.deep.equal(two.negative.density);
    const i = argmax(two.positive.density);
    const peak = two.positive.density[i]!;
    // Samples 2·peak and 0: standard error peak, t = 12.706 of one degree of freedom.
    expect(two.positive.high![i]).to.be.closeTo(peak * (1 + 12.7062), 1e-3 * peak);
    expect(two.positive.low![i]).to.equal(0);
    // Half of the mass below the floor, and not more than 1 whatever Student's interval says.
    const { below } = renderLogDensity(spectrum([[1e-9, 1]], [[10, 1]]), { floor: 0.1 }).positive;
    expect(below.value).to.be.closeTo(0.5, 1e-6);
    expect([below.low, below.high]).to.deep.equal([0, 1]);
    const same = renderLogDensity(spectrum([[10, 1]], [[10, 1]]));
    expect(same.positive.low).to.deep.equal(same.positive.density);
    expect(same.zero).to.deep.equal({ value: 0, low: 0, high: 0, standardError: 0 });
  });

  it('widens what is narrower than a step, and holds the mass', () => {
    const made = renderLogDensity(
      spectrum([
        [-3, 0.5],
        [7, 0.5],
      ]),
      { width: 1e-6, points: 50 },
    );
    expect(total(made)).to.be.closeTo(1, 1e-8);
    expect(integral(made.x, made.positive)).to.be.closeTo(0.5, 1e-4);
    expect(integral(made.x, made.negative)).to.be.closeTo(0.5, 1e-4);
  });

  it('renders a zero matrix, and a floor above all', () => {
    const zero = renderLogDensity(spectrum([[0, 1]]));
    expect(zero.zero.value).to.equal(1);
    expect(total(zero)).to.equal(1);
    const hidden = renderLogDensity(spectrum([[2, 1]]), { floor: 1e6 });
    expect(hidden.positive.below.value).to.be.closeTo(1, 1e-9);
    expect([...hidden.x].every(Number.isFinite)).to.equal(true);
  });

  it('refuses wrong options by name', () => {
    expect(() => renderLogDensity(spectrum([[1, 1]]), { floor: 0 })).to.throw(LossAtlasError, /floor/);
    expect(() => renderLogDensity(spectrum([[1, 1]]), { variance: 1 } as object)).to.throw(/'variance'/);
  });
});
