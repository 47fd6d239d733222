import { expect } from 'chai';
import { LossAtlasError } from '../../../dist/errors.js';
import { drawDensityPanels } from '../../../dist/plot/density-panels.js';
import { renderPng } from '../../../dist/plot/rasterize.js';
import { drawTrack, hasTrackValue, trackValues } from '../../../dist/plot/track.js';
import { drawTraining } from '../../../dist/plot/training.js';
import { drawResult } from '../../../dist/report/draw-result.js';
import type { Estimate, Track, TrackRow, TrainingRun } from '../../../dist/results.js';
import { resultSamples } from '../io/result-samples.js';
import { provenance } from './results.js';
import { circles, count, duplicateIds, frameOf, hasBadNumber, part, size, texts } from './svg-reading.js';

const estimate = (value: number, half = 0.1): Estimate => ({
  value,
  low: value - half,
  high: value + half,
  standardError: half / 2,
});

function rowOf(data: string, value: number, half: number): TrackRow {
  const bracketed = { ...estimate(value, half), bracket: { low: value, high: value }, determined: true };
  const kh = { ...estimate(value, half), n: 1, ratio: bracketed, tail: bracketed };
  const settings = { steps: 100, probes: 10, batches: 1, confidence: 0.9, tailThreshold: 0.01 };
  const criteria = {
    re: bracketed,
    kh05: kh,
    kh1: kh,
    negativeMass: bracketed,
    negativeCurvatureShare: bracketed,
    nearZeroMass: bracketed,
    settings,
  };
  const nodes = [Float64Array.of(-value, 0, 10 * value), Float64Array.of(-value, 1, 9 * value)];
  const weights = [Float64Array.of(0.1, 0.8, 0.1), Float64Array.of(0.2, 0.6, 0.2)];
  return {
    data,
    loss: value,
    accuracy: value / 10,
    curvature: {
      largest: { value: 10 * value, residual: 0.01, converged: true },
      smallest: { value: -value, residual: 0.01, converged: value < 4 },
      spectrum: {
        trace: estimate(7 * value),
        criteria,
        type: 'mainly-positive',
        typeReason: '',
        density: { size: 3, steps: 3, nodes, weights, residualBounds: nodes },
      },
      numProducts: 20,
      searchProducts: 0,
      coldProducts: null,
    },
  };
}

function trackOf(numCheckpoints: number, names: readonly string[], half = 0.1): Track {
  return {
    kind: 'track',
    formatVersion: 1,
    datasets: names.map((name) => ({ name, hash: 'a', numSamples: 100, numCurvatureSamples: 50 })),
    checkpoints: Array.from({ length: numCheckpoints }, (_, i) => ({
      label: `epoch-${i + 1}.pt`,
      epoch: i + 1,
      position: i + 1,
      hash: 'b',
      problem: null,
      rows: names.map((name, d) => rowOf(name, i + 1 + d / 2, half)),
    })),
    order: 'epoch',
    axis: 'epoch',
    notes: [],
    readings: [],
    seed: 1,
    provenance,
  };
}

/** Facts of captions hold together by spaces that do not break. */
const wordsOf = (svg: string) => texts(svg).join(' ').replaceAll('\u00a0', ' ');
const ticksOf = (svg: string) => texts(part(svg, 'axis-x')).filter((label) => /^[\d.]+$/.test(label));

