import { expect } from 'chai';

import { createCamera } from '../../../dist/plot/camera.js';
import { drawContour } from '../../../dist/plot/contour.js';
import { placeLabels } from '../../../dist/plot/label-placement.js';
import { drawLine } from '../../../dist/plot/line.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { boxCorners } from '../../../dist/plot/surface-box.js';
import { drawPins } from '../../../dist/plot/surface-pins.js';
import { drawSurface } from '../../../dist/plot/surface3d.js';
import type { LossLine } from '../../../dist/results.js';
import { axis, bowl, evenly, lineOf, solution, surfaceOf, trajectoryOf } from './results.js';
import { circles, count, duplicateIds, frameOf, hasBadNumber, part, texts } from './svg-reading.js';

const words = (svg: string) => texts(svg).join(' ').replaceAll('\u00a0', ' ');

describe('solutions on a line', () => {
  const interpolation = (): LossLine => ({
    ...lineOf(41, (t) => t * t),
    coordinates: evenly(-0.5, 1.5, 41),
    axis: { ...axis, kind: 'difference', label: 'from a to b', seed: null, normalization: 'none' },
    solutions: [solution('a <&>', 0), solution('b.pt', 1)],
  });

  it('stand at their coordinates, with labels above the frame', () => {
    const svg = drawLine(interpolation());
    const { x, y, width } = frameOf(svg);
    const guides = part(svg, 'solutions');
    expect(texts(guides)).to.deep.equal(['a &lt;&amp;&gt;', 'b.pt']);
    // The guide at 0 is that of the model; t = 1 is three quarters along [−0.5, 1.5].
    const ends = [...guides.matchAll(/d="M([\d.]+),/g)].map((match) => Number(match[1]));
    expect(ends).to.have.length(1);
    expect(ends[0]).to.be.closeTo(x + 0.75 * width, 0.02);
    for (const match of guides.matchAll(/<text x="[\d.]+" y="([\d.]+)"/g))
      expect(Number(match[1])).to.be.below(y);
    expect(texts(part(svg, 'axis-x')).at(-1)).to.equal('t (0 = a &lt;&amp;&gt;, 1 = b.pt)');
    expect(words(svg)).to.match(/direction: difference, not normalised/);
    expect(hasBadNumber(svg)).to.equal(false);
  });

  it('keep their labels apart and count those outside', () => {
    const names = ['a rather long label', 'another long label', 'third one', 'far'];
    const at = [0.1, 0.15, 0.2, 7];
    const line = { ...interpolation(), solutions: names.map((label, i) => solution(label, at[i]!)) };
    const svg = drawLine(line);
    const rows = [...part(svg, 'solutions').matchAll(/<text x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => y);
    expect(new Set(rows).size).to.equal(3);
    expect(texts(svg)).to.include('1 of 4 solutions outside the axes');
    expect(texts(part(svg, 'axis-x')).at(-1)).to.equal('t (from a to b)');
  });
});

describe('marks on a plane', () => {
  const marked = () => ({
    ...bowl(21),
    solutions: [solution('a', 0.5, -0.25), solution('b<', -1, 1), solution('out', 1.01, 0)],
  });

  it('stand at their coordinates, with labels', () => {
    const svg = drawContour(marked());
    const { x, y, width, height } = frameOf(svg);
    const found = circles(part(svg, 'solutions'));
    expect(found).to.have.length(2);
    // [−1, 1]², y upwards.
    expect(found[0]![0]).to.be.closeTo(x + 0.75 * width, 0.02);
    expect(found[0]![1]).to.be.closeTo(y + 0.625 * height, 0.02);
    expect(found[1]![0]).to.be.closeTo(x, 0.02);
    expect(found[1]![1]).to.be.closeTo(y, 0.02);
    expect(texts(part(svg, 'mark-labels'))).to.deep.equal(['a', 'b&lt;']);
    expect(texts(svg)).to.include('1 of 3 solutions outside the axes');
  });

  it('draws a path with its ends labelled and what is outside clipped', () => {
    const trajectory = trajectoryOf([
      [0.9, 0.8],
      [0.5, 1.7],
      [0.5, 0.5],
      [0, 0],
    ]);
    const svg = drawContour(
      { ...marked(), solutions: [solution('epoch 3', 0, 0)] },
      { trajectory: { ...trajectory, explainedVariance: Float64Array.of(0.75, 0.2) } },
    );
    const { x, y, width, height } = frameOf(svg);
    const found = circles(part(svg, 'path-points'));
    expect(found).to.have.length(3);
    expect(found[0]![0]).to.be.closeTo(x + 0.95 * width, 0.02);
    expect(found[0]![1]).to.be.closeTo(y + 0.1 * height, 0.02);
    // Not twice: the last point of the path is a solution of the plane, too.
    expect(texts(part(svg, 'mark-labels'))).to.deep.equal(['epoch 0', 'epoch 3']);
    const clipped = part(svg, 'trajectory');
    expect(svg.indexOf(clipped)).to.be.within(svg.indexOf('clip-path='), svg.indexOf('class="color-bar"'));
    expect(texts(svg)).to.include('1 of 4 path points outside the axes');
    expect(words(svg)).to.include('path of 4 solutions, at most 0.4 from the plane');
    expect(texts(part(svg, 'axis-x')).at(-1)).to.match(/, 75\.0 % of variance\)$/);
    expect(hasBadNumber(svg)).to.equal(false);
    expect(duplicateIds(svg)).to.deep.equal([]);
    renderPng(svg, { scale: 0.2 });
  });

  it('does not say the variance twice and takes paths only', () => {
    const axes = [1, 2].map((k) => ({
      ...axis,
      kind: 'principal-component' as const,
      label: `principal component ${k} (70.0 % of variance)`,
    }));
    const trajectory = { ...trajectoryOf([[0, 0]]), explainedVariance: Float64Array.of(0.7, 0.2) };
    const svg = drawContour({ ...bowl(5), axes: [axes[0]!, axes[1]!] }, { trajectory });
    expect(texts(part(svg, 'axis-x')).at(-1)).to.equal('α, principal component 1 (70.0 % of variance)');
    expect(texts(part(svg, 'mark-labels'))).to.deep.equal(['epoch 0']);
    const draw = () => drawContour(bowl(5), { trajectory: bowl(5) } as object);
    expect(draw).to.throw(/trajectory/);
  });
});

describe('pins on a surface', () => {
  const numPins = (svg: string) => circles(part(svg, 'solutions')).length;

  it('stand where the surface does not hide them', () => {
    // A wall at x = 0 in front of what lies beyond it, seen from +x.
    const wall = surfaceOf(41, 41, (x) => (Math.abs(x) < 0.03 ? 1 : 0));
    const surface = {
      ...wall,
      solutions: [solution('front', 0.5, 0), solution('back', -0.3, 0), solution('out', 3, 0)],
    };
    const svg = drawSurface(surface, { azimuth: 0, elevation: 10 });
    expect(numPins(svg)).to.equal(1);
    expect(texts(part(svg, 'mark-labels'))).to.deep.equal(['front']);
    expect(texts(svg)).to.include.members([
      '1 of 3 solutions outside the axes',
      '1 of 3 solutions hidden by the surface',
    ]);
    expect(numPins(drawSurface(surface, { azimuth: 180, elevation: 10 }))).to.equal(1);
    expect(numPins(drawSurface(surface, { azimuth: 0, elevation: 80 }))).to.equal(2);
    expect(hasBadNumber(svg)).to.equal(false);
  });

  it('have their foot on the surface', () => {
    const grid = evenly(-1, 1, 3);
    const field = { x: grid, y: grid, z: new Float64Array(9), shade: new Float64Array(9) };
    const box = { left: 0, top: 0, right: 400, bottom: 300 };
    const camera = createCamera(-55, 32, boxCorners, box);
    const scale = { at: (value: number) => value, label: '', scale: {} as never };
    const pins = drawPins([solution('a', 0.5, -0.5)], field, { x: scale, y: scale, z: scale }, camera, box, {
      label: 12,
      tick: 12,
      note: 11,
    });
    const [, , , x, y] = /d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)"/.exec(pins.content)!;
    const foot = camera.project([0.5, -0.5, 0]);
    expect(Number(x)).to.be.closeTo(foot[0], 0.02);
    expect(Number(y)).to.be.closeTo(foot[1], 0.02);
    expect(pins.numHidden).to.equal(0);
  });

  it('have no place in a hole', () => {
    const surface = { ...surfaceOf(5, 5, (x) => (x > 0.4 ? NaN : x)), solutions: [solution('a', 0.9, 0)] };
    expect(count(drawSurface(surface), '<circle')).to.equal(0);
  });
});

describe('placeLabels', () => {
  it('keeps labels off each other, off what is taken and inside the frame', () => {
    const frame = { left: 0, top: 0, right: 300, bottom: 200 };
    const points = [
      [150, 100],
      [155, 103],
      [299, 100],
      [1, 1],
      [150, 199],
    ] as const;
    const labels = placeLabels(
      points.map((point, i) => ({ label: `solution ${i}`, point })),
      frame,
      11,
      [],
    );
    labels.forEach(({ box }, i) => {
      expect(box.left >= 0 && box.right <= 300 && box.top >= 0 && box.bottom <= 200, `label ${i}`).to.equal(
        true,
      );
      for (const { box: other } of labels.slice(0, i)) {
        const apart =
          box.left >= other.right ||
          box.right <= other.left ||
          box.top >= other.bottom ||
          box.bottom <= other.top;
        expect(apart, `label ${i}`).to.equal(true);
      }
    });
  });
});
