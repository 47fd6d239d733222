import { expect } from 'chai';
import { drawExplosionTable, drawResult, type ExplosionTable } from '../../../dist/index.js';
import { explosionOf } from '../../../dist/explosion.js';
import { bowl } from './results.js';

function rowOf(normalization: 'weight' | 'filter', largest: number) {
  const surface = { ...bowl(2, 2), explosion: explosionOf(Float64Array.of(1, 2, largest, 1), 1, 100) };
  return { mode: 'eval', axes: 'hessian', normalization, surface, axesConverged: true } as const;
}

const table: ExplosionTable = {
  kind: 'explosion-table',
  formatVersion: 1,
  rows: [rowOf('weight', 3), rowOf('filter', 1e6)],
};

describe('figures of value explosion', () => {
  it('say of every cell how far the loss rises', () => {
    const svg = drawExplosionTable(table).replaceAll('\u00a0', ' ');
    expect(svg).to.include('eval, Hessian axes');
    expect(svg.indexOf('>weight<')).to.be.below(svg.indexOf('>filter<'));
    const cells = [...svg.matchAll(/>(no|grows|explodes)<\/text><text[^>]*>([^<]*)</g)].map(
      ([, a, b]) => `${a} ${b}`,
    );
    expect(cells).to.deep.equal(['no × 3', 'explodes × 10⁶, 25 %']);
    const shades = [...svg.matchAll(/fill-opacity="([\d.]+)"/g)].map(([, shade]) => Number(shade));
    expect(shades[0]).to.be.below(shades[1]!);
  });

  it('are those of their result', () => {
    const names = drawResult(table, { scale: 'log' }).map(({ name }) => name);
    expect(names).to.deep.equal(['table', 'surface', 'contour']);
  });
});
