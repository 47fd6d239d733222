import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  averageCriteria,
  compareCriteria,
  criteriaDifference,
  criteriaTable,
  dataset,
  hessian,
  loadJson,
  loadModel,
  loadNpz,
  objective,
  randomBatches,
  randomSolution,
  saveJson,
  spectralDensity,
  type CriteriaComparison,
  type CriteriaRow,
  type Dataset,
} from '../../dist/index.js';
import { comparisonSection } from '../../dist/report/table-sections.js';
import { rejects } from '../support/errors.js';
import { fixture, projectPath } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

const digits = async (limit = 300): Promise<Dataset> =>
  loadNpz(projectPath('examples/digits/digits.npz'), {
    inputs: 'x_test',
    targets: 'y_test',
    scale: 1 / 16,
    limit,
    name: 'digits',
  });

/** The same images upside down: a data set that the model has never seen. */
function flipped(data: Dataset): Dataset {
  const [images] = data.inputs;
  const [n, ...shape] = images!.shape;
  const size = images!.data.length / n!;
  const values = Float32Array.from(images!.data as ArrayLike<number>);
  for (let i = 0; i < n!; i++) values.subarray(i * size, (i + 1) * size).reverse();
  return dataset(
    {
      inputs: { data: values, shape: [n!, ...shape] },
      targets: Array.from(data.targets!.data as Iterable<number | bigint>, Number),
    },
    { name: 'flipped' },
  );
}

describe('random batches', () => {
  it('are disjoint, come from the data, and repeat with the seed', () => {
    const numbers = dataset({
      inputs: { data: Float64Array.from({ length: 50 }, (_, i) => i), shape: [50, 1] },
    });
    const batches = randomBatches(numbers, { count: 4, batchSize: 10, seed: 3 });
    const all = batches.flatMap((batch) => Array.from(batch.inputs[0]!.data as Float64Array));
    expect(new Set(all).size).to.equal(40);
    expect(batches.map((batch) => batch.numSamples)).to.deep.equal([10, 10, 10, 10]);
    const again = randomBatches(numbers, { count: 4, batchSize: 10, seed: 3 });
    expect(again.map((b) => b.hash)).to.deep.equal(batches.map((b) => b.hash));
    expect(batches[1]!.preprocessing).to.match(/40 of 50 samples drawn with seed 3; batch 2 of 4/);
    expect(() => randomBatches(numbers, { count: 6, batchSize: 10 })).to.throw(/60.*50/);
  });
});

