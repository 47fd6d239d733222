import { expect } from 'chai';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { scriptOf } from '../support/document-script.js';
import { blocksOf, brokenLinks, markdownFiles, readDocument } from '../support/documents.js';
import { projectPath, sharedFile } from '../support/fixtures.js';

const documents = markdownFiles().map(readDocument);
const scripts = documents.flatMap((document) => {
  const script = scriptOf(document);
  return script === null ? [] : [{ path: document.path, script }];
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('documents', function () {
  this.timeout(300_000);
  let scratch: string;

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'lossatlas-docs-'));
    // `lossatlas` is on the path, as after `npm install`.
    const command = join(scratch, 'lossatlas');
    writeFileSync(
      command,
      `#!/bin/sh\nexec "${process.execPath}" "${projectPath('dist/cli/main.js')}" "$@"\n`,
    );
    chmodSync(command, 0o755);
    await runWell([projectPath('examples/digits/checkpoints.mjs'), join(scratch, 'run')], scratch);
  });

  after(async () => {
    await Promise.all(started.values());
    rmSync(scratch, { recursive: true });
  });

  const started = new Map<string, Promise<Outcome>>();

  async function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
    const env = { ...process.env, PATH: `${scratch}${delimiter}${process.env.PATH ?? ''}` };
    return new Promise((resolve) => {
      const child = spawn(process.execPath, args, { cwd, env });
      const texts = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
      child.on('close', (status) => {
        resolve({ status, ...texts });
      });
    });
  }

  async function runWell(args: readonly string[], cwd: string): Promise<void> {
    const { status, stderr } = await runNode(args, cwd);
    expect(status, stderr).to.equal(0);
  }

  async function runScript({ path, script }: (typeof scripts)[number]): Promise<Outcome> {
    const folder = join(scratch, path.replaceAll(/\W/g, '-'));
    mkdirSync(folder);
    for (const name of ['digits.script.pt', 'digits.npz'])
      copyFileSync(projectPath(`examples/digits/${name}`), join(folder, name));
    cpSync(join(scratch, 'run'), join(folder, 'run'), { recursive: true });
    writeFileSync(join(folder, 'document.mjs'), script);
    return runNode(['document.mjs'], folder);
  }

  async function start(index: number): Promise<Outcome> {
    const script = scripts[index]!;
    if (!started.has(script.path)) started.set(script.path, runScript(script));
    return started.get(script.path)!;
  }

  for (const [index, { path }] of scripts.entries()) {
    it(`the examples of ${path} run, one after the other`, async () => {
      const outcome = start(index);
      // Most of the time goes into starting processes: two documents side by side take little longer than one.
      if (index + 1 < scripts.length) void start(index + 1);
      const { status, stdout, stderr } = await outcome;
      expect(status, stderr).to.equal(0);
      if (process.env.LOSSATLAS_DOCS_OUTPUT !== undefined) process.stdout.write(stdout);
    });
  }

  it('the guide to errors has every code', () => {
    const { text } = readDocument('docs/guide/troubleshooting.md');
    const codes = readFileSync(projectPath('lib/errors.ts'), 'utf8').match(/'ERR_\w+'/g)!;
    const missing = codes.filter((code) => !text.includes(`\`${code.slice(1, -1)}\``));
    expect(missing).to.deep.equal([]);
  });

  it('the API reference is made without a warning, with the guides in it', async () => {
    const typedoc = projectPath('node_modules/typedoc/bin/typedoc');
    const out = join(scratch, 'api');
    await runWell([typedoc, '--options', projectPath('typedoc.json'), '--out', out], projectPath('.'));
    for (const page of ['functions/index.lossSurface.html', 'documents/Your_first_landscape.html'])
      expect(existsSync(join(out, page)), page).to.equal(true);
  });

  it('links and pictures lead somewhere', () => {
    expect(documents.flatMap(brokenLinks)).to.deep.equal([]);
  });

  it('every example runs, or says why not', () => {
    const silent = documents.flatMap(({ path, blocks }) =>
      blocks
        .filter(
          ({ language, notRun, file }) => ['ts', 'sh'].includes(language) || notRun !== null || file !== null,
        )
        .filter(({ notRun }) => notRun !== null && notRun.length < 10)
        .map(({ line }) => `${path}:${line}`),
    );
    expect(silent).to.deep.equal([]);
    // Commands hide in blocks of no language.
    const unmarked = documents.flatMap(({ path, blocks }) =>
      blocks
        .filter(
          ({ language, code }) =>
            !['ts', 'sh', 'python'].includes(language) && /^(npx )?lossatlas /m.test(code),
        )
        .map(({ line }) => `${path}:${line}`),
    );
    expect(unmarked).to.deep.equal([]);
  });

  it('blocks are read with their marks', () => {
    const text =
      'a\n<!-- not run: needs a GPU -->\n```sh\nlossatlas x\n```\n<!-- file: a.yaml -->\n```yaml\nb: 1\n```\n';
    expect(blocksOf(text)).to.deep.equal([
      { language: 'sh', code: 'lossatlas x', line: 3, notRun: 'needs a GPU', file: null },
      { language: 'yaml', code: 'b: 1', line: 7, notRun: null, file: 'a.yaml' },
    ]);
  });
});

describe('examples/checkpoints', function () {
  this.timeout(120_000);

  for (const [name, written] of [
    ['landscapes', 'lenet5.png'],
    ['spectra', 'table4.png'],
  ] as const) {
    it(`${name}.mjs runs, with the least that it can take`, function () {
      const needed = [
        'torchscript/resnet56_cifar10.script.pt',
        'usps/usps.h5',
        'mnist',
        'cifar10',
        'checkpoints',
      ];
      if (needed.some((file) => sharedFile(file) === null)) this.skip();
      const out = mkdtempSync(join(tmpdir(), 'lossatlas-example-'));
      try {
        const script = projectPath(`examples/checkpoints/${name}.mjs`);
        const args = [script, projectPath('../shared/data'), out, '--quick'];
        const run = spawnSync(process.execPath, args, { cwd: out, encoding: 'utf8' });
        expect(run.status, run.stderr).to.equal(0);
        expect(existsSync(join(out, written))).to.equal(true);
      } finally {
        rmSync(out, { recursive: true });
      }
    });
  }
});

describe('README', () => {
  const { text, blocks } = readDocument('README.md');

  it('its first example has at most a dozen lines', () => {
    const lines = blocks.find(({ language }) => language === 'ts')!.code.split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('import')).length).to.be.at.most(12);
  });

  it('names the ranges that package.json states', () => {
    const manifest = JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as {
      engines: { node: string };
      lossatlas: { libtorch: { minimum: string; below: string; fetch: string } };
    };
    const { minimum, below, fetch } = manifest.lossatlas.libtorch;
    expect(text).to.include(`versions from ${minimum} up to, but not including, ${below}`);
    expect(text).to.include(`version ${fetch},`);
    expect(text).to.include(`Node ${manifest.engines.node.replace('>=', '≥ ')}`);
  });
});
