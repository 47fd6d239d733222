import { expect } from 'chai';
import { summarize } from '../../dist/cli/summary.js';
import { surfaceTopology, type LossSurface } from '../../dist/index.js';
import { goldenFile } from '../support/golden-file.js';

const golden = goldenFile('topology.npz');

/** A surface of these values over [−1, 1]²; the rest is of no account. */
function surfaceOf(values: Float64Array, height: number, width: number): LossSurface {
  const grid = (n: number) =>
    Float64Array.from({ length: n }, (_, i) => (n === 1 ? 0 : (2 * i) / (n - 1) - 1));
  return {
    kind: 'loss-surface',
    x: grid(width),
    y: grid(height),
    loss: values,
    axes: [],
    provenance: null,
  } as never;
}

function goldenSurface(name: string): LossSurface {
  const [height, width] = golden.array(`${name}.values`).shape as [number, number];
  return surfaceOf(golden.get(`${name}.values`), height, width);
}

/** Rows (birth, death) in the order of gudhi, those of no persistence apart. */
function rows(flat: Float64Array): [number, number][] {
  const out: [number, number][] = [];
  for (let i = 0; i < flat.length; i += 2) out.push([flat[i]!, flat[i + 1]!]);
  return out.filter(([birth, death]) => death > birth);
}

// Adding 0 makes −0 to 0.
const sorted = (list: [number, number][]) =>
  list
    .map(([birth, death]): [number, number] => [birth + 0, death + 0])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);

describe('topology of a surface', () => {
  for (const name of ['bowl', 'double', 'noise', 'holed', 'rings', 'flat']) {
    it(`has the persistence pairs of gudhi: ${name}`, () => {
      const { branches, loops } = surfaceTopology(goldenSurface(name));
      const components = branches.map(({ loss, saddleLoss }): [number, number] => [loss, saddleLoss]);
      expect(sorted(components)).to.deep.equal(sorted(rows(golden.get(`${name}.components`))));
      const pairs = loops.map(({ birth, death }): [number, number] => [birth, death]);
      expect(sorted(pairs)).to.deep.equal(sorted(rows(golden.get(`${name}.loops`))));
    });
  }

  it('merge tree and SMAD of three wells in a row, by hand', () => {
    // Wells of 0, 2 and 1 behind saddles of 5 and 3.
    const { branches, smad, normalizedSmad, numMinima } = surfaceTopology(
      surfaceOf(Float64Array.of(0, 5, 2, 3, 1), 1, 5),
    );
    expect(branches.map(({ loss, saddleLoss, parent }) => [loss, saddleLoss, parent])).to.deep.equal([
      [0, Infinity, -1],
      [1, 5, 0],
      [2, 3, 1],
    ]);
    // First saddles: 5, 3 and 3.
    expect(smad).to.equal((5 + 2 + 1) / 3);
    expect(normalizedSmad).to.equal(smad / 5);
    expect(numMinima).to.equal(3);
    expect(branches.map(({ share, isAtEdge }) => [share, isAtEdge])).to.deep.equal([
      [1, true],
      [3 / 5, true],
      [1 / 5, true],
    ]);
    const simple = surfaceTopology(surfaceOf(Float64Array.of(0, 5, 2, 3, 1), 1, 5), { minPersistence: 2 });
    expect(simple.branches.map(({ loss, parent }) => [loss, parent])).to.deep.equal([
      [0, -1],
      [1, 0],
    ]);
    expect(simple.numMinima).to.equal(3);
  });

  it('a hole of points that are not finite is a loop that is never filled', () => {
    const values = Float64Array.from({ length: 25 }, (_, k) => (k === 12 ? NaN : k % 5));
    const topology = surfaceTopology(surfaceOf(values, 5, 5));
    const { loops, numNotFinite } = topology;
    expect(loops.map(({ birth, death }) => [birth, death])).to.deep.equal([[3, Infinity]]);
    expect(numNotFinite).to.equal(1);
    expect(summarize(topology)).to.match(/Left out +1 of 25 points, where the loss is not finite/);
    values[12] = 0;
    expect(summarize(surfaceTopology(surfaceOf(values, 5, 5)))).not.to.match(/Left out/);
  });

  it('refuses a surface without finite values, and options that are none', () => {
    expect(() => surfaceTopology(surfaceOf(Float64Array.of(NaN, Infinity), 1, 2))).to.throw(/no finite loss/);
    expect(() => surfaceTopology(goldenSurface('bowl'), { minPersistence: -1 })).to.throw(/minPersistence/);
    const bowl = goldenSurface('bowl');
    expect(() => surfaceTopology({ ...bowl, loss: bowl.loss.slice(1) })).to.throw(/are not those of/);
    expect(() => surfaceTopology({ x: [0], y: [0], loss: [0] } as never)).to.throw(/must be a loss surface/);
  });
});
