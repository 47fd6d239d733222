import { expect } from 'chai';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromJson, loadJson, type TrainingRun } from '../../dist/index.js';
import { lossatlas } from '../support/command-line.js';
import { projectPath } from '../support/fixtures.js';

const model = projectPath('examples/digits/digits.script.pt');
const file = projectPath('examples/digits/digits.npz');
const data = ['-d', `${file}:inputs=x_train,targets=y_train,name=train`, '--data-options', 'scale=1/16'];
const test = ['--test', `${file}:inputs=x_test,targets=y_test,name=test`];
const common = ['train', model, ...data, ...test, '--optimizer', 'adam', '--lr', '1e-3', '--seed', '1'];

/** All but times. */
function figuresOf({ learningRate, loss, accuracy, gradientNorm, evaluations }: TrainingRun): unknown {
  return { learningRate, loss, accuracy, gradientNorm, evaluations };
}

describe('training on the command line', function () {
  this.timeout(180_000);
  let folder: string;
  const out = (name: string) => join(folder, name);
  before(() => (folder = mkdtempSync(join(tmpdir(), 'lossatlas-'))));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('writes checkpoints, the run and its figure; its checkpoint is one to analyse', async () => {
    const { code, stdout, stderr } = await lossatlas([...common, '--epochs', '3', '--out', out('run')]);
    expect(code, stderr).to.equal(0);
    expect(stdout)
      .to.match(/\| 3 +\|/)
      .and.match(/Written: .*training.json/);
    expect(readdirSync(out('run')).sort()).to.deep.equal([
      'epoch-0001.pt',
      'epoch-0002.pt',
      'epoch-0003.pt',
      'training.json',
      'training.png',
      'training.svg',
    ]);
    const run = await loadJson(out('run/training.json'), 'training-run');
    expect(run.evaluations[0]!.accuracy!.at(-1)).to.be.above(0.95);
    expect(readFileSync(out('run/training.svg'), 'utf8')).to.match(/epoch/);
    const table = await lossatlas([
      'evaluate',
      model,
      out('run/epoch-0003.pt'),
      ...data,
      '--no-classes',
      '--json',
    ]);
    expect(table.code, table.stderr).to.equal(0);
    const report = await lossatlas(['report', out('run/training.json'), '-o', out('report.html')]);
    expect(report.code, report.stderr).to.equal(0);
    expect(readFileSync(out('report.html'), 'utf8')).to.match(/Epochs/);
  });

  it('Ctrl-C keeps the last checkpoint, and --resume ends as if nothing had been', async () => {
    const args = [...common, '--epochs', '12', '--batch-size', '16', '--json'];
    const whole = await lossatlas([...args, '--quiet']);
    expect(whole.code, whole.stderr).to.equal(0);
    const stopped = await lossatlas([...args, '--out', out('stopped')], { interruptAt: /epoch 3\// });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.match(/--resume goes on/);
    expect(readdirSync(out('stopped')).length).to.be.within(3, 11);
    const refused = await lossatlas([...args, '--out', out('stopped')]);
    expect(refused.stderr).to.match(/Give --resume to go on.*ERR_RESUME/);
    const resumed = await lossatlas([...args, '--out', out('stopped'), '--resume']);
    expect(resumed.code, resumed.stderr).to.equal(0);
    const runs = [whole, resumed].map(({ stdout }) => figuresOf(fromJson(stdout, 'training-run')));
    expect(runs[1]).to.deep.equal(runs[0]);
  });

  it('Ctrl-C before the first checkpoint says that nothing was kept', async () => {
    const args = [...common, '--epochs', '50', '--every', '50', '--json', '--out', out('early')];
    const { code, stderr } = await lossatlas(args, { interruptAt: /epoch 1\// });
    expect(code, stderr).to.equal(130);
    expect(stderr)
      .to.match(/Nothing was kept/)
      .and.not.match(/--resume/);
    expect(existsSync(out('early'))).to.equal(false);
  });

  it('says what a run would take, and which option is wrong', async () => {
    const dry = await lossatlas([...common, '--epochs', '3', '--dry-run', '--out', out('dry')]);
    expect(dry.code, dry.stderr).to.equal(0);
    expect(dry.stdout).to.match(/36 steps|steps.*36/s);
    // Of what the folder has already, as the run would.
    const again = [...common, '--epochs', '3', '--dry-run', '--out', out('run')];
    expect((await lossatlas(again)).stderr).to.match(/holds checkpoints of a run already \(3\)/);
    const late = [
      '-t',
      `${file}:inputs=x_test,targets=y_test,name=other,map-labels=0=77,1=1,2=2,3=3,4=4,5=5,6=6,7=7,8=8,9=9`,
    ];
    const refused = await lossatlas([...common, ...late, '--epochs', '3', '--dry-run', '--out', out('dry')]);
    expect(refused.stderr).to.match(/of other is 77/);
    expect((await lossatlas([...again, '--resume'])).stdout).to.match(/Done +3 of the epochs.*: 0 steps/s);
    expect((await lossatlas([...again, '--resume', '--lr', '2e-3'])).stderr).to.match(
      /optimizer\.lr: 0\.001 in the file/,
    );
    for (const [args, words] of [
      [['--momentum', '0.9'], /momentum/],
      [['--gamma', '0.5'], /gamma/],
      [['--poison-weight', '0.5'], /--poison/],
      [['--schedule', 'step'], /: option --step-size must be/],
      [['--optimizer', 'sgd', '--betas', '0.9,0.99'], /Option --betas is for --optimizer adam/],
      [['--schedule', 'step', '--step-size', '0'], /: option --step-size must be/],
      [['--poison', data[1]!, '--poison-batch-size', '0'], /: option --poison-batch-size must be/],
    ] as const) {
      const { code, stderr } = await lossatlas([...common, ...args, '--json']);
      expect([code, words.test(stderr)], stderr).to.deep.equal([2, true]);
    }
  });
});
