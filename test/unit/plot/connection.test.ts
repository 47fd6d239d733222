import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawConnection } from '../../../dist/plot/connection.js';
import { drawContour } from '../../../dist/plot/contour.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { drawResult } from '../../../dist/report/draw-result.js';
import { reportHtml } from '../../../dist/report/report.js';
import { pathBarrier } from '../../../dist/connectivity/path-barrier.js';
import type { ConnectionPath, ModeConnection, PathEvaluation } from '../../../dist/results.js';
import { bowl, provenance } from './results.js';
import { circles, count, duplicateIds, frameOf, hasBadNumber, part, size, texts } from './svg-reading.js';

const t = Float64Array.from({ length: 21 }, (_, i) => i / 20);

function evaluationOf(data: string, at: (t: number) => number, hasAccuracy = true): PathEvaluation {
  const loss = t.map(at);
  const accuracy = hasAccuracy ? loss.map((value) => Math.exp(-Math.abs(value))) : null;
  return {
    data,
    dataHash: 'ab',
    numSamples: 10,
    loss,
    accuracy,
    barrier: pathBarrier(t, loss),
    accuracyBarrier: accuracy === null ? null : pathBarrier(t, accuracy, true),
  };
}

const hill = (height: number) => (at: number) => 0.1 + 4 * height * at * (1 - at);

function connectionOf(evaluations: readonly (readonly PathEvaluation[])[], numSurfaces = 0): ModeConnection {
  const kinds = ['linear', 'bezier', 'chain'] as const;
  const paths = evaluations.map((own, i): ConnectionPath => {
    const isLine = i === 0;
    return {
      kind: kinds[i]!,
      numBends: isLine ? 0 : 1,
      length: 2 + i,
      evaluations: own,
      training: isLine ? null : { numSteps: 5, divergedAt: null, loss: new Float64Array(5), blockSteps: 1 },
      plane: isLine
        ? null
        : {
            x: t.map((at) => 2 * at),
            y: t.map((at) => at * (1 - at)),
            distance: new Float64Array(21),
            solutions: [{ label: 'a', coordinates: Float64Array.of(0, 0) }],
            surface: i <= numSurfaces ? bowl(5, 5) : null,
          },
    };
  });
  const optimizer = {
    name: 'sgd',
    lr: 0.03,
    weightDecay: 0,
    momentum: 0.9,
    dampening: 0,
    nesterov: false,
    beta1: null,
    beta2: null,
    eps: null,
    amsgrad: false,
  } as const;
  const schedule = { name: 'cosine', stepSize: null, gamma: null, epochs: 5, minimum: 0 } as const;
  return {
    kind: 'mode-connection',
    formatVersion: 1,
    from: 'a.pth',
    fromHash: '',
    to: 'b.pth',
    toHash: '',
    t,
    distance: 2,
    paths,
    training: { optimizer, schedule, steps: 5, batchSize: 4 },
    seed: 7,
    provenance,
  };
}

const usual = connectionOf([
  [evaluationOf('train', hill(1)), evaluationOf('test', hill(1.2))],
  [evaluationOf('train', hill(0)), evaluationOf('test', hill(0.05))],
  [evaluationOf('train', hill(0.1)), evaluationOf('test', hill(0.2))],
]);

