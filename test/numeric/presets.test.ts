import { expect } from 'chai';
import {
  interpolate,
  li2018Surface,
  llaSurface,
  loadModel,
  loadNpz,
  lossLandscapesSurface,
  objective,
  ownSolution,
  Solution,
  bufferStateFrom,
  type LossSurface,
  type Model,
  type Objective,
} from '../../dist/index.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { goldenFile } from '../support/golden-file.js';
import { projectPath } from '../support/fixtures.js';
import { relativeError } from '../support/numbers.js';

/** What the original programs computed (test/fixtures/peers): the same model, data and raw directions. */
async function withExample<T>(work: (model: Model, loss: Objective) => Promise<T>): Promise<T> {
  using model = await loadModel(projectPath('examples/digits/digits.script.pt'), { dtype: 'float64' });
  const data = await loadNpz(projectPath('examples/digits/digits.npz'), {
    inputs: 'x_test',
    targets: 'y_test',
    scale: 1 / 16,
    limit: 64,
  });
  using loss = objective(model, data, { batchSize: 24 });
  return await work(model, loss);
}

/** The inputs are scaled in float32. */
const tolerance = 2e-6;

function transposed(values: Float64Array, size: number): Float64Array {
  return values.map((_, k) => values[(k % size) * size + Math.floor(k / size)]!);
}

function worst(actual: Float64Array, expected: Float64Array): number {
  expect(actual.length).to.equal(expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value) / Math.abs(value)));
}

describe('presets equal the programs they are named after', () => {
  expectNoLiveHandles();

  describe('LLA', () => {
    const golden = goldenFile('peers/lla.npz');
    for (const key of golden.names.filter((name) => /^(loss|adameq)\//.test(name))) {
      it(key, async () => {
        await withExample(async (model, loss) => {
          const [kind, normalization, third] = key.split('/') as [string, string, string];
          const isAdam = kind === 'adameq';
          const names = isAdam ? ['moment/1', 'moment/2'] : ['raw/1', 'raw/2'];
          using first = await model.vector(golden.get(names[0]!));
          using second = await model.vector(golden.get(names[1]!));
          const number = (pattern: RegExp, other: number) => Number(pattern.exec(key)?.[1] ?? other);
          const steps = number(/steps(\d+)/, 0);
          const surface: LossSurface = await llaSurface(loss, {
            axes: [first, second],
            steps,
            distance: number(/distance([\d.]+)/, 1),
            normalization: normalization as 'none',
            order: isAdam ? 2 : (Number(third.slice(5)) as 1 | 2),
            freeze: number(/raa([+-]\d+)/, 0),
            update: isAdam ? 'adam' : 'add',
            squareRoot: third !== 'plain',
          });
          expect(worst(transposed(surface.loss, steps), golden.get(key))).to.be.below(tolerance);
          expect(surface.recipe.name).to.equal('lla');
          expect(surface.recipe.notes.length).to.be.above(0);
          // The model is on the grid for an even number of steps only.
          const hasCenter = !isAdam && steps % 2 === 0 && !/raa[+-][1-7]$/.test(key);
          expect(surface.checks.centerDifference).to.equal(hasCenter ? 0 : null);
        });
      });
    }
  });

  describe('loss-landscapes', () => {
    const golden = goldenFile('peers/loss-landscapes.npz');
    for (const key of golden.names.filter((name) => name.startsWith('plane/'))) {
      it(key, async () => {
        await withExample(async (model, loss) => {
          const [, normalization, distance, tail] = key.split('/') as [string, string, string, string];
          using first = await model.vector(golden.get('raw/1'));
          using second = await model.vector(golden.get('raw/2'));
          const steps = Number(tail.slice(5));
          const surface = await lossLandscapesSurface(loss, {
            axes: [first, second],
            steps,
            distance: Number(distance.slice(8)),
            normalization: normalization as 'filter',
          });
          expect(worst(transposed(surface.loss, steps), golden.get(key))).to.be.below(tolerance);
          expect(surface.axes[0].relativeNorm).to.be.closeTo(1, 1e-12);
        });
      });
    }
  });

  describe('Li et al. 2018', () => {
    const golden = goldenFile('peers/li2018.npz');
    for (const key of golden.names.filter((name) => name.startsWith('loss/plane/'))) {
      it(key, async () => {
        await withExample(async (model, loss) => {
          const [, , normalization, ignore] = key.split('/') as [string, string, string, string];
          using first = await model.vector(golden.get('raw/1'));
          using second = await model.vector(golden.get('raw/2'));
          const surface = await li2018Surface(loss, {
            axes: [first, second],
            points: 5,
            yPoints: 4,
            normalization: normalization as 'filter',
            ignoreBiasAndNorm: ignore === 'biasbn',
          });
          expect(relativeError(surface.x, golden.get('axis/x5'))).to.be.below(1e-15);
          expect(worst(surface.loss, golden.get(key))).to.be.below(tolerance);
          const percent = golden.get(key.replace('loss/', 'accuracy/'));
          expect(
            relativeError(
              surface.accuracy!,
              percent.map((value) => value / 100),
            ),
          ).to.be.below(1e-12);
        });
      });
    }

    it('interpolation of two solutions with their running statistics (states)', async () => {
      await withExample(async (model, loss) => {
        const names = ['bn1.running_mean', 'bn1.running_var', 'bn2.running_mean', 'bn2.running_var'];
        const values = new Map(
          names.map((name) => {
            const data = golden.get(`state/end/${name}`);
            return [name, { data, shape: [data.length] }] as const;
          }),
        );
        using from = await ownSolution(model);
        using to = new Solution(
          'end',
          await model.vector(golden.get('state/end/parameters')),
          await bufferStateFrom(model, values),
        );
        const line = await interpolate(loss, from, to, { range: [-0.5, 1.5], points: 5 });
        expect(Array.from(line.coordinates)).to.deep.equal(Array.from(golden.get('axis/states')));
        expect(worst(line.loss, golden.get('loss/states'))).to.be.below(tolerance);
        const percent = golden.get('accuracy/states');
        expect(
          relativeError(
            line.accuracy!,
            percent.map((value) => value / 100),
          ),
        ).to.be.below(1e-12);
      });
    });
  });
});
