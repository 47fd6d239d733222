import { expect } from 'chai';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  diagonal,
  eigenpairs,
  frobeniusNorm,
  gaussNewton,
  hessian,
  loadModel,
  numLiveHandles,
  objective,
  predictMemory,
  recordProducts,
  scaled,
  trace,
  type CurvatureOperator,
  type Eigenpairs,
  type LinearOperator,
  type Model,
  type Objective,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { digitsSetting } from '../support/digits.js';
import { projectPath } from '../support/fixtures.js';
import { diagonalOperator } from '../support/numbers.js';

describe('products that are kept', function () {
  this.timeout(60_000);
  let folder: string;
  let model: Model;
  let loss: Objective;
  const file = (name: string) => join(folder, name);
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-products-'));
    ({ model, loss } = await digitsSetting());
  });
  after(() => {
    loss.dispose();
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  /** Counts what the operator itself multiplies. */
  function counted(operator: CurvatureOperator): { operator: CurvatureOperator; multiplied: () => number } {
    let count = 0;
    const apply = operator.apply.bind(operator);
    operator.apply = async (vectors, signal) => {
      count += vectors.length;
      return apply(vectors, signal);
    };
    return { operator, multiplied: () => count };
  }

  const search = { k: 3, which: 'both-ends', basisSize: 12, tolerance: 1e-6 } as const;

  async function valuesOf(operator: LinearOperator, options: object = search) {
    using pairs = await eigenpairs(operator, options);
    const { values, residuals, numProducts, numRestarts }: Eigenpairs = pairs;
    const vectors: Float64Array[] = [];
    for (const vector of pairs.vectors) vectors.push(await vector.toArray());
    return { values, residuals, numProducts, numRestarts, vectors };
  }

  async function wholeSearch() {
    using operator = hessian(loss);
    return await valuesOf(operator);
  }

  it('eigenpairs that were stopped anywhere end with the same bits, and multiply only what was left', async () => {
    const whole = await wholeSearch();
    await setImmediate();
    const before = numLiveHandles();
    expect(whole.numRestarts).to.be.at.least(1);
    for (const after of [1, 5, 13, whole.numProducts - 1]) {
      // The operator lets go of θ a moment later.
      await setImmediate();
      expect(numLiveHandles()).to.equal(before);
      const path = file(`at${after}`);
      {
        using operator = hessian(loss);
        await using recorded = await recordProducts(operator, path);
        const controller = new AbortController();
        const onProgress = ({ done }: { done: number }) => {
          if (done >= after) controller.abort();
        };
        await rejects(
          async () => eigenpairs(recorded, { ...search, signal: controller.signal, onProgress }),
          'ERR_ABORTED',
        );
        expect(recorded.numKept).to.equal(after);
      }
      using again = hessian(loss);
      const { operator, multiplied } = counted(again);
      await using recorded = await recordProducts(operator, path);
      expect(recorded.numRestored).to.equal(after);
      expect(await valuesOf(recorded)).to.deep.equal(whole);
      expect(multiplied()).to.equal(whole.numProducts - after);
    }
  });

  it('traces, diagonals, norms and blocks too; a tighter tolerance goes on from what is there', async () => {
    using operator = hessian(loss);
    const analyses: ((operator: LinearOperator) => Promise<unknown>)[] = [
      async (o) => (await trace(o, { maxProbes: 8, relativeError: 1e-6 })).samples,
      async (o) => (await trace(o, { method: 'deflated', lanczosSteps: 5, maxProbes: 4 })).value,
      async (o) => (await trace(o, { method: 'xtrace', maxProbes: 8 })).value,
      async (o) => (await trace(o, { method: 'gradient', maxProbes: 4, relativeError: 1e-6 })).samples,
      async (o) => (await frobeniusNorm(o, { maxProbes: 5 })).value,
      async (o) => {
        using result = await diagonal(o, { probes: 4 });
        return await result.values.toArray();
      },
      async (o) => valuesOf(o, { k: 2, blockSize: 2, tolerance: 1e-3 }),
      async (o) => valuesOf(o, { k: 2, blockSize: 2, tolerance: 1e-5 }),
    ];
    const path = file('all');
    const run = async (o: LinearOperator) => {
      const out: unknown[] = [];
      for (const analysis of analyses) out.push(await analysis(o));
      return out;
    };
    const expected = await run(operator);
    const first = await recordProducts(operator, path);
    expect(await run(first)).to.deep.equal(expected);
    await first.close();
    using fresh = hessian(loss);
    const count = counted(fresh);
    await using recorded = await recordProducts(count.operator, path);
    expect(recorded.numRestored).to.equal(first.numKept);
    expect(await run(recorded)).to.deep.equal(expected);
    expect(count.multiplied()).to.equal(0);
    // What it is of is known through it.
    expect((await predictMemory(recorded)).numBatches).to.equal(1);
  });

  it('a file that was cut or damaged anywhere is good for the products before that place', async () => {
    using operator = hessian(loss);
    const whole = await valuesOf(operator);
    const path = file('good');
    {
      await using recorded = await recordProducts(operator, path);
      await valuesOf(recorded);
    }
    const { size } = statSync(path);
    const good = readFileSync(path);
    /** Length, hash, product, checksum. */
    const frame = 4 + 32 + 4 * operator.size + 4;
    for (const share of [0.02, 0.3, 0.55, 0.999]) {
      copyFileSync(path, file('cut'));
      truncateSync(file('cut'), Math.floor(share * size));
      const bad = Buffer.from(good);
      bad[Math.floor(share * size)]! ^= 4;
      writeFileSync(file('bad'), bad);
      for (const name of ['cut', ...(share > 0.1 ? ['bad'] : [])]) {
        await using recorded = await recordProducts(operator, file(name));
        const place = Math.floor(share * size) - (size - whole.numProducts * frame);
        expect(recorded.numRestored).to.equal(Math.max(0, Math.floor(place / frame)));
        expect(await valuesOf(recorded), name).to.deep.equal(whole);
        expect(recorded.numKept).to.equal(whole.numProducts);
      }
    }
  });

  it('refuses the products of another matrix or vector, and leaves the file as it is', async () => {
    using operator = hessian(loss);
    const path = file('other');
    {
      await using recorded = await recordProducts(operator, path);
      await valuesOf(recorded);
    }
    const before = readFileSync(path);
    using ggn = gaussNewton(loss);
    for (const other of [ggn, scaled(operator, 2)])
      await rejects(
        async () => recordProducts(other, path),
        'ERR_RESUME',
        /another matrix \(matrix: Hessian in/,
      );
    {
      await using recorded = await recordProducts(operator, path);
      await rejects(
        async () => eigenpairs(recorded, { ...search, seed: 5 }),
        'ERR_RESUME',
        /Product 1 in '.*other' is of another vector/,
      );
    }
    expect(readFileSync(path).equals(before)).to.equal(true);
    using theta = await model.theta();
    await rejects(
      async () => recordProducts(diagonalOperator(theta), file('own')),
      'ERR_INVALID_OPTION',
      /identity/,
    );
    await rejects(async () => recordProducts(operator, ''), 'ERR_INVALID_OPTION', /path/);
    await rejects(
      async () => recordProducts(operator, file('bytes'), { maxBytes: -1 }),
      'ERR_INVALID_OPTION',
      /maxBytes/,
    );
    writeFileSync(file('text'), 'something else');
    await rejects(async () => recordProducts(operator, file('text')), 'ERR_RESUME', /no file of products/);
  });

  it('keeps no more than it may, and no file without a product', async () => {
    using operator = hessian(loss);
    const whole = await valuesOf(operator);
    const record = 4 * operator.size + 32;
    {
      await using recorded = await recordProducts(operator, file('few'), { maxBytes: 3.5 * record });
      expect(await valuesOf(recorded)).to.deep.equal(whole);
      expect(recorded.numKept).to.equal(3);
    }
    await using recorded = await recordProducts(operator, file('few'), { maxBytes: 3.5 * record });
    expect(recorded.numRestored).to.equal(3);
    expect(await valuesOf(recorded)).to.deep.equal(whole);
    await (await recordProducts(operator, file('none'))).close();
    expect(existsSync(file('none'))).to.equal(false);
  });

  it('keeps all bits of float64', async () => {
    using double = await loadModel(projectPath('examples/digits/digits.script.pt'), { dtype: 'float64' });
    using doubleLoss = objective(double, loss.data);
    using operator = hessian(doubleLoss);
    const path = file('double');
    const first = await recordProducts(operator, path);
    const expected = await valuesOf(first, { k: 1 });
    await first.close();
    await using second = await recordProducts(operator, path);
    expect(second.numRestored).to.equal(expected.numProducts);
    expect(await valuesOf(second, { k: 1 })).to.deep.equal(expected);
  });
});