describe('drawConnection', () => {
  it('draws loss over accuracy, a curve a path and data set, with the barriers in the legend', () => {
    const svg = drawConnection(usual);
    expect(size(svg)).to.deep.equal([720, 600]);
    expect(count(svg, 'class="path"')).to.equal(12);
    expect(count(svg, 'class="frame"')).to.equal(2);
    // Frames stand one under the other.
    const frames = [...svg.matchAll(/<rect x="([\d.]+)"[^>]*class="frame"/g)].map((match) => match[1]);
    expect(new Set(frames).size).to.equal(1);
    const words = texts(svg);
    expect(words).to.include.members([
      'straight line: barrier 1 at t = 0.5',
      'Bezier curve: no barrier',
      'chain: barrier 0.1 at t = 0.5',
      'train',
      'test',
      'loss',
      'accuracy, %',
      't (0 = a.pth, 1 = b.pth)',
    ]);
    expect(words.join(' '))
      .to.match(/5.steps.of.4.samples/)
      .and.match(/seed.7/);
    expect(count(svg, 'class="barrier"')).to.equal(2);
    expect(circles(part(svg, 'ends'))).to.have.length(2);
    expect([hasBadNumber(svg), duplicateIds(svg)]).to.deep.equal([false, []]);
    expect(renderPng(svg).length).to.be.above(1000);
  });

  it('the bracket reaches from the line between the ends to the curve', () => {
    const svg = drawConnection(connectionOf([[evaluationOf('train', hill(1), false)]]));
    expect(size(svg)).to.deep.equal([720, 440]);
    const frame = frameOf(svg);
    const [, x, low, high] = /M([\d.]+),([\d.]+)V([\d.]+)"/.exec(part(svg, 'barrier'))!.map(Number);
    expect(x).to.be.closeTo(frame.x + frame.width / 2, 0.02);
    const [first] = circles(part(svg, 'ends'));
    expect(low).to.be.closeTo(first![1], 0.02);
    // The range is that of the losses with a twentieth on either side.
    expect(low! - high!).to.be.closeTo(frame.height / 1.1, 0.1);
  });

  it('takes log scales, caps, gaps and curves without any value', () => {
    const log = drawConnection(usual, { scale: 'log', cap: 0.5 });
    expect(texts(log).join(' '))
      .to.match(/log scale/)
      .and.match(/capped at 0.5/);
    const gaps = evaluationOf('train', (at) =>
      at > 0.3 && at < 0.6 ? NaN : at === 0.6 ? Infinity : 0.1 + at,
    );
    const broken = drawConnection(connectionOf([[gaps], [evaluationOf('train', () => NaN)]]));
    expect(texts(broken).join(' '))
      .to.match(/of 42 points not finite \(left out\)/)
      .and.match(/barrier NaN/);
    const empty = drawConnection(connectionOf([[evaluationOf('train', () => NaN, false)]]));
    expect(texts(empty)).to.include('no loss to draw');
    for (const svg of [log, broken, empty]) expect(hasBadNumber(svg)).to.equal(false);
    const [line, curve] = usual.paths;
    const diverged = { ...curve!, training: { ...curve!.training!, divergedAt: 4 } };
    expect(texts(drawConnection({ ...usual, paths: [line!, diverged] })).join(' ')).to.match(
      /Bezier curve: training diverged at step 4/,
    );
  });

  it('refuses what it cannot draw, by name', () => {
    expect(() => drawConnection(usual, { scael: 'log' } as object)).to.throw(LossAtlasError, /'scale'/);
    const many = Array.from({ length: 6 }, (_, i) => evaluationOf(`${i}`, hill(1)));
    expect(() => drawConnection(connectionOf([many]))).to.throw(
      LossAtlasError,
      /6 data sets cannot be told apart/,
    );
    const short = { ...usual, t: t.slice(1) };
    expect(() => drawConnection(short)).to.throw(LossAtlasError, /21 values, coordinates 20/);
  });

  it('draws curves on their planes where there are surfaces, one or both', () => {
    const names = (of: ModeConnection) => drawResult(of).map(({ name }) => name);
    expect(names(usual)).to.deep.equal(['connection']);
    const evaluations = usual.paths.map((path) => path.evaluations);
    for (const numSurfaces of [1, 2]) {
      const drawn = drawResult(connectionOf(evaluations, numSurfaces), { scale: 'log' });
      expect(drawn.map(({ name }) => name)).to.deep.equal(['connection', 'contour']);
      const { svg } = drawn[1]!;
      expect(count(svg, 'class="curve"')).to.equal(numSurfaces);
      expect(hasBadNumber(svg)).to.equal(false);
      if (numSurfaces === 2) expect(texts(svg)).to.include.members(['Bezier curve', 'chain']);
    }
    expect(() => drawResult(usual, { figures: ['contour'] })).to.throw(/must be among connection/);
    const curve = { x: [0], y: [0] } as never;
    expect(() => drawContour(bowl(5), { curve })).to.throw(
      /option 'curve' must be an object with equally many/,
    );
  });

  it('stands in reports with its tables', () => {
    const evaluations = usual.paths.map((path) => path.evaluations);
    const html = reportHtml([{ result: connectionOf(evaluations, 1) }]);
    for (const words of [
      'Paths between two minima',
      'Loss of train',
      'Accuracy of test',
      'Plane of the chain',
    ])
      expect(html).to.contain(words);
    expect(html).to.not.match(/undefined|\[object/);
  });
});
