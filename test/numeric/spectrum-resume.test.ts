import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortError,
  gaussNewton,
  hessian,
  objective,
  randomSolution,
  scaled,
  spectralDensity,
  type Model,
  type Objective,
  type SpectralDensity,
} from '../../dist/index.js';
import { digitsSetting } from '../support/digits.js';
import { diagonalOperator } from '../support/numbers.js';

describe('resuming a spectral density', function () {
  this.timeout(60_000);
  let folder: string;
  let model: Model;
  let loss: Objective;
  const file = (name: string) => join(folder, name);
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-probes-'));
    ({ model, loss } = await digitsSetting());
  });
  after(() => {
    loss.dispose();
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  async function failure(promise: Promise<unknown>): Promise<Error> {
    return promise.then(
      () => expect.fail('it did not fail'),
      (error: unknown) => error as Error,
    );
  }

  const options = { steps: 6, probes: 5, seed: 2, probesPerPass: 2 } as const;
  const values = ({ provenance: _, ...rest }: SpectralDensity) => rest;

  /** Stops after so many Lanczos steps. */
  async function stopped(path: string, after: number): Promise<void> {
    using operator = hessian(loss);
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => {
      if (done >= after) controller.abort();
    };
    const error = await failure(
      spectralDensity(operator, { ...options, resume: path, signal: controller.signal, onProgress }),
    );
    expect(error).to.be.instanceOf(AbortError);
  }

  it('ends with the same bits, wherever it was stopped', async () => {
    using operator = hessian(loss);
    const whole = await spectralDensity(operator, options);
    for (const after of [1, 12, 13, 25]) {
      const path = file(`at${after}`);
      await stopped(path, after);
      let first = -1;
      const onProgress = ({ done }: { done: number }) => (first = first < 0 ? done : first);
      const resumed = await spectralDensity(operator, { ...options, resume: path, onProgress });
      expect(values(resumed)).to.deep.equal(values(whole));
      // Whole passes of two probes are not computed again.
      expect(first).to.be.at.least(12 * Math.floor((after - 1) / 12));
      // Nothing is left to compute.
      const again = await spectralDensity(operator, { ...options, resume: path });
      expect(values(again)).to.deep.equal(values(whole));
    }
  });

  it('goes on with the plan of the file, whatever a trial would find now', async () => {
    const path = file('plan');
    const plan = { chunk: 7, workers: 2 } as const;
    using first = hessian(loss, { plan });
    const part = await spectralDensity(first, { ...options, probes: 2, resume: path });
    expect(part.provenance.plan).to.equal('graphs of 7 samples, 2 at a time');
    const whole = await spectralDensity(first, options);
    for (const choice of ['trial', 'default'] as const) {
      using operator = hessian(loss, { plan: choice });
      const resumed = await spectralDensity(operator, { ...options, resume: path });
      expect(values(resumed)).to.deep.equal(values(whole));
      expect(resumed.provenance.plan).to.equal(part.provenance.plan);
    }
    using other = hessian(loss, { plan: { chunk: 9, workers: 2 } });
    const error = await failure(spectralDensity(other, { ...options, resume: path }));
    expect(error.message).to.match(/plan: graphs of 7 samples, 2 at a time in the file/);
  });

  it('more probes go on from those that are there', async () => {
    using operator = hessian(loss);
    const path = file('more');
    await spectralDensity(operator, { ...options, probes: 2, resume: path });
    const more = await spectralDensity(operator, { ...options, resume: path });
    expect(values(more)).to.deep.equal(values(await spectralDensity(operator, options)));
  });

  it('refuses probes of another matrix, point or setting, and says which', async () => {
    using operator = hessian(loss);
    const path = file('other');
    await spectralDensity(operator, { ...options, probes: 2, resume: path });
    const before = readFileSync(path);
    using ggn = gaussNewton(loss);
    using solution = await randomSolution(model, { seed: 1 });
    using elsewhere = hessian(loss, { at: solution });
    using train = objective(model, loss.data, { mode: 'train' });
    using inTrain = hessian(train);
    for (const [other, more, name] of [
      [ggn, {}, 'matrix'],
      [scaled(operator, 2), {}, 'matrix'],
      [elsewhere, {}, 'weights'],
      [inTrain, {}, 'mode'],
      [operator, { steps: 7 }, 'steps'],
      [operator, { seed: 3 }, 'seed'],
      [operator, { firstProbe: 1 }, 'firstProbe'],
    ] as const) {
      const error = await failure(spectralDensity(other, { ...options, ...more, resume: path }));
      expect(error, name).to.have.property('code', 'ERR_RESUME');
      expect(error.message).to.contain(name);
    }
    expect(readFileSync(path).equals(before)).to.equal(true);
  });

  it('refuses operators of one’s own, and files that are none', async () => {
    using theta = await model.theta();
    const own = await failure(
      spectralDensity(diagonalOperator(theta), { steps: 2, probes: 1, resume: file('own') }),
    );
    expect(own.message).to.match(/option 'resume' must be absent for an operator of your own/);
    writeFileSync(file('text'), 'something else');
    using operator = hessian(loss);
    const error = await failure(spectralDensity(operator, { ...options, resume: file('text') }));
    expect(error).to.have.property('code', 'ERR_RESUME');
  });
});