describe('comparison of criteria', () => {
  expectNoLiveHandles();
  const options = { batches: 2, batchSize: 40, steps: 8, probes: 3, seed: 5 } as const;

  it('holds what its parts computed one by one would give', async function () {
    this.timeout(60_000);
    using model = await loadModel(projectPath('examples/digits/digits.script.pt'));
    using random = await randomSolution(model, { seed: 2 });
    const data = await digits();
    const strange = flipped(data);
    const models = [
      { label: 'random', model, at: random },
      { label: 'trained', model },
    ];
    const sets = [
      { label: 'digits', data },
      { label: 'flipped', data: strange },
    ];
    const comparison = await compareCriteria(models, sets, { ...options, modes: ['train', 'eval'] });
    expect(comparison.rows.map(({ model: m, mode, data: d }) => `${m} ${mode} ${d}`)).to.deep.equal([
      'random train digits',
      'random train flipped',
      'random eval digits',
      'random eval flipped',
      'trained train digits',
      'trained train flipped',
      'trained eval digits',
      'trained eval flipped',
    ]);
    for (const [row, at, set] of [
      [comparison.rows[3]!, random, strange],
      [comparison.rows[4]!, null, data],
    ] as const) {
      const each = [];
      for (const [b, part] of randomBatches(set, { count: 2, batchSize: 40, seed: 5 }).entries()) {
        using loss = objective(model, part, { mode: row.mode, seed: 5 });
        using operator = hessian(loss, at === null ? {} : { at });
        each.push(
          (await spectralDensity(operator, { steps: 8, probes: 3, seed: 5, firstProbe: 3 * b })).criteria,
        );
      }
      expect(row.criteria).to.deep.equal(averageCriteria(each));
      using whole = objective(model, set, { mode: row.mode, batchSize: 1000, seed: 5 });
      const { loss, accuracy } =
        at === null ? await whole.evaluate() : await whole.evaluate(at.theta, undefined, at.buffers);
      expect([row.loss, row.accuracy]).to.deep.equal([loss, accuracy]);
    }
    const [before, after] = [comparison.rows[6]!, comparison.rows[7]!];
    expect(before.change).to.equal(null);
    expect(after.change!.accuracy).to.be.closeTo(after.accuracy! - before.accuracy!, 1e-15);
    expect(after.change!.accuracy).to.be.below(-0.3);
    expect(after.change!.kh05.value).to.be.closeTo(
      after.criteria.kh05.value - before.criteria.kh05.value,
      1e-15,
    );
    expect(after.change!.kh05.low).to.be.below(after.change!.kh05.value);
    // Two batches leave one degree of freedom: hardly anything is decided, and the table says so.
    const table = criteriaTable(comparison);
    expect(table.split('\n').slice(2, 10)).to.have.length(8);
    expect(table).to.match(/\| trained +\| eval +\| flipped +\|/);
    expect(table).to.match(/- trained \(eval\), digits → flipped: accuracy −\d+\.\d\d points, KH05 [+−]/);
  });

  it('a change that is not read names the spectra that are not mainly positive, and their types', async () => {
    const known = await loadJson(fixture('results-v2/criteria-comparison.json'), 'criteria-comparison');
    const [row] = known.rows;
    const ofType = (data: string, from: string | null, share: number): CriteriaRow => {
      const around = (value: number) => ({
        value,
        low: value,
        high: value,
        bracket: { low: value, high: value },
      });
      const criteria = { ...row!.criteria, re: around(2 * share), negativeCurvatureShare: around(share) };
      const change = from === null ? null : { ...row!.change!, from, paperReading: 'not-read' };
      return { ...row!, data, criteria, change } as unknown as CriteriaRow;
    };
    for (const show of [criteriaTable, comparisonSection]) {
      const words = (first: number, second: number) =>
        show({ ...known, rows: [ofType('mnist', null, first), ofType('usps', 'mnist', second)] });
      expect(words(0.1, 0.9)).to.include('spectrum is not mainly positive (on usps: mainly-negative)');
      expect(words(0.9, 0.5)).to.include(
        'spectra are not mainly positive (on mnist: mainly-negative, on usps: undecided)',
      );
    }
  });

  it('goes on from what an interrupted one had', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    try {
      using model = await loadModel(projectPath('examples/digits/digits.script.pt'));
      const data = await digits(100);
      const file = join(folder, 'comparison.json');
      const controller = new AbortController();
      const run = (extra: object) =>
        compareCriteria(
          [{ label: 'net', model }],
          [
            { label: 'digits', data },
            { label: 'flipped', data: flipped(data) },
          ],
          { ...options, ...extra },
        );
      await rejects(
        async () =>
          run({
            signal: controller.signal,
            onRow: async (_: CriteriaRow, soFar: CriteriaComparison) => {
              await saveJson(file, soFar);
              controller.abort();
            },
          }),
        'ERR_ABORTED',
      );
      const known = await loadJson(file, 'criteria-comparison');
      expect(known.rows.length).to.equal(1);
      const progress: number[] = [];
      const rest = await run({ known, onProgress: ({ done }: { done: number }) => progress.push(done) });
      const fresh = await run({});
      const strip = ({ provenance: _, ...row }: CriteriaRow) => row;
      expect(rest.rows.map(strip)).to.deep.equal(fresh.rows.map(strip));
      expect(rest.rows[0]!.provenance.startedAt).to.equal(known.rows[0]!.provenance.startedAt);
      expect(progress[0]).to.equal(2 * 3 * 8);
      const other = await run({ known, seed: 6 });
      expect(other.rows[0]!.provenance.startedAt).to.not.equal(known.rows[0]!.provenance.startedAt);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses what would not compare', async () => {
    using model = await loadModel(projectPath('examples/digits/digits.script.pt'));
    const data = await digits(60);
    using evalLoss = objective(model, data);
    using trainLoss = objective(model, data, { mode: 'train' });
    using a = hessian(evalLoss);
    using b = hessian(trainLoss);
    const short = await spectralDensity(a, { steps: 5, probes: 2 });
    const long = await spectralDensity(a, { steps: 6, probes: 2 });
    const train = await spectralDensity(b, { steps: 5, probes: 2 });
    expect(() => criteriaDifference(short, long))
      .to.throw(/steps \(5 and 6\)/)
      .with.property('code', 'ERR_SETTINGS');
    expect(() => criteriaDifference(short, train)).to.throw(/mode \(eval and train\)/);
    expect(criteriaDifference(short, short).re.value).to.equal(0);
    const one = { label: 'a', model };
    const set = { label: 'd', data };
    await rejects(async () => compareCriteria([one, one], [set]), 'ERR_INVALID_OPTION', /two models/);
    await rejects(async () => compareCriteria([], [set]), 'ERR_INVALID_OPTION', /label, model/);
    await rejects(
      async () => compareCriteria([one], [set], { batches: 100 }),
      'ERR_INVALID_OPTION',
      /batches/,
    );
  });
});
