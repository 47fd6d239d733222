import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortError,
  evaluateCheckpoints,
  evaluationTable,
  fromJson,
  loadModel,
  loadNpz,
  loadSolution,
  ownSolution,
  toJson,
  type Dataset,
  type EvaluateCheckpointsOptions,
  type EvaluationTable,
} from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { fixture, projectPath } from '../support/fixtures.js';
import { goldenFile } from '../support/golden-file.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { relativeError } from '../support/numbers.js';

const golden = goldenFile('exported/exported.npz');
const modelPath = projectPath('examples/digits/digits.script.pt');
const own = fixture('exported/digits.pt');
const shrunk = fixture('exported/digits_shrunk.pt');

async function digits(part: 'train' | 'test'): Promise<Dataset> {
  return loadNpz(projectPath('examples/digits/digits.npz'), {
    inputs: `x_${part}`,
    targets: `y_${part}`,
    scale: 1 / 16,
    name: part,
  });
}

async function evaluate(
  checkpoints: readonly string[],
  options: EvaluateCheckpointsOptions = {},
): Promise<EvaluationTable> {
  using model = await loadModel(modelPath, { dtype: 'float64' });
  return await evaluateCheckpoints(
    model,
    checkpoints,
    [await digits('train'), await digits('test')],
    options,
  );
}