describe('drawTrack', () => {
  it('draws a line with a dot for each checkpoint and a band, for every data set, at their values', () => {
    const svg = drawTrack(trackOf(4, ['train', 'test']), { value: 'kh05' });
    expect(size(svg)).to.deep.equal([720, 400]);
    expect(hasBadNumber(svg)).to.equal(false);
    expect(count(svg, / class="band"/)).to.equal(2);
    const dots = circles(part(svg, 'value'));
    expect(dots).to.have.length(4);
    // The values are 1, 2, 3, 4 at epochs 1, 2, 3, 4: equal steps both ways.
    const { x, width } = frameOf(svg);
    expect(dots[0]![0]).to.be.closeTo(x, 0.02);
    expect(dots[3]![0]).to.be.closeTo(x + width, 0.02);
    const [first, second, third] = [1, 2, 3].map((i) => dots[i]![1] - dots[i - 1]![1]);
    expect(first).to.be.below(0);
    expect(second).to.be.closeTo(first!, 0.03);
    expect(third).to.be.closeTo(first!, 0.03);
    expect(texts(svg)).to.include.members(['train', 'test', 'KH05', 'epoch']);
    expect(wordsOf(svg))
      .to.match(/90 % over probes/)
      .and.match(/50 samples/);
  });

  it('has whole epochs on its axis, of training as well', () => {
    for (const numCheckpoints of [1, 2, 3, 4, 7, 11, 60])
      for (const value of trackValues) {
        const ticks = ticksOf(drawTrack(trackOf(numCheckpoints, ['a']), { value }));
        expect(ticks.length, `${numCheckpoints}`).to.be.above(1);
        expect(
          ticks.every((tick) => /^\d+$/.test(tick)),
          ticks.join(' '),
        ).to.equal(true);
      }
    const run = resultSamples.find(({ kind }) => kind === 'training-run') as TrainingRun;
    for (const numEpochs of [1, 2, 3, 5, 30]) {
      const loss = Float64Array.from({ length: numEpochs }, (_, i) => 1 / (i + 1));
      const ticks = ticksOf(drawTraining({ ...run, loss, accuracy: null, evaluations: [] }));
      expect(
        ticks.every((tick) => /^\d+$/.test(tick)),
        ticks.join(' '),
      ).to.equal(true);
    }
  });

  it('says of a training what would repeat it', () => {
    const run = resultSamples.find(({ kind }) => kind === 'training-run') as TrainingRun;
    expect(wordsOf(drawTraining(run)))
      .to.match(/AdamW, learning rate 0.001, weight decay 0.01/)
      .and.match(/batches of 64/)
      .and.match(/seed 1/);
    const sgd = { ...run.optimizer, name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true } as const;
    expect(wordsOf(drawTraining({ ...run, optimizer: sgd }))).to.match(/Nesterov momentum 0.9/);
    const plain = { ...sgd, momentum: 0, nesterov: false, weightDecay: 0 };
    expect(wordsOf(drawTraining({ ...run, optimizer: plain }))).to.not.match(/momentum|decay/);
  });

  it('draws every quantity, with gaps where there is none', () => {
    const whole = trackOf(5, ['a', 'b', 'c', 'd', 'e']);
    const track: Track = {
      ...whole,
      checkpoints: whole.checkpoints.map((checkpoint, i) => {
        if (i === 1) return { ...checkpoint, problem: 'ERR_CHECKPOINT: no', rows: [] };
        if (i !== 3) return checkpoint;
        return {
          ...checkpoint,
          rows: checkpoint.rows.map((row) => ({ ...row, loss: NaN, curvature: null })),
        };
      }),
    };
    for (const value of trackValues) {
      expect(hasTrackValue(track, value)).to.equal(true);
      for (const scale of ['linear', 'log'] as const) {
        const svg = drawTrack(track, { value, scale });
        expect(hasBadNumber(svg), `${value} ${scale}`).to.equal(false);
        expect(duplicateIds(svg)).to.deep.equal([]);
        expect(texts(svg)).to.include('1 of 5 checkpoints could not be read');
        expect(count(svg, / class="value"/)).to.equal(value === 'eigenvalues' ? 10 : 5);
        expect(circles(part(svg, 'value')).length).to.equal(value === 'accuracy' ? 4 : 3);
        expect(renderPng(svg).length).to.be.above(1000);
      }
    }
    const eigenvalues = drawTrack(track, { value: 'eigenvalues' });
    expect(texts(eigenvalues)).to.include.members(['λ max', 'λ min']);
    expect(texts(eigenvalues).join(' ')).to.match(/pairs of eigenvalues not converged/);
  });

  it('keeps the values readable beside endless bands', () => {
    const svg = drawTrack(trackOf(3, ['a'], 1e9), { value: 'kh1' });
    const heights = circles(part(svg, 'value')).map(([, y]) => y);
    expect(Math.max(...heights) - Math.min(...heights)).to.be.above(40);
    expect(hasBadNumber(drawTrack(trackOf(3, ['a'], NaN), { value: 'kh1' }))).to.equal(false);
    expect(hasBadNumber(drawTrack(trackOf(3, ['a'], Infinity), { value: 'trace' }))).to.equal(false);
  });

  it('draws any track that can be saved, and one without checkpoints', () => {
    for (const sample of resultSamples.filter(({ kind }) => kind === 'track'))
      for (const { svg } of drawResult(sample)) expect(hasBadNumber(svg)).to.equal(false);
    const empty = drawTrack(trackOf(0, ['a']));
    expect(texts(empty).join(' ')).to.match(/no accuracy/);
    expect(drawResult(trackOf(0, ['a']))).to.deep.equal([]);
    expect(drawResult(trackOf(3, ['a', 'b'])).map(({ name }) => name)).to.deep.equal([
      ...trackValues,
      'density',
    ]);
  });

  it('refuses wrong options and more data sets than can be told apart', () => {
    const many = trackOf(2, ['a', 'b', 'c', 'd', 'e', 'f']);
    expect(() => drawTrack(many)).to.throw(LossAtlasError, /6 curves/);
    expect(() => drawTrack(many, { value: 'kh2' as never })).to.throw(LossAtlasError, /value/);
  });
});

describe('drawDensityPanels', () => {
  const curve = (top: number) => ({
    x: Float64Array.of(-1, 0, 1, 2),
    density: Float64Array.of(0, top, top / 2, 0),
    low: null,
    high: null,
  });

  it('draws a panel for each density on shared scales, with names of rows and columns', () => {
    const rows = [
      { label: 'train', curves: [curve(1), curve(10), null] },
      { label: 'test', curves: [curve(2), null, curve(1e-3)] },
    ];
    const svg = drawDensityPanels({ columns: ['epoch 1', 'epoch 2', 'epoch 9'], rows });
    expect(hasBadNumber(svg)).to.equal(false);
    expect(count(svg, / class="density"/)).to.equal(4);
    expect(count(svg, / class="frame"/)).to.equal(4);
    expect(texts(svg)).to.include.members(['epoch 1', 'epoch 2', 'epoch 9', 'train', 'test']);
    expect(() => drawDensityPanels({ columns: ['a'], rows: [{ label: '', curves: [null] }] })).to.throw(
      LossAtlasError,
      /no density/,
    );
  });

  it('shows at most five snapshots of a track, its ends among them', () => {
    const [figure] = drawResult(trackOf(12, ['train']), { figures: ['density'] });
    const words = texts(figure!.svg);
    expect(words.filter((word) => /^epoch \d/.test(word))).to.deep.equal([
      'epoch 1',
      'epoch 4',
      'epoch 7',
      'epoch 9',
      'epoch 12',
    ]);
    expect(wordsOf(figure!.svg)).to.match(/5 of 12 snapshots/);
  });
});
