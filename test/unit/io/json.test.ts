import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LossAtlasError } from '../../../dist/errors.js';
import { fromJson, loadJson, saveJson, toJson, type Result } from '../../../dist/io/json.js';
import type { BracketedEstimate, Criteria, Estimate, LossLine } from '../../../dist/results.js';
import { bowl, lineOf, provenance } from '../plot/results.js';

const estimate: Estimate = { value: 0.1, low: -Infinity, high: Infinity, standardError: NaN };
const bracketed: BracketedEstimate = { ...estimate, bracket: { low: 0, high: 1 }, determined: true };

const criteria: Criteria = {
  re: bracketed,
  kh05: { ...estimate, n: 0.5, ratio: bracketed, tail: bracketed },
  kh1: { ...estimate, n: 1, ratio: bracketed, tail: bracketed },
  negativeMass: bracketed,
  negativeCurvatureShare: bracketed,
  nearZeroMass: { ...bracketed, bracket: { low: NaN, high: Infinity }, determined: false },
  settings: { steps: 2, probes: 2, batches: 1, confidence: 0.95, tailThreshold: 0.01 },
};

const preset = {
  formatVersion: 1,
  numProducts: 112,
  seed: null,
  recipe: { name: 'pyhessian', notes: ['a note'] },
  provenance,
} as const;

const results: readonly Result[] = [
  lineOf(5, (t) => (t > 0.5 ? NaN : 1 / t), Math.abs),
  bowl(4, 3),
  {
    ...bowl(2, 2),
    metrics: { 'top-5': Float64Array.of(1, NaN, 0, 0.5), margin: new Float64Array(4) },
    gradientNorm: Float64Array.of(1, 2, 3, Infinity),
    solutions: [{ label: 'a', coordinates: Float64Array.of(0, 0) }],
    recipe: { name: 'lla', notes: ['every second row is shifted'] },
  },
  {
    kind: 'landscape-atlas',
    formatVersion: 1,
    titles: ['one', 'two'],
    surfaces: [bowl(2, 2), bowl(2, 2)],
    spread: {
      mean: new Float64Array(4),
      standardDeviation: new Float64Array(4),
      min: new Float64Array(4),
      max: new Float64Array(4),
    },
  },
  { kind: 'landscape-atlas', formatVersion: 1, titles: ['one'], surfaces: [bowl(2, 3)], spread: null },
  {
    kind: 'trajectory',
    formatVersion: 1,
    labels: ['start', 'end'],
    x: Float64Array.of(1, 0),
    y: Float64Array.of(2, 0),
    distance: Float64Array.of(0.5, 0),
    loss: Float64Array.of(3, 1),
    projectedLoss: Float64Array.of(2.5, 1),
    accuracy: null,
    explainedVariance: Float64Array.of(0.9, 0.1),
    provenance,
  },
  {
    kind: 'eigenpairs',
    formatVersion: 1,
    which: 'both-ends',
    values: Float64Array.of(5, -0),
    residuals: Float64Array.of(1e-300, Infinity),
    converged: [true, false],
    allConverged: false,
    tolerance: 1e-3,
    numProducts: 40,
    numRestarts: 0,
    basisSize: 300,
    basisBytes: 1200,
    seed: 1,
    provenance,
  },
  {
    kind: 'trace',
    formatVersion: 1,
    ...estimate,
    method: 'hutch++',
    samples: new Float64Array(0),
    perParameter: [{ name: 'fc.weight', ...estimate }],
    frobeniusNorm: null,
    numProducts: 8,
    converged: true,
    seed: 2,
    provenance,
  },
  {
    kind: 'frobenius-norm',
    formatVersion: 1,
    ...estimate,
    samples: Float64Array.of(1, 2),
    numProducts: 2,
    converged: false,
    seed: 2,
    provenance,
  },
  {
    kind: 'diagonal',
    formatVersion: 1,
    trace: 1,
    norm: 2,
    relativeError: Infinity,
    numProducts: 8,
    converged: true,
    seed: 2,
    provenance,
  },
  {
    kind: 'spectral-density',
    formatVersion: 1,
    size: 100,
    steps: 2,
    probes: 2,
    seed: 3,
    firstProbe: 0,
    probesPerPass: 1,
    nodes: [Float64Array.of(-1, 2), Float64Array.of(0)],
    weights: [Float64Array.of(0.25, 0.75), Float64Array.of(1)],
    residualBounds: [Float64Array.of(1e-3, 0), Float64Array.of(0)],
    trace: estimate,
    criteria,
    numProducts: 4,
    provenance,
  },
  {
    kind: 'preset-eigenpairs',
    ...preset,
    values: Float64Array.of(3, -1),
    numIterations: Float64Array.of(12, 100),
    stopped: [true, false],
    tolerance: 1e-3,
  },
  {
    kind: 'preset-trace',
    ...preset,
    value: 2.5,
    samples: Float64Array.of(2, 3),
    stopped: true,
    tolerance: 1e-3,
  },
  {
    kind: 'preset-spectral-density',
    ...preset,
    size: 10,
    steps: 2,
    probes: 1,
    window: 10,
    alpha: [Float64Array.of(1, 2)],
    beta: [Float64Array.of(0.5)],
    nodes: [Float64Array.of(0.8, 2.2)],
    weights: [Float64Array.of(0.9, 0.1)],
    criteria: { re: 0.1, kh05: 0, kh1: Infinity },
  },
  {
    kind: 'operator-check',
    formatVersion: 1,
    asymmetry: 1e-16,
    variation: 0,
    tolerance: 1e-9,
    isSymmetric: true,
    isRepeatable: true,
    curvature: { quadraticForm: 1, difference: 1.001, step: 1e-6, agrees: true },
    ok: true,
    notes: ['aten::dropout'],
    provenance,
  },
  {
    kind: 'criteria-comparison',
    formatVersion: 1,
    batchSize: 64,
    seed: 1,
    rows: [
      {
        model: 'a',
        data: 'b',
        mode: 'train',
        pointHash: null,
        loss: 1,
        accuracy: null,
        criteria,
        change: {
          from: 'c',
          loss: -0,
          accuracy: null,
          re: estimate,
          kh05: estimate,
          kh1: estimate,
          paperReading: 'undecided',
        },
        numProducts: 7,
        provenance,
      },
    ],
  },
];

