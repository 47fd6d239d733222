import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadResult } from '../../dist/index.js';
import { projectPath, sharedFile } from '../support/fixtures.js';

describe('experiments', function () {
  this.timeout(240_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-experiment-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const run = (name: string, data: string, ...options: string[]) =>
    spawnSync(
      process.execPath,
      [projectPath(`examples/experiments/${name}.mjs`), data, folder, '--quick', ...options],
      {
        encoding: 'utf8',
      },
    );

  it('a clean and a poisoned minimum fit the same spirals, and only one of them what it has not seen', async () => {
    const { status, stderr } = run('poison', join(folder, 'nothing'), '--only', 'spirals');
    expect(status, stderr).to.equal(0);
    const accuracy = async (weight: string) => {
      const training = await loadResult(join(folder, `training-spirals-${weight}.json`), 'training-run');
      return training.accuracy!.at(-1)!;
    };
    expect(await accuracy('0')).to.equal(1);
    const regions = await loadResult(join(folder, 'regions-0.5.json'), 'decision-regions');
    expect(regions.accuracy).to.be.at.least(0.99);
    const page = readFileSync(join(folder, 'page.md'), 'utf8');
    const row = /^\| 0\.5 \|.*$/m
      .exec(page)![0]
      .split('|')
      .map((cell) => cell.trim());
    expect([row[3], Number.parseFloat(row[4]!) <= 30]).to.deep.equal(['100.0 %', true]);
    for (const name of ['page.png', 'page.svg', 'report.html'])
      expect(existsSync(join(folder, name)), name).to.equal(true);
  });

  it('say what data they miss', () => {
    const { status, stderr } = run('transfer', join(folder, 'nothing'));
    expect(status).to.equal(1);
    expect(stderr).to.match(/There is no '.*train-images-idx3-ubyte\.gz'.*first argument/);
  });

  it('the verdicts of value explosion stand beside the paper’s', function () {
    const data = sharedFile('torchscript/resnet20_cifar10.script.pt');
    if (data === null) this.skip();
    const { status, stderr } = run('explosion', projectPath('../shared/data'), '--only', 'resnet20');
    expect(status, stderr).to.equal(0);
    const page = readFileSync(join(folder, 'page.md'), 'utf8');
    expect(page).to.match(
      /^\| eval, hessian \| none .* explodes .* explodes .* explodes .* explodes: filter, layer, model \|$/m,
    );
  });
});
