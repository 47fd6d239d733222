import { expect } from 'chai';
import { leaveOneOut } from '../../../dist/spectrum/trace/xtrace-formula.js';

type Vector = Float64Array;

const dot = (a: Vector, b: Vector) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** Orthonormal vectors of the same span, by Gram–Schmidt twice. */
function orthonormal(vectors: readonly Vector[]): Vector[] {
  const basis: Vector[] = [];
  for (const vector of vectors) {
    let rest = vector;
    for (let pass = 0; pass < 2; pass++) rest = project(rest, basis);
    const norm = Math.sqrt(dot(rest, rest));
    basis.push(rest.map((x) => x / norm));
  }
  return basis;
}

function project(vector: Vector, basis: readonly Vector[]): Vector {
  return basis.reduce((rest, q) => {
    const overlap = dot(q, rest);
    return rest.map((x, i) => x - overlap * q[i]!);
  }, vector);
}

describe('XTrace', () => {
  it('equals leaving one probe out by brute force, part by part', () => {
    let state = 1;
    const random = () => ((state = (state * 48271) % 2147483647) / 2147483647) * 2 - 1;
    const [n, k] = [14, 5];
    const a = Array.from({ length: n }, () => new Float64Array(n));
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) a[i]![j] = a[j]![i] = random() * 3 ** -Math.min(i, j);
    const multiply = (v: Vector) => Float64Array.from(a, (row) => dot(row, v));
    const parts = [
      [0, 4],
      [4, 14],
    ] as const;
    const dotIn = ([from, to]: readonly [number, number], x: Vector, y: Vector) =>
      dot(x.subarray(from, to), y.subarray(from, to));
    const omegas = Array.from({ length: k }, () => Float64Array.from({ length: n }, random));
    const ys = omegas.map(multiply);
    const qs = orthonormal(ys);
    const zs = qs.map(multiply);
    const matrix = (left: Vector[], right: Vector[], part: readonly [number, number] = [0, n]) =>
      left.map((x) => Float64Array.from(right, (y) => dotIn(part, x, y)));
    const estimates = leaveOneOut({
      n,
      r: matrix(qs, ys),
      w: matrix(qs, omegas),
      norms2: omegas.map((omega) => dot(omega, omega)),
      parts: parts.map((part) => ({
        h: matrix(qs, zs, part),
        c: matrix(omegas, zs, part),
        g: matrix(qs, qs, part),
        e: omegas.map((omega, i) => dotIn(part, omega, ys[i]!)),
      })),
    });
    for (let i = 0; i < k; i++) {
      const others = orthonormal(ys.filter((_, j) => j !== i));
      const mu = project(omegas[i]!, others);
      const factor = (n - k + 1) / dot(mu, mu);
      for (const [p, part] of parts.entries()) {
        const inside = others.reduce((sum, q) => sum + dotIn(part, q, multiply(q)), 0);
        expect(estimates[i]![p]).to.be.closeTo(inside + factor * dotIn(part, mu, multiply(mu)), 1e-11);
      }
    }
  });
});
