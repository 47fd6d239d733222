import { expect } from 'chai';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromJson, loadJson, type Track } from '../../dist/index.js';
import { lossatlas } from '../support/command-line.js';
import { projectPath } from '../support/fixtures.js';

const model = projectPath('examples/digits/digits.script.pt');
const file = projectPath('examples/digits/digits.npz');
const both = ['x_train,targets=y_train,limit=200,name=train', 'x_test,targets=y_test,limit=100,name=test'];
const data = [...both.flatMap((spec) => ['-d', `${file}:inputs=${spec}`]), '--data-options', 'scale=1/16'];
const quick = ['--steps', '8', '--probes', '2', '--curvature-samples', '64', '--seed', '1'];

/** All but times. */
function core({ provenance: _, ...others }: Track): Omit<Track, 'provenance'> {
  return others;
}

describe('tracks on the command line', function () {
  this.timeout(180_000);
  let folder: string;
  const out = (name: string) => join(folder, name);
  const track = (...args: readonly string[]) => ['track', model, out('run'), ...data, ...args];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-'));
    const training = [
      'train',
      model,
      data[0]!,
      data[1]!,
      ...data.slice(-2),
      '--epochs',
      '3',
      '--images',
      'none',
    ];
    const { code, stderr } = await lossatlas([...training, '--lr', '0.1', '--out', out('run')]);
    expect(code, stderr).to.equal(0);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('writes the track and its figures, and a report', async () => {
    const { code, stdout, stderr } = await lossatlas(track(...quick, '--out', out('done')));
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/\| 3 +\| test/);
    expect(stderr).to.match(/epoch-0002\.pt: train loss .*KH05/);
    const figures = ['accuracy', 'density', 'eigenvalues', 'kh05', 'kh1', 'loss', 're', 'trace'];
    expect(readdirSync(out('done')).sort()).to.deep.equal(
      [
        ...figures.flatMap((name) => [`track-${name}.png`, `track-${name}.svg`]),
        'track.json',
        'track.resume',
      ].sort(),
    );
    const found = await loadJson(out('done/track.json'), 'track');
    expect(found.checkpoints.map(({ epoch }) => epoch)).to.deep.equal([1, 2, 3]);
    const report = await lossatlas(['report', out('done/track.json'), '-o', out('report.html')]);
    expect(report.code, report.stderr).to.equal(0);
    expect(readFileSync(out('report.html'), 'utf8')).to.match(/Training run followed/);
    const plot = await lossatlas(['plot', out('done/track.json'), '--figures', 'kh05', '-o', out('figures')]);
    expect(plot.code, plot.stderr).to.equal(0);
    const csv = await lossatlas(['convert', out('done/track.json'), out('track.csv')]);
    expect(csv.code, csv.stderr).to.equal(0);
    expect(readFileSync(out('track.csv'), 'utf8').trim().split('\n')).to.have.length(2 + 6);
  });

  it('Ctrl-C keeps finished rows, and the same command ends as if nothing had been', async () => {
    const args = track(
      '--steps',
      '20',
      '--probes',
      '2',
      '--seed',
      '2',
      '--curvature-samples',
      '64',
      '--json',
    );
    const whole = await lossatlas([...args, '--quiet']);
    expect(whole.code, whole.stderr).to.equal(0);
    const stopped = await lossatlas([...args, '--out', out('stopped')], { interruptAt: /epoch-0001/ });
    expect(stopped.code, stopped.stderr).to.equal(130);
    expect(stopped.stderr).to.match(/The same command goes on/);
    const resumed = await lossatlas([...args, '--out', out('stopped')]);
    expect(resumed.code, resumed.stderr).to.equal(0);
    const tracks = [whole, resumed].map(({ stdout }) => core(fromJson(stdout, 'track')));
    expect(tracks[1]).to.deep.equal(tracks[0]);
    const other = await lossatlas([...args, '--seed', '3', '--out', out('stopped')]);
    expect(other.stderr).to.match(/ERR_RESUME/);
  });

  it('follows a folder: what is there is on disk while it waits', async () => {
    mkdirSync(out('growing'));
    copyFileSync(out('run/epoch-0001.pt'), out('growing/epoch-0001.pt'));
    const extremes = ['--no-spectrum', '--curvature-samples', '64', '--images', 'svg'];
    const how = ['--follow', '--poll', '0.1', '--settle', '0.5', '--out', out('followed')];
    const waiting = lossatlas(
      ['track', model, out('growing'), ...data, ...extremes, ...how, '--until', '2'],
      {},
    );
    while (!readdirSync(folder).includes('followed') || !hasTrack(out('followed')))
      await new Promise((resolve) => setTimeout(resolve, 50));
    const first = await loadJson(out('followed/track.json'), 'track');
    expect(first.checkpoints.length).to.equal(1);
    writeFileSync(out('growing/damaged.pt'), 'no checkpoint');
    copyFileSync(out('run/epoch-0002.pt'), out('growing/epoch-0002.pt'));
    const { code, stdout, stderr } = await waiting;
    // A checkpoint had a problem.
    expect(code, stderr).to.equal(3);
    expect(stdout.match(/track\.json/g), stdout).to.have.length(1);
    const last = await loadJson(out('followed/track.json'), 'track');
    expect(last.checkpoints.map(({ label, problem }) => [label, problem === null])).to.deep.equal([
      ['damaged.pt', false],
      ['epoch-0001.pt', true],
      ['epoch-0002.pt', true],
    ]);
  });

  it('does not overwrite a finished result where no checkpoint could be read', async () => {
    const quickest = ['--curvature', 'none', '--images', 'none', '--out', out('kept')];
    const good = await lossatlas(track(...quickest));
    expect(good.code, good.stderr).to.equal(0);
    const before = readFileSync(out('kept/track.json'), 'utf8');
    mkdirSync(out('empty'));
    mkdirSync(out('damaged'));
    writeFileSync(out('damaged/epoch-0001.pt'), 'no checkpoint');
    const idle = ['--follow', '--poll', '0.05', '--settle', '0', '--idle', '0.2'];
    for (const [paths, more, code, words] of [
      [['typo'], [], 1, /no file 'typo'.*ERR_FILE_NOT_FOUND/],
      [['run/epoch-0001.pt', 'typo.pt'], [], 1, /no file 'typo\.pt'.*ERR_FILE_NOT_FOUND/],
      [['damaged'], [], 3, /no checkpoint could be read/],
      [['damaged'], idle, 3, /no checkpoint could be read/],
      [['empty'], idle, 1, /No checkpoint came into 'empty'/],
      [['empty'], [], 1, /With option --follow it would be waited for.*ERR_FILE_NOT_FOUND/],
    ] as const) {
      const args = ['track', model, ...paths, ...data, ...quickest, ...more];
      const found = await lossatlas(args, { cwd: folder });
      expect([found.code, words.test(found.stderr)], found.stderr).to.deep.equal([code, true]);
      expect(readFileSync(out('kept/track.json'), 'utf8')).to.equal(before);
    }
  });

  it('says what a run would take, and which option is wrong', async () => {
    const dry = await lossatlas(track(...quick, '--dry-run', '--out', out('dry')));
    expect(dry.code, dry.stderr).to.equal(0);
    expect(dry.stdout)
      .to.match(/Track +3 checkpoints on train, test/)
      .and.match(/96 products/);
    expect(readdirSync(folder)).not.to.include('dry');
    for (const args of [['--no-spectrum'], ['--curvature', 'none'], ['--follow']]) {
      const other = await lossatlas([...track(...args, '--curvature-samples', '64'), '--dry-run', '--json']);
      expect(other.code, other.stderr).to.equal(0);
    }
    for (const [args, words] of [
      [['--idle', '3'], /--follow/],
      [['--snapshots', 'some'], /snapshots|'some'/],
      [['--epochs', '1,2'], /epochs/],
      [['--no-spectrum', '--probes', '3'], /: option --probes must be absent/],
      [['--compare-cold'], /absent but with --no-spectrum/],
      [data.slice(0, 2), /are called 'train': name them/],
      [['--figures', 'contour'], /figures/],
    ] as const) {
      const { code, stderr } = await lossatlas(track(...args, '--json'));
      expect([code, words.test(stderr)], stderr).to.deep.equal([2, true]);
    }
    const two = ['track', model, out('run'), out('run'), ...data, '--follow'];
    expect((await lossatlas(two)).stderr).to.match(/one folder/);
  });
});

function hasTrack(folder: string): boolean {
  return readdirSync(folder).includes('track.json');
}
