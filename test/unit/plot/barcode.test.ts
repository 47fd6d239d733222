import { expect } from 'chai';
import { drawBarcode, drawResult, surfaceTopology, type LossSurface } from '../../../dist/index.js';
import { bowl } from './results.js';

/** Wells of 1, 3 and 2 behind saddles of 6 and 4. */
function wells(): LossSurface {
  return { ...bowl(5, 1), loss: Float64Array.of(1, 6, 3, 4, 2) };
}

/** x1 and x2 of every bar, in the order of the picture. */
function barsOf(svg: string): [number, number][] {
  return [...svg.matchAll(/<line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)" y2="[\d.]+" stroke="#1f4e96"/g)].map(
    ([, from, to]) => [Number(from), Number(to)],
  );
}

describe('barcodes', () => {
  it('bars run from birth to death on the axis, the one that never ends to an arrow', () => {
    const svg = drawBarcode(surfaceTopology(wells()), { scale: 'linear' });
    const bars = barsOf(svg);
    expect(bars).to.have.length(3);
    const [first, second, third] = bars as [[number, number], [number, number], [number, number]];
    // Births 1, 2, 3: equal steps; deaths 6 and 4.
    const unit = second[0] - first[0];
    expect(third[0] - second[0]).to.be.closeTo(unit, 0.02);
    expect(second[1]).to.be.closeTo(first[0] + 5 * unit, 0.05);
    expect(third[1]).to.be.closeTo(first[0] + 3 * unit, 0.05);
    expect(first[1]).to.be.above(second[1]);
    expect(svg).to.include('3 minima').and.to.include('0 loops');
  });

  it('leaves out the shortest bars and says so', () => {
    const svg = drawBarcode(surfaceTopology(wells()), { maxBars: 2 });
    expect(barsOf(svg)).to.have.length(2);
    expect(svg.replaceAll('\u00a0', ' ')).to.include('1 shorter bars are not drawn');
  });

  it('is the figure of a topology', () => {
    const [figure, ...others] = drawResult(surfaceTopology(wells()), { scale: 'log' });
    expect(figure!.name).to.equal('barcode');
    expect(others).to.have.length(0);
  });
});
