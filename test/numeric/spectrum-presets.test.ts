import { expect } from 'chai';
import {
  hessian,
  llaEigenpairs,
  llaSpectralDensity,
  llaTrace,
  loadModel,
  loadNpz,
  objective,
  pyhessianEigenpairs,
  pyhessianSpectralDensity,
  pyhessianTrace,
  renderLlaDensity,
  renderPyhessianDensity,
  type LinearOperator,
  type ParameterVector,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { loadFixture, projectPath } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { diagonalOperator, relativeError } from '../support/numbers.js';

type Golden = ReturnType<typeof goldenFile>;

/** What the original programs computed (test/fixtures/peers): the same model, data and start vectors. */
async function withHessian(
  dtype: 'float32' | 'float64',
  work: (operator: LinearOperator) => Promise<void>,
): Promise<void> {
  using model = await loadModel(projectPath('examples/digits/digits.script.pt'), { dtype });
  const data = await loadNpz(projectPath('examples/digits/digits.npz'), {
    inputs: 'x_test',
    targets: 'y_test',
    scale: 1 / 16,
    limit: 64,
  });
  using loss = objective(model, data, { batchSize: 24 });
  using operator = hessian(loss);
  await work(operator);
}

/** The first `count` vectors that the program was handed. */
async function withStarts(
  operator: LinearOperator,
  golden: Golden,
  law: 'gaussian' | 'rademacher',
  count: number,
  work: (start: ParameterVector[]) => Promise<void>,
): Promise<void> {
  const numbers = golden.get(`start/${law}`).map((x) => (law === 'gaussian' ? x / 8 : x));
  const n = operator.size;
  const start: ParameterVector[] = [];
  try {
    for (let i = 0; i < count; i++)
      start.push(await operator.model.vector(numbers.slice(i * n, (i + 1) * n)));
    await work(start);
  } finally {
    for (const vector of start) vector.dispose();
  }
}

const rows = (values: Float64Array, count: number): Float64Array[] =>
  Array.from({ length: count }, (_, i) =>
    values.slice((i * values.length) / count, ((i + 1) * values.length) / count),
  );

const show = (what: string, error: number) => {
  if (process.env['SHOW_ERRORS'] !== undefined)
    process.stdout.write(`      ${what}: ${error.toExponential(1)}\n`);
  return error;
};

interface Program {
  readonly name: string;
  readonly file: string;
  readonly eigenpairs: typeof llaEigenpairs;
  readonly trace: typeof llaTrace;
  readonly density: (
    operator: LinearOperator,
    options: Parameters<typeof llaSpectralDensity>[1],
  ) => ReturnType<typeof pyhessianSpectralDensity>;
  readonly render: typeof renderLlaDensity;
}

const lla: Program = {
  name: 'lla',
  file: 'peers/lla-spectrum.npz',
  eigenpairs: llaEigenpairs,
  trace: llaTrace,
  density: llaSpectralDensity,
  render: renderLlaDensity,
};
const pyhessian: Program = {
  name: 'pyhessian',
  file: 'peers/pyhessian-spectrum.npz',
  eigenpairs: pyhessianEigenpairs,
  trace: pyhessianTrace,
  density: pyhessianSpectralDensity,
  render: renderPyhessianDensity,
};

describe('spectral presets equal the programs they are named after', () => {
  expectNoLiveHandles();

  for (const program of [lla, pyhessian]) {
    const golden = goldenFile(program.file);
    const names = (kind: string, tail: string) =>
      golden.names
        .filter((name) => name.startsWith(`${kind}/`) && name.endsWith(`/${tail}`))
        .map((name) => name.split('/')[1]!);

    describe(program.name, () => {
      for (const name of names('eigenpairs', 'values')) {
        it(`eigenpairs/${name}`, async () => {
          const key = `eigenpairs/${name}`;
          const expected = golden.get(`${key}/values`);
          await withHessian('float64', async (operator) => {
            await withStarts(operator, golden, 'gaussian', expected.length, async (start) => {
              using pairs = await program.eigenpairs(operator, {
                start,
                ...(name === 'short' && { maxIterations: 5 }),
                ...((name === 'short' || name === 'sharp') && { tolerance: 1e-6 }),
              });
              expect(pairs.numProducts).to.equal(golden.get(`${key}/numProducts`)[0]);
              expect(show('values', relativeError(pairs.values, expected))).to.be.below(1e-10);
              expect(pairs.stopped).to.deep.equal(Array.from(expected, () => name !== 'short'));
              expect(pairs.recipe.name).to.equal(program.name);
              expect(pairs.seed).to.equal(null);
              if (!golden.names.includes(`${key}/vectors`)) return;
              const vectors = rows(golden.get(`${key}/vectors`), expected.length);
              for (const [i, vector] of pairs.vectors.entries())
                expect(show('vector', relativeError(await vector.toArray(), vectors[i]!))).to.be.below(1e-10);
            });
          });
        });
      }

      for (const name of names('trace', program === lla ? 'value' : 'samples')) {
        it(`trace/${name}`, async () => {
          await withHessian('float64', async (operator) => {
            await withStarts(operator, golden, 'rademacher', 48, async (start) => {
              const { value, samples, stopped } = await program.trace(operator, {
                start,
                ...(name === 'short' && { maxProbes: 2, tolerance: 1e-9 }),
                ...(name === 'loose' && { tolerance: 0.1 }),
              });
              expect(stopped).to.equal(name !== 'short');
              if (program === lla) {
                expect(samples.length).to.equal(golden.get(`trace/${name}/numProducts`)[0]);
                expect(show('trace', relativeError([value], golden.get(`trace/${name}/value`)))).to.be.below(
                  1e-10,
                );
              } else {
                const expected = golden.get(`trace/${name}/samples`);
                expect(samples.length).to.equal(expected.length);
                expect(show('samples', relativeError(samples, expected))).to.be.below(1e-10);
              }
            });
          });
        });
      }

      for (const name of names('density', 'nodes')) {
        it(`density/${name}`, async () => {
          const key = `density/${name}`;
          const probes = name === 'two' ? 2 : 1;
          await withHessian('float64', async (operator) => {
            await withStarts(operator, golden, 'rademacher', probes, async (start) => {
              const steps = golden.get(`${key}/nodes`).length / probes;
              const result = await program.density(operator, {
                start,
                steps,
                ...(name === 'narrow' && { window: 1 }),
              });
              for (const field of ['alpha', 'beta', 'nodes', 'weights'] as const) {
                const expected = rows(golden.get(`${key}/${field}`), probes);
                for (const [p, values] of expected.entries()) {
                  expect(result[field][p]!.length).to.equal(values.length);
                  expect(show(field, relativeError(result[field][p]!, values)), field).to.be.below(1e-8);
                }
              }
              if ('criteria' in result) {
                const { criteria } = result as Awaited<ReturnType<typeof llaSpectralDensity>>;
                for (const [figure, tail] of [
                  ['re', 're'],
                  ['kh05', 'kh0.5'],
                  ['kh1', 'kh1'],
                ] as const) {
                  const error = relativeError([criteria[figure]], golden.get(`${key}/${tail}`));
                  expect(show(figure, error), figure).to.be.below(1e-8);
                }
              }
              for (const points of [500, 10_000]) {
                const curve = program.render(result, points === 10_000 ? {} : { points });
                const every = (values: Float64Array) => values.filter((_, i) => i % (points / 500) === 0);
                const expected = golden.get(`${key}/plot${points}/density`);
                expect(relativeError(every(curve.x), golden.get(`${key}/plot${points}/x`))).to.be.below(1e-8);
                expect(show('curve', relativeError(every(curve.density), expected))).to.be.below(1e-8);
              }
            });
          });
        });
      }
    });
  }
});