describe('evaluation of many checkpoints on many data sets', () => {
  expectNoLiveHandles();
  let folder = '';
  before(() => (folder = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('loss, accuracy and the figures of every class as PyTorch’s', async () => {
    for (const batchSize of [undefined, 77]) {
      const table = await evaluate([own, shrunk], batchSize === undefined ? {} : { batchSize });
      expect(table.rows.map(({ checkpoint, data }) => [checkpoint, data])).to.deep.equal([
        [own, 'train'],
        [own, 'test'],
        [shrunk, 'train'],
        [shrunk, 'test'],
      ]);
      for (const [i, name] of ['own.train', 'own.test', 'shrunk.train', 'shrunk.test'].entries()) {
        const row = table.rows[i]!;
        const get = (key: string) => golden.get(`digits.${name}.${key}`);
        expect(row.problem).to.equal(null);
        expect(Math.abs(row.loss - get('loss')[0]!), name).to.be.below(1e-6);
        const { numClasses, confusion, loss, numSamples, recall, precision } = row.classes!;
        const expected = get('confusion');
        expect(numClasses).to.equal(10);
        expect([...confusion], name).to.deep.equal([...expected]);
        expect(relativeError(loss, get('class_loss')), name).to.be.below(1e-6);
        const right = Array.from({ length: 10 }, (_, c) => expected[11 * c]!);
        const sum = (start: number, step: number) =>
          Array.from({ length: 10 }, (_, k) => expected[start + step * k]!).reduce((a, b) => a + b, 0);
        right.forEach((count, c) => {
          expect(numSamples[c]).to.equal(sum(10 * c, 1));
          expect(recall[c]).to.equal(count / sum(10 * c, 1));
          const predicted = sum(c, 10);
          if (predicted === 0) expect(precision[c]).to.be.NaN;
          else expect(precision[c]).to.equal(count / predicted);
        });
        const all = right.reduce((a, b) => a + b, 0) / row.numSamples;
        expect(Math.abs(row.accuracy! - all)).to.be.below(1e-15);
      }
      expect(table.samplesPerSecond).to.be.above(0);
    }
  });

  it('saves and loads, and prints as a table', async () => {
    const table = await evaluate([own], { metrics: ['error', 'top-3'] });
    expect(fromJson(toJson(table))).to.deep.equal(table);
    const [head, , first] = evaluationTable(table).split('\n');
    expect(head).to.match(/checkpoint.*data.*samples.*loss.*accuracy %.*error.*top-3/);
    expect(first).to.include(' train ').and.include('1437');
  });

  it('solutions, without class figures, in the other modes', async () => {
    using model = await loadModel(modelPath);
    using itself = await ownSolution(model, 'itself');
    using other = await loadSolution(model, shrunk, { label: 'other' });
    for (const mode of ['eval', 'train', 'recalibrate'] as const) {
      const table = await evaluateCheckpoints(model, [itself, other, own], [await digits('test')], {
        mode,
        classes: false,
      });
      expect(table.rows.map(({ checkpoint }) => checkpoint)).to.deep.equal(['itself', 'other', own]);
      expect(table.rows[0]!.loss).to.equal(table.rows[2]!.loss);
      expect(table.rows[0]!.classes).to.equal(null);
      expect(table.provenance.mode).to.equal(mode);
    }
  });

  it('a bad checkpoint is a row that says why, or the end', async () => {
    const bad = join(folder, 'bad.pth');
    writeFileSync(bad, 'no checkpoint');
    const absent = join(folder, 'absent.pth');
    const foreign = fixture('exported/convbn_state_dict.pt');
    const table = await evaluate([bad, own, absent, foreign]);
    const problems = table.rows.map(({ problem }) => problem?.slice(0, problem.indexOf(':')) ?? null);
    expect(problems).to.deep.equal([
      ...['ERR_CHECKPOINT', 'ERR_CHECKPOINT'],
      ...[null, null],
      ...['ERR_FILE_NOT_FOUND', 'ERR_FILE_NOT_FOUND'],
      ...['ERR_CHECKPOINT_MISMATCH', 'ERR_CHECKPOINT_MISMATCH'],
    ]);
    expect(table.rows[0]!.loss).to.be.NaN;
    expect(evaluationTable(table)).to.include(`- ${bad}: ERR_CHECKPOINT: `);
    await rejects(() => evaluate([own, bad], { onProblem: 'stop' }), 'ERR_CHECKPOINT');
    await rejects(() => evaluate([own, own]), 'ERR_INVALID_OPTION', /twice/);
    await rejects(() => evaluate([]), 'ERR_INVALID_OPTION', /non-empty/);
    await rejects(
      () => evaluate([own], { batchsize: 3 } as EvaluateCheckpointsOptions),
      'ERR_INVALID_OPTION',
      /evaluateCheckpoints: unknown option 'batchsize'. Did you mean 'batchSize'/,
    );
  });

  it('goes on where it was stopped, and not at other settings', async () => {
    const resume = join(folder, 'run.eval');
    const controller = new AbortController();
    const seen: string[] = [];
    const stopped = await rejects(
      () =>
        evaluate([own, shrunk], {
          resume,
          signal: controller.signal,
          onRow: ({ checkpoint, data }) => {
            seen.push(`${checkpoint} ${data}`);
            if (seen.length === 3) controller.abort();
          },
        }),
      'ERR_ABORTED',
    );
    expect(stopped).to.be.instanceOf(AbortError);
    expect(seen).to.have.lengthOf(3);
    const whole = await evaluate([own, shrunk]);
    const steps: number[] = [];
    const resumed = await evaluate([own, shrunk], { resume, onProgress: ({ done }) => steps.push(done) });
    const figures = ({ rows }: EvaluationTable) => rows.map(({ seconds: _, ...row }) => row);
    expect(figures(resumed)).to.deep.equal(figures(whole));
    expect(steps).to.deep.equal([1, 2, 3, 4]);
    // All of it is there now.
    const again = await evaluate([own, shrunk], { resume });
    expect(again.rows).to.deep.equal(resumed.rows);
    expect(again.samplesPerSecond).to.be.NaN;
    await rejects(
      () => evaluate([own], { resume, mode: 'train' }),
      'ERR_RESUME',
      /mode: eval in the file, train now/,
    );
    await rejects(() => evaluate([own], { resume: folder }), 'ERR_FILE_NOT_WRITABLE');
  });
});
