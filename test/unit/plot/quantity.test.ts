import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { drawContour } from '../../../dist/plot/contour.js';
import { drawLine } from '../../../dist/plot/line.js';
import { drawSurface } from '../../../dist/plot/surface3d.js';
import { bowl, exploded, lineOf, provenance } from './results.js';
import { count, part, texts } from './svg-reading.js';

const words = (svg: string) => texts(svg).join(' ').replaceAll('\u00a0', ' ');

describe('what is drawn', () => {
  const base = bowl(11);
  const surface = {
    ...base,
    accuracy: base.loss.map((loss) => 1 / (1 + loss)),
    metrics: { 'top-5': base.loss.map((loss) => loss + 100) },
    gradientNorm: base.loss.map((loss) => loss * 1000),
  };

  it('is loss, accuracy in percent, a metric or the norm of the gradient', () => {
    const barTicks = (value: string) =>
      texts(part(drawContour(surface, { value }), 'color-bar-ticks')).map(Number);
    // Losses 0.1 … 5.1.
    expect(Math.max(...barTicks('loss'))).to.equal(5);
    expect(barTicks('accuracy')).to.include.members([20, 90]);
    expect(Math.max(...barTicks('top-5'))).to.equal(105);
    expect(Math.max(...barTicks('gradient-norm'))).to.equal(5000);
    const height = (value: string) => texts(part(drawSurface(surface, { value }), 'axis-z')).at(-1);
    expect(['accuracy', 'top-5', 'gradient-norm'].map(height)).to.deep.equal([
      'accuracy, %',
      'top-5',
      'gradient norm',
    ]);
  });

  it('takes the left axis of a line', () => {
    const line = {
      ...lineOf(
        11,
        (t) => t * t,
        (t) => 1 - t * t,
      ),
      gradientNorm: new Float64Array(11).fill(2),
    };
    const accuracy = drawLine(line, { value: 'accuracy' });
    expect(texts(part(accuracy, 'axis-y'))).to.include.members(['0', '100', 'accuracy, %']);
    expect(part(accuracy, 'axis-right')).to.equal('');
    expect(count(part(accuracy, 'value'), '<circle')).to.equal(11);
    const norm = drawLine(line, { value: 'gradient-norm' });
    expect(texts(part(norm, 'axis-y')).at(-1)).to.equal('gradient norm');
    expect(texts(part(norm, 'axis-right')).at(-1)).to.equal('accuracy, %');
    expect(texts(norm)).to.include('gradient norm is 2 at every point drawn');
  });

  it('must be in the result', () => {
    const draw = (options: object) => () => drawContour(surface, options);
    expect(draw({ value: 'top-1' })).to.throw(
      LossAtlasError,
      /'loss', 'accuracy', 'gradient-norm', 'top-5'.*'top-1'/,
    );
    expect(draw({ value: 'toString' })).to.throw(LossAtlasError, /value/);
    expect(draw({ value: 'accuracy', scale: 'log' })).to.throw(LossAtlasError, /'linear' for accuracy/);
    expect(() => drawLine(lineOf(3, Math.abs), { value: 'accuracy' })).to.throw(/\('loss'\)/);
    const short = { ...surface, metrics: { f1: new Float64Array(3) } };
    expect(() => drawContour(short, { value: 'f1' })).to.throw(LossAtlasError, /f1 has 3 values/);
  });
});

describe('captions', () => {
  it('say what to do where losses explode and a linear scale shows nothing', () => {
    const advice = "the loss explodes: draw it with a cap (cap: 250) or with scale: 'log'";
    const surface = { ...bowl(5), explosion: { ...exploded, cap: 250 } };
    const line = { ...lineOf(5, (t) => 1 + t * t), explosion: { ...exploded, cap: 250 } };
    for (const svg of [drawSurface(surface), drawContour(surface, { caption: '' }), drawLine(line)])
      expect(texts(svg)).to.include(advice);
    const silent = [{ scale: 'log' as const }, { cap: 3 }];
    for (const options of silent) {
      expect(words(drawSurface(surface, options))).not.to.include('explodes');
      expect(words(drawLine(line, options))).not.to.include('explodes');
    }
    expect(words(drawContour(bowl(5)))).not.to.include('explodes');
  });

  it("name mode, other programs' recipes and Adam's update", () => {
    const told = words(
      drawContour({
        ...bowl(5),
        update: 'adam',
        recipe: { name: 'li2018', notes: [] },
        provenance: { ...provenance, mode: 'recalibrate' },
      }),
    );
    expect(told).to.include('recalibrate mode');
    expect(told).to.include('recipe of li2018');
    expect(told).to.include("Adam's update");
    const plain = words(drawContour(bowl(5)));
    expect(plain).to.include('eval mode');
    expect(plain).not.to.match(/recipe|Adam/);
  });
});
