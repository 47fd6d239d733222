import { expect } from 'chai';
import { drawContour, drawLine, drawSurface } from '../../../dist/plot/index.js';
import type { LandscapeValues } from '../../../dist/results.js';
import { bowl, lineOf, surfaceOf } from './results.js';

const unknown: Pick<LandscapeValues, 'provenance' | 'source' | 'recipe' | 'modelLoss' | 'explosion'> = {
  provenance: null,
  source: {
    file: '3d_surface_file.h5',
    layout: 'tomgoldstein/loss-landscape',
    values: 'test_loss',
    numMissing: 3,
  },
  recipe: { name: 'unknown', notes: [] },
  modelLoss: null,
  explosion: null,
};

/** All text of a figure, with plain spaces. */
const textOf = (svg: string) =>
  svg
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replaceAll(/\s+/g, ' ');

describe('figures of files of other programs', () => {
  const axis = {
    ...bowl(2).axes[0],
    label: '',
    kind: 'unknown',
    normalization: 'unknown',
    seed: null,
  } as const;
  const surface = { ...bowl(5), ...unknown, axes: [axis, axis] as const };
  const line = { ...lineOf(5, Math.abs), ...unknown, axis };

  for (const [name, svg] of [
    ['contours', drawContour(surface)],
    ['surface', drawSurface(surface)],
    ['line', drawLine(line)],
  ] as const) {
    it(`${name}: the title names the file, the caption what is unknown`, () => {
      const text = textOf(svg);
      expect(text).to.contain('3d_surface_file.h5 · test_loss');
      expect(text).to.contain('3 points not computed');
      expect(text).to.contain('criterion and normalisation unknown');
      expect(text).to.not.match(/eval mode|not normalised|filter|float32/);
    });
  }

  it('draws up to 1e22 on log scale with ticks that span it', () => {
    const svg = drawContour(
      surfaceOf(51, 51, (x, y) => 10 ** (11 * (x * x + y * y))),
      { scale: 'log' },
    );
    const text = textOf(svg);
    for (const power of ['10⁰', '10³', '10¹²', '10²¹']) expect(text, power).to.contain(power);
  });
});
