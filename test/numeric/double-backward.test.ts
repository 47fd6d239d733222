import { expect } from 'chai';
import { run } from '../support/child.js';
import { fixture, golden } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { matVec, relativeError } from '../support/numbers.js';

interface Curvature {
  readonly eval: number[];
  /** As `eval`, in float32, where images have their channels last. */
  readonly single: number[];
  readonly train: number[];
  readonly gaussNewton: number[];
  readonly transposed: number[];
  readonly retainedBytes: number;
}

/** Matrices of conv+BN, and a product of an exported net with a transposed convolution, in a process of its own. */
async function curvature(variables: Readonly<Record<string, string>>): Promise<Curvature> {
  const exported = fixture('exported/exported.npz');
  const v = Array.from(goldenFile('exported/exported.npz').get('many.v'));
  const outcome = await run(
    `
    const load = (file, inputs, targets) => lib.loadNpz(file, { inputs, targets });
    const values = async (operator) => Array.from((await lib.denseMatrix(operator)).values);
    const net = await lib.loadModel(${JSON.stringify(fixture('convbn.pt'))}, { dtype: 'float64' });
    const data = await load(${JSON.stringify(fixture('golden.npz'))}, 'convbn.eval.x', 'convbn.eval.y');
    const out = {};
    for (const mode of ['eval', 'train']) {
      const operator = lib.hessian(lib.objective(net, data, { mode }));
      out[mode] = await values(operator);
      out.retainedBytes = operator.retainedBytes;
    }
    const single = await lib.loadModel(${JSON.stringify(fixture('convbn.pt'))}, { dtype: 'float32' });
    out.single = await values(lib.hessian(lib.objective(single, data)));
    out.gaussNewton = await values(lib.gaussNewton(lib.objective(net, data)));

    const many = await lib.loadModel(${JSON.stringify(fixture('exported/many.pt2'))}, { dtype: 'float64' });
    const images = await load(${JSON.stringify(exported)}, 'images', 'y');
    const v = await many.vector(Float64Array.from(${JSON.stringify(v)}).subarray(0, many.size));
    const [product] = await lib.hessian(lib.objective(many, images)).apply([v]);
    out.transposed = Array.from(await product.toArray());
    console.log(JSON.stringify(out));`,
    60_000,
    0,
    variables,
  );
  expect(outcome.stderr).to.equal('');
  return JSON.parse(outcome.stdout) as Curvature;
}

describe('second derivatives by formulas of ours', function () {
  this.timeout(120_000);

  it('are PyTorch’s, as libtorch’s own are; convolutions keep less', async () => {
    const both = await Promise.all(
      ['', 'libtorch'].map(async (choice) =>
        curvature({
          LOSSATLAS_CONVOLUTION: choice,
          LOSSATLAS_BATCH_NORM: choice,
          LOSSATLAS_FOLDING: choice,
        }),
      ),
    );
    const ggn = goldenFile('curvature.npz');
    const [v, ofGgn] = [ggn.get('convbn.eval.ggn.v'), ggn.get('convbn.eval.ggn.products')];
    const ofMany = goldenFile('exported/exported.npz').get('many.eval.products');
    for (const got of both) {
      const n = Math.sqrt(got.eval.length);
      const product = matVec(Float64Array.from(got.gaussNewton), v.subarray(0, n));
      for (const [name, values, expected] of [
        ['eval', got.eval, golden('convbn.eval.hessian')],
        ['single', got.single, golden('convbn.eval.hessian')],
        ['train', got.train, golden('convbn.train.hessian')],
        ['Gauss–Newton', product, ofGgn.subarray(0, n)],
        ['transposed', got.transposed, ofMany.subarray(0, got.transposed.length)],
      ] as const) {
        expect(values.length).to.equal(expected.length);
        expect(relativeError(values, expected), name).to.be.below(name === 'single' ? 1e-5 : 1e-10);
      }
    }
    const [ours, libtorchs] = both;
    expect(ours!.single).to.not.deep.equal(libtorchs!.single);
    expect(ours!.retainedBytes).to.be.below(libtorchs!.retainedBytes);
  });
});
