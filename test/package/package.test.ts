import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { cleanEnvironment, fakeProgram } from '../unit/scripts/helpers.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the published package', () => {
  let files: string[];
  before(() => {
    const result = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    });
    const packs = JSON.parse(result.stdout) as { files: { path: string }[] }[];
    files = packs.flatMap((pack) => pack.files.map(({ path }) => path));
  });

  it('holds what an install and a build need', () => {
    expect(files).to.include.members([
      ...[
        'package.json',
        'CMakeLists.txt',
        'binding.gyp',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/cli/main.js',
      ],
      ...['scripts/install.mjs', 'scripts/setup.mjs', 'scripts/doctor.mjs', 'scripts/libtorch/wheel.py'],
    ]);
    for (const layer of ['core', 'runtime', 'binding']) {
      expect(
        files.some((file) => file.startsWith(`native/${layer}/`) && file.endsWith('.cc')),
        layer,
      ).to.equal(true);
    }
  });

  it('holds no tests, no build output and no sources of dist', () => {
    const unwanted =
      /^(test|\.test-build|build|lib|bench|coverage|node_modules|\.ci|native\/test)\/|\.tsbuildinfo$|\.log$/;
    expect(files.filter((file) => unwanted.test(file))).to.deep.equal([]);
  });
});

describe('installed as a dependency', () => {
  let scratch: string;
  let installed: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'lossatlas-package-'));
    installed = join(scratch, 'node_modules', 'lossatlas');
    mkdirSync(installed, { recursive: true });
    for (const name of ['package.json', 'scripts', 'native', 'lib', 'tsconfig.json']) {
      cpSync(join(root, name), join(installed, name), { recursive: true });
    }
  });
  afterEach(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Runs a script of the installed copy where every program that could download leaves a trace. */
  function runScript(script: string, changes: NodeJS.ProcessEnv = {}) {
    const trace = join(scratch, 'trace');
    const tracing = `require('node:fs').writeFileSync(${JSON.stringify(trace)}, 'called'); process.exit(1);`;
    let path = '';
    for (const name of ['python3', 'python', 'pip', 'curl', 'wget', 'cmake']) {
      path = fakeProgram(join(scratch, 'bin'), name, tracing);
    }
    const cache = join(scratch, 'cache');
    const env = cleanEnvironment({
      PATH: path,
      LOSSATLAS_CACHE: cache,
      LOSSATLAS_LIBTORCH_VARIANT: 'cpu',
      ...changes,
    });
    const result = spawnSync(process.execPath, [join(installed, script)], {
      cwd: installed,
      env,
      encoding: 'utf8',
    });
    return { ...result, called: existsSync(trace), cached: existsSync(cache) };
  }

  it('downloads nothing and says the command that does', () => {
    const { status, stderr, called, cached } = runScript('scripts/install.mjs');
    expect(status).to.equal(0);
    expect(stderr.trim().split('\n')).to.have.length(1);
    expect(stderr).to.include('npx lossatlas setup');
    expect({ called, cached }).to.deep.equal({ called: false, cached: false });
    expect(existsSync(join(installed, 'build'))).to.equal(false);
  });

  it('is silent when told to skip', () => {
    const { status, stderr } = runScript('scripts/install.mjs', { LOSSATLAS_SKIP_INSTALL: '1' });
    expect(status).to.equal(0);
    expect(stderr).to.include('LOSSATLAS_SKIP_INSTALL');
  });

  it('does not fail the install of the whole project over a wrong LIBTORCH', () => {
    const { status, stderr } = runScript('scripts/install.mjs', { LIBTORCH: join(scratch, 'nowhere') });
    expect(status).to.equal(0);
    expect(stderr).to.include('the folder does not exist').and.include('npx lossatlas setup');
  });

  it('builds without fetching: an explicit build says which command fetches', () => {
    const { status, stderr, called } = runScript('scripts/build.mjs');
    expect(status).to.equal(1);
    expect(stderr).to.include('npx lossatlas setup').and.include('ERR_LIBTORCH_MISSING');
    expect(called).to.equal(false);
  });
});
