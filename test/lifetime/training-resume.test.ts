import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runUntilDone } from '../support/child.js';

describe('resuming a training run', function () {
  this.timeout(180_000);
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('killed at any moment (kill -9), it ends with bit-identical parameters', async () => {
    const body = (where: string | null) => `
      const { model, data } = await setting();
      const folder = ${JSON.stringify(where)};
      const training = await lib.train(model, data, {
        epochs: 25,
        batchSize: 8,
        seed: 2,
        optimizer: { name: 'adamw', lr: 1e-3 },
        onProgress: ({ done }) => process.stdout.write(done + ' '),
        ...(folder === null ? {} : { checkpoints: { folder }, resume: true }),
      });
      const theta = await training.solution.theta.toArray();
      process.stdout.write('\\n' + JSON.stringify([...theta, ...training.run.loss, ...training.run.gradientNorm]));`;
    const whole = await run(body(null));
    const expected = whole.stdout.split('\n')[1]!;
    expect(expected.length, whole.stderr).to.be.above(1000);
    const { firsts, result } = await runUntilDone(body(folder), 60);
    expect(firsts.length).to.be.above(2);
    expect(firsts, 'each run goes on where the one before was killed').to.deep.equal(
      [...firsts].sort((a, b) => a - b),
    );
    expect(result).to.equal(expected);
  });
});
