import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { cleanEnvironment, fakeProgram, loadScript, makeLibtorch, useScratchFolder } from './helpers.js';

interface LocateModule {
  locateLibtorch: (env: NodeJS.ProcessEnv) => {
    libtorch: { root: string; source: string; version: string } | null;
    reasons: string[];
  };
}
interface CacheModule {
  fetchedFolder: (variant: 'cpu' | 'gpu', env: NodeJS.ProcessEnv) => string;
}

describe('scripts/libtorch/locate', () => {
  const scratch = useScratchFolder();
  let locate: LocateModule['locateLibtorch'];
  let fetchedFolder: CacheModule['fetchedFolder'];
  before(async () => {
    locate = ((await loadScript('libtorch/locate.mjs')) as LocateModule).locateLibtorch;
    fetchedFolder = ((await loadScript('libtorch/cache.mjs')) as CacheModule).fetchedFolder;
  });

  /** An empty cache, the CPU variant, and a Python whose torch is the given folder ('' for none). */
  function environment(pythonTorch: string, changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const path = fakeProgram(
      join(scratch(), 'bin'),
      'python3',
      `console.log(${JSON.stringify(pythonTorch)})`,
    );
    fakeProgram(join(scratch(), 'bin'), 'python', `console.log('')`);
    const cache = join(scratch(), 'cache');
    return cleanEnvironment({
      PATH: path,
      LOSSATLAS_CACHE: cache,
      LOSSATLAS_LIBTORCH_VARIANT: 'cpu',
      ...changes,
    });
  }

  it('finds nothing and says where it looked', () => {
    const { libtorch, reasons } = locate(environment(''));
    expect(libtorch).to.equal(null);
    expect(reasons.join('; ')).to.include('LIBTORCH is not set').and.include(join(scratch(), 'cache'));
  });

  it('takes LIBTORCH before PyTorch before the fetched copy', () => {
    const named = makeLibtorch(join(scratch(), 'named'));
    const python = makeLibtorch(join(scratch(), 'python', 'torch'));
    const env = environment(python);
    const fetched = makeLibtorch(join(fetchedFolder('cpu', env), 'torch'));

    expect(locate(env).libtorch).to.include({ root: fetched, source: 'fetched' });
    env.LIBTORCH_USE_PYTORCH = '1';
    expect(locate(env).libtorch).to.include({ root: python, source: 'LIBTORCH_USE_PYTORCH' });
    env.LIBTORCH = named;
    expect(locate(env).libtorch).to.include({ root: named, source: 'LIBTORCH' });
  });

  it('does not pass over a wrong LIBTORCH', () => {
    const env = environment('', { LIBTORCH: join(scratch(), 'nowhere') });
    makeLibtorch(join(fetchedFolder('cpu', env), 'torch'));
    expect(() => locate(env)).to.throw(/^LIBTORCH=.*nowhere is not a usable libtorch/);
  });

  it('does not pass over a PyTorch that is not there', () => {
    const env = environment('', { LIBTORCH_USE_PYTORCH: '1' });
    expect(() => locate(env)).to.throw(/python3 has no package torch; python has no package torch.*PYTHON=/);
  });

  it('asks the interpreter that PYTHON names, and no other', () => {
    const torch = makeLibtorch(join(scratch(), 'site-packages', 'torch'));
    const env = environment('', { LIBTORCH_USE_PYTORCH: '1', PYTHON: join(scratch(), 'own', 'python') });
    expect(() => locate(env)).to.throw(/own\/python does not run/);
    fakeProgram(join(scratch(), 'own'), 'python', `console.log(${JSON.stringify(torch)})`);
    expect(locate(env).libtorch?.root).to.equal(torch);
  });

  it('takes switches of 0 and nothing for off', () => {
    expect(locate(environment('', { LIBTORCH: '', LIBTORCH_USE_PYTORCH: '0' })).libtorch).to.equal(null);
  });

  it('uses a fetched CUDA build without a GPU, but does not settle for less with one', () => {
    const env = environment('');
    const gpu = makeLibtorch(join(fetchedFolder('gpu', env), 'torch'));
    expect(locate(env).libtorch?.root).to.equal(gpu);

    const other = environment('', {
      LOSSATLAS_LIBTORCH_VARIANT: 'gpu',
      LOSSATLAS_CACHE: join(scratch(), 'second'),
    });
    makeLibtorch(join(fetchedFolder('cpu', other), 'torch'));
    expect(locate(other).libtorch).to.equal(null);
  });

  it('takes an unfinished fetch for none', () => {
    const env = environment('');
    mkdirSync(`${fetchedFolder('cpu', env)}.partial`, { recursive: true });
    expect(locate(env).libtorch).to.equal(null);
  });

  it('refuses an unknown variant', () => {
    const env = environment('', { LOSSATLAS_LIBTORCH_VARIANT: 'rocm' });
    expect(() => locate(env)).to.throw('LOSSATLAS_LIBTORCH_VARIANT must be cpu or gpu, not "rocm"');
  });
});
