import { expect } from 'chai';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, ownSolution, saveSolution } from '../../dist/index.js';
import { lossatlas } from '../support/command-line.js';
import { fixture, projectPath } from '../support/fixtures.js';

const model = projectPath('examples/digits/digits.script.pt');
const data = `${projectPath('examples/digits/digits.npz')}:inputs=x_test,targets=y_test,scale=1/16`;

interface Table {
  readonly rows: readonly Record<string, unknown>[];
}
/** What two runs have in common. */
const rowsOf = (json: string) =>
  (JSON.parse(json) as Table).rows.map((row) => ({ ...row, seconds: 0 })) as Table['rows'];

describe('the command line', function () {
  this.timeout(120_000);
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-cli-'));
    using loaded = await loadModel(model);
    using solution = await ownSolution(loaded);
    await saveSolution(join(folder, 'weights.pth'), solution);
    mkdirSync(join(folder, 'run'));
    const bytes = readFileSync(join(folder, 'weights.pth'));
    for (let i = 1; i <= 60; i++) writeFileSync(join(folder, 'run', `epoch${i}.pth`), bytes);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('explains itself', async () => {
    for (const [command, words] of [
      ['inspect', /what to do with it[^]*--json[^]*Exit codes/],
      ['evaluate', /--data <path\[:options\]>[^]*--resume[^]*targets-path[^]*130 interrupted/],
    ] as const) {
      const { code, stdout } = await lossatlas([command, '--help']);
      expect(code).to.equal(0);
      expect(stdout).to.match(words);
    }
  });

  it('ends with 2 for wrong usage', async () => {
    for (const args of [
      ['inspect'],
      ['evaluate'],
      ['evaluate', model],
      ['evaluate', model, '--data', data, '--nonsense'],
      ['evaluate', model, '--data', 'x.npz:colour=blue'],
      ['evaluate', model, '--data', data, '--data-options', 'scale=much'],
      ['evaluate', model, '--data', data, '--batch-size', '0'],
      ['evaluate', model, '--data', data, '--mode', 'both'],
    ]) {
      const { code, stderr } = await lossatlas(args);
      expect(code, args.join(' ')).to.equal(2);
      expect(stderr).to.match(/error: |ERR_INVALID_OPTION/);
    }
  });

  it('ends with 1 for a file that is missing or cannot be written, before any work', async () => {
    const missing = await lossatlas(['evaluate', 'none.pt', '--data', data]);
    expect([missing.code, missing.stdout]).to.deep.equal([1, '']);
    expect(missing.stderr).to.contain('ERR_FILE_NOT_FOUND');
    expect((await lossatlas(['inspect', 'none.pt', model])).code).to.equal(1);
    for (const out of [folder, join(folder, 'none', 'x.json')]) {
      const { code, stderr } = await lossatlas(['evaluate', model, '--data', data, '--out', out]);
      expect(code).to.equal(1);
      expect(stderr).to.contain('ERR_FILE_NOT_WRITABLE');
    }
  });

  it('inspects several files, as text and as JSON', async () => {
    const text = await lossatlas(['inspect', model, fixture('checkpoints/adam.pt')]);
    expect(text.stdout).to.match(
      /digits\.script\.pt: TorchScript, scripted[^]*adam\.pt: a training checkpoint/,
    );
    const { code, stdout } = await lossatlas(['inspect', model, 'none.pt', '--json']);
    expect(code).to.equal(1);
    const [first, second] = JSON.parse(stdout) as { kind?: string; code?: string }[];
    expect([first!.kind, second!.code]).to.deep.equal(['torchscript', 'ERR_FILE_NOT_FOUND']);
  });

  it('evaluates the model itself on several data sets, options of all and of one', async () => {
    const set = data.replace(',scale=1/16', '');
    const out = join(folder, 'result.json');
    const args = [
      'evaluate',
      model,
      '--data',
      set,
      '--data',
      `${set},limit=50,name=few`,
      '--data-options',
      'scale=1/16',
    ];
    const { code, stdout, stderr } = await lossatlas([...args, '--metrics', 'top-5,error', '--out', out]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/digits\.npz \| 360 [^]*few +\| 50 /);
    expect(stdout).to.match(/top-5 +\| error/);
    // No terminal: plain lines.
    expect(stderr).to.match(/^evaluation: 1\/2/);
    expect(rowsOf(readFileSync(out, 'utf8'))).to.have.length(2);
  });

  it('takes a folder in natural order, and ends with 3 where a checkpoint has a problem', async () => {
    const args = ['evaluate', model, join(folder, 'run'), fixture('checkpoints/adam.pt'), '--data', data];
    const { code, stdout } = await lossatlas([...args, '--json', '--no-classes']);
    expect(code).to.equal(3);
    const rows = rowsOf(stdout);
    expect(rows).to.have.length(61);
    expect(rows[9]).to.include({
      checkpoint: join(folder, 'run', 'epoch10.pth'),
      problem: null,
      classes: null,
    });
    expect(String(rows[60]!.problem)).to.contain('ERR_CHECKPOINT_MISMATCH');
  });

  it('does not overwrite a finished table where no checkpoint could be read', async () => {
    const out = join(folder, 'kept.json');
    const weights = join(folder, 'weights.pth');
    const args = ['--data', data, '--no-classes', '--out', out];
    expect((await lossatlas(['evaluate', model, weights, ...args])).code).to.equal(0);
    const before = readFileSync(out, 'utf8');
    for (const [paths, code, words] of [
      [[weights, 'typo.pth'], 1, /no file 'typo\.pth'.*ERR_FILE_NOT_FOUND/],
      [[fixture('checkpoints/adam.pt')], 3, /no checkpoint could be read/],
    ] as const) {
      const found = await lossatlas(['evaluate', model, ...paths, ...args]);
      expect([found.code, words.test(found.stderr)], found.stderr).to.deep.equal([code, true]);
      expect(readFileSync(out, 'utf8')).to.equal(before);
    }
  });

  it('stops at Ctrl-C, says how to go on, and goes on to the same result', async () => {
    const args = ['evaluate', model, join(folder, 'run'), '--data', data, '--batch-size', '5'];
    const resume = join(folder, 'run.eval');
    const stopped = await lossatlas([...args, '--resume', resume], { interruptAt: /./ });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.match(/row[s]? done before the interruption, kept in '.*run\.eval'/);
    expect(stopped.stdout).to.contain('epoch1.pth');
    expect(stopped.stdout).to.not.contain('epoch60.pth');
    const [resumed, whole] = [
      await lossatlas([...args, '--resume', resume, '--json']),
      await lossatlas([...args, '--json']),
    ];
    expect([resumed.code, whole.code]).to.deep.equal([0, 0]);
    expect(rowsOf(resumed.stdout)).to.deep.equal(rowsOf(whole.stdout));
    const loose = await lossatlas(args, { interruptAt: /./ });
    expect(loose.stderr).to.contain('With --resume run.eval they are kept');
  });

  it('stops at SIGTERM as at Ctrl-C, with its own exit code, and leaves no lock', async () => {
    const args = ['evaluate', model, join(folder, 'run'), '--data', data, '--batch-size', '5'];
    const resume = join(folder, 'ended.eval');
    const stopped = await lossatlas([...args, '--resume', resume], {
      interruptAt: /./,
      signal: 'SIGTERM',
    });
    expect(stopped.code, stopped.stderr).to.equal(143);
    expect(stopped.stderr).to.match(/before the interruption, kept in '.*ended\.eval'/);
    const names = readdirSync(folder).filter((name) => name.startsWith('ended'));
    expect(names).to.deep.equal(['ended.eval']);
  });
});
