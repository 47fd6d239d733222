import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { cleanEnvironment, fakeProgram, makeLibtorch, projectRoot, useScratchFolder } from './helpers.js';

// Plays pip and wheel.py; download.py it declines, so that plain pip is asked. FAKE_HANG names the package whose download never ends, FAKE_FAIL what pip prints instead.
const fakePython = `
const fs = require('node:fs');
const path = require('node:path');
const { FAKE_HANG, FAKE_FAIL, FAKE_LOG, FAKE_LIBTORCH, FAKE_NO_PIP } = process.env;
const args = process.argv.slice(2);
if (args[0].endsWith('download.py')) process.exit(3);
if (args[0] === '-c') console.log('3.11.0');
else if (args[2] === '--version') { if (FAKE_NO_PIP) process.exit(1); console.log('pip 24.0 from there'); }
else if (args[2] === 'download') {
  const name = args.at(-1).split('==')[0];
  fs.appendFileSync(FAKE_LOG, args.at(-1) + ' ' + process.pid + '\\n');
  if (FAKE_FAIL) { console.log(FAKE_FAIL); process.exit(1); }
  if (name === FAKE_HANG) setInterval(() => {}, 1000);
  else fs.writeFileSync(path.join(args[args.indexOf('--dest') + 1], name + '-1-py3-none-any.whl'), 'wheel');
} else if (args[1] === 'requires') {
  const isTorch = path.basename(args[2]).startsWith('torch');
  const of = (name, extras = []) => ({ name, specifier: '==1', extras });
  console.log(JSON.stringify(isTorch ? [of('sympy'), of('nvidia-cuda-runtime'), of('nvidia-cublas')] : []));
} else if (args[1] === 'unpack') {
  console.log('4');
  fs.cpSync(FAKE_LIBTORCH, path.join(args[2], 'torch'), { recursive: true, verbatimSymlinks: true });
}
`;

describe('scripts/libtorch/fetch', () => {
  const scratch = useScratchFolder();
  const children = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });

  const cache = () => join(scratch(), 'cache');
  const log = () => (existsSync(join(scratch(), 'log')) ? readFileSync(join(scratch(), 'log'), 'utf8') : '');
  const finished = () =>
    existsSync(cache()) ? readdirSync(cache()).filter((name) => name.endsWith('-cpu')) : [];

  function environment(changes: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const libtorch = join(scratch(), 'brought');
    if (!existsSync(libtorch)) makeLibtorch(libtorch);
    return cleanEnvironment({
      PATH: fakeProgram(join(scratch(), 'bin'), 'python3', fakePython),
      LOSSATLAS_CACHE: cache(),
      LOSSATLAS_LIBTORCH_VARIANT: 'cpu',
      FAKE_LOG: join(scratch(), 'log'),
      FAKE_LIBTORCH: libtorch,
      ...changes,
    });
  }

  function start(changes: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [join(projectRoot, 'scripts/libtorch/fetch.mjs')], {
      env: environment(changes),
    });
    children.add(child);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, stderr }));
    });
    return { child, ended };
  }

  async function until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error('waited in vain');
      await delay(20);
    }
  }

  it('brings torch and what it needs here, and leaves nothing else', async () => {
    const { code, stderr } = await start().ended;
    expect(stderr).to.include('fetching libtorch').and.include('is ready');
    expect(code).to.equal(0);
    const names = log()
      .trim()
      .split('\n')
      .map((line) => line.split('==')[0]);
    expect(names).to.deep.equal(['torch', 'nvidia-cuda-runtime']);
    expect(readdirSync(cache())).to.deep.equal(finished()).and.have.length(1);
  });

  it('fetches the CUDA libraries too where a GPU is to be used, but nothing of Python', async () => {
    const { code } = await start({ LOSSATLAS_LIBTORCH_VARIANT: 'gpu' }).ended;
    expect(code).to.equal(0);
    expect(log()).to.include('nvidia-cublas').and.not.include('sympy');
  });

  it('leaves nothing half-made when interrupted, and continues', async () => {
    const { child, ended } = start({ FAKE_HANG: 'nvidia-cuda-runtime' });
    await until(() => log().includes('nvidia-cuda-runtime'));
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).to.equal(130);
    expect(stderr).to.match(/interrupted.*kept in .*to continue: node scripts\/setup\.mjs/);
    expect(finished()).to.deep.equal([]);
    expect(readdirSync(cache()).filter((name) => name.endsWith('.lock'))).to.deep.equal([]);
    const pip = Number(/nvidia-cuda-runtime==1 (\d+)/.exec(log())?.[1]);
    await until(() => !isAlive(pip));

    const again = await start().ended;
    expect(again.code).to.equal(0);
    expect(again.stderr).to.include('continuing').and.include('torch: already here');
    expect(log().match(/^torch==/gm)).to.have.length(1);
    expect(finished()).to.have.length(1);
  });

  it('lets one of two fetches wait for the other', async () => {
    const both = await Promise.all([start().ended, start().ended]);
    expect(both.map(({ code }) => code)).to.deep.equal([0, 0]);
    expect(log().match(/^torch==/gm)).to.have.length(1);
  });

  it('takes over the lock of a process that died', async () => {
    const { child, ended } = start({ FAKE_HANG: 'torch' });
    await until(() => log().includes('torch'));
    const lock = readdirSync(cache()).find((name) => name.endsWith('.lock')) ?? '';
    child.kill('SIGTERM');
    await ended;
    mkdirSync(cache(), { recursive: true });
    // The process that has just ended: certainly dead.
    writeFileSync(join(cache(), lock), JSON.stringify({ pid: child.pid, host: hostname() }));
    expect((await start().ended).code).to.equal(0);
  });

  it('does not give the final name to a copy that is not usable', async () => {
    const empty = join(scratch(), 'empty');
    mkdirSync(empty);
    const { code, stderr } = await start({ FAKE_LIBTORCH: empty }).ended;
    expect(code).to.equal(1);
    expect(stderr).to.include('what pip brought is not a usable libtorch');
    expect(finished()).to.deep.equal([]);
  });

  const network =
    'WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found for torch';
  const failures: [what: string, env: NodeJS.ProcessEnv, expected: RegExp][] = [
    ['no network', { FAKE_FAIL: network }, /could not reach its package index.*LIBTORCH=.*ERR_NETWORK/s],
    [
      'no wheel for this Python',
      { FAKE_FAIL: 'ERROR: No matching distribution found for torch' },
      /finds no torch==.* for Python 3\.11\.0.*PYTHON=.*ERR_NO_WHEEL/s,
    ],
    [
      'a full disk',
      { FAKE_FAIL: 'OSError: [Errno 28] No space left on device' },
      /disk is full.*ERR_NO_SPACE/,
    ],
    ['no pip', { FAKE_NO_PIP: '1', PYTHON: 'python3' }, /has none\. Install it.*ERR_NO_PIP/],
    ['no Python', { PYTHON: '/nowhere/python' }, /\/nowhere\/python does not run.*ERR_NO_PYTHON/],
  ];
  for (const [what, env, expected] of failures) {
    it(`says what to do about ${what}`, async () => {
      const { code, stderr } = await start(env).ended;
      expect(code).to.equal(1);
      expect(stderr).to.match(expected);
      expect(finished()).to.deep.equal([]);
    });
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