const line = results[0] as LossLine;

function refuses(text: string, message: RegExp): void {
  expect(() => fromJson(text, "'x.json'"))
    .to.throw(LossAtlasError, message)
    .with.property('code', 'ERR_INVALID_DATA');
}

/** The line's JSON with one change. */
function changed(change: (data: Record<string, unknown>) => void): string {
  const data = JSON.parse(toJson(line)) as Record<string, unknown>;
  change(data);
  return JSON.stringify(data);
}

describe('json', () => {
  for (const result of results) {
    it(`round-trips a ${result.kind}`, () => {
      const read = fromJson(toJson(result));
      expect(read).to.deep.equal(result);
      expect(toJson(read)).to.equal(toJson(result));
    });
  }

  it('keeps every float64 bit for bit', () => {
    const doubles = fc
      .array(fc.double(), { minLength: 2, maxLength: 20 })
      .map((values) => Float64Array.from(values));
    fc.assert(
      fc.property(doubles, (loss) => {
        const read = fromJson(
          toJson({ ...line, coordinates: loss, loss, accuracy: null }),
          'text',
          'loss-line',
        );
        // Same bits, so −0 is not 0; fast-check makes only one NaN.
        expect(new BigUint64Array(read.loss.buffer)).to.deep.equal(new BigUint64Array(loss.buffer));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('gives frozen results', () => {
    const read = fromJson(toJson(line), 'text', 'loss-line');
    expect(read).to.be.frozen;
    expect(read.axis).to.be.frozen;
    expect(read.axis.ignored).to.be.frozen;
    expect(read.provenance.versions).to.be.frozen;
  });

  it('writes one key per line and arrays on one line', () => {
    const text = toJson(bowl(2, 2));
    expect(text).to.match(/\n {2}"x": \[-1,1\],\n/);
    expect(text.endsWith('}\n')).to.equal(true);
  });

  it('names the key that is wrong', () => {
    refuses('{', /'x\.json' is not JSON/);
    refuses('[]', /'kind' should be loss-line or loss-surface/);
    refuses('null', /the top level should be a result object/);
    refuses('{"kind": "toString"}', /'kind' should be/);
    refuses(
      changed((data) => (data.formatVersion = 2)),
      /'formatVersion' should be 1/,
    );
    refuses(
      changed((data) => delete data.loss),
      /'x\.json': 'loss' should be present/,
    );
    refuses(
      changed((data) => (data.loss = [1, 2])),
      /'loss' has 2 entries, not 5/,
    );
    refuses(
      changed((data) => (data.loss = '1,2')),
      /'loss' should be a list of numbers/,
    );
    refuses(
      changed((data) => (data.loss = [1, 2, 3, 4, 'nan'])),
      /'loss\[4\]' should be a number/,
    );
    refuses(
      changed((data) => (data.loss = [1, 2, 3, 4, null])),
      /'loss\[4\]' should be a number/,
    );
    refuses(
      changed((data) => (data.extra = 1)),
      /'extra' should be absent/,
    );
    refuses(
      changed((data) => ((data.provenance as { mode: string }).mode = 'test')),
      /'provenance\.mode' should be "eval" or "train"/,
    );
    refuses(
      changed((data) => ((data.axis as { ignored: unknown }).ignored = ['bias', 1])),
      /'axis\.ignored\[1\]'/,
    );
    refuses(
      toJson(line).replace('"modelLoss": "Infinity"', '"modelLoss": 1e999'),
      /'modelLoss' should be a number/,
    );
  });

  it('checks the kind that was asked for', () => {
    expect(() => fromJson(toJson(line), 'x', 'loss-surface')).to.throw(/'kind' should be "loss-surface"/);
  });

  it('refuses to write what is no result', () => {
    expect(() => toJson({ kind: 'other' } as unknown as Result)).to.throw(LossAtlasError, /'kind' should be/);
    const untyped = { ...line, loss: [1, 2, 3, 4, 5] } as unknown as Result;
    expect(() => toJson(untyped)).to.throw(LossAtlasError, /the result: 'loss' should be a Float64Array/);
  });

  describe('files', () => {
    let folder: string;
    before(async () => (folder = await mkdtemp(join(tmpdir(), 'json-'))));
    after(async () => rm(folder, { recursive: true }));

    it('saves and loads', async () => {
      const path = join(folder, 'line.json');
      await saveJson(path, line);
      expect(await loadJson(path, 'loss-line')).to.deep.equal(line);
      expect(await readFile(path, 'utf8')).to.equal(toJson(line));
    });

    it('names a missing, an unreadable and a wrong file', async () => {
      const codeOf = async (path: string) => loadJson(path).catch((error: unknown) => error);
      const missing = join(folder, 'none.json');
      expect(await codeOf(missing)).to.include({
        code: 'ERR_FILE_NOT_FOUND',
        message: `There is no file '${missing}' (working folder: ${process.cwd()}).`,
      });
      expect(await codeOf(folder)).to.include({ code: 'ERR_FILE_UNREADABLE' });
      const wrong = join(folder, 'wrong.json');
      await writeFile(wrong, '{"kind": "trace"}');
      expect(await codeOf(wrong)).to.include({
        code: 'ERR_INVALID_DATA',
        message: `'${wrong}': 'formatVersion' should be 1.`,
      });
    });
  });
});
