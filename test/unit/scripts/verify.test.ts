import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { libraryPath, loadScript, makeLibtorch, useScratchFolder, writeFile } from './helpers.js';

interface VerifyModule {
  verifyLibtorch: (
    root: string,
    whose: string,
    env: NodeJS.ProcessEnv,
  ) => { version: string; hasCuda: boolean; cudaProblems: string[] };
}

describe('scripts/libtorch/verify', () => {
  const scratch = useScratchFolder();
  let verify: (root: string, env?: NodeJS.ProcessEnv) => ReturnType<VerifyModule['verifyLibtorch']>;
  before(async () => {
    const module = (await loadScript('libtorch/verify.mjs')) as VerifyModule;
    verify = (root, env = {}) => module.verifyLibtorch(root, 'LIBTORCH=x', env);
  });

  it('accepts a complete copy without CUDA', () => {
    const root = makeLibtorch(join(scratch(), 'torch'));
    expect(verify(root)).to.deep.equal({ root, version: '2.13.0', hasCuda: false, cudaProblems: [] });
  });

  it('reads the version where older headers keep it', () => {
    const root = makeLibtorch(join(scratch(), 'torch'));
    const defines = ['MAJOR 2', 'MINOR 12', 'PATCH 1'].map((define) => `#define TORCH_VERSION_${define}`);
    rmSync(join(root, 'include/torch/headeronly'), { recursive: true });
    writeFile(join(root, 'include/torch/csrc/api/include/torch/version.h'), defines.join('\n'));
    expect(verify(root).version).to.equal('2.12.1');
  });

  it('names every part that is missing', () => {
    const root = makeLibtorch(join(scratch(), 'torch'));
    rmSync(join(root, 'include/ATen'), { recursive: true });
    rmSync(libraryPath(root, 'c10'));
    expect(() => verify(root))
      .to.throw(/LIBTORCH=x is not a usable libtorch: .*no include\/ATen\/ATen\.h.*no lib\/libc10/)
      .with.property('code', 'ERR_LIBTORCH_INCOMPLETE');
  });

  it('says that a folder does not exist', () => {
    expect(() => verify(join(scratch(), 'nowhere'))).to.throw('the folder does not exist');
  });

  it('points to the package inside site-packages', () => {
    const inner = makeLibtorch(join(scratch(), 'torch'));
    expect(() => verify(scratch())).to.throw(`Did you mean ${inner}?`);
  });

  it('tells a damaged library', function () {
    if (process.platform !== 'linux') this.skip();
    const root = makeLibtorch(join(scratch(), 'torch'));
    rmSync(libraryPath(root, 'torch_cpu'));
    writeFileSync(libraryPath(root, 'torch_cpu'), 'cut off');
    expect(() => verify(root)).to.throw(/libtorch_cpu\.so needs \(unreadable: .*\)/);
  });

  it('does not take CUDA libraries that cannot load for CUDA', function () {
    if (process.platform !== 'linux') this.skip();
    const root = makeLibtorch(join(scratch(), 'torch'));
    for (const name of ['torch_cuda', 'c10_cuda']) symlinkSync(process.execPath, libraryPath(root, name));
    expect(verify(root).hasCuda).to.equal(true);
    rmSync(libraryPath(root, 'c10_cuda'));
    const { hasCuda, cudaProblems } = verify(root);
    expect(hasCuda).to.equal(false);
    expect(cudaProblems).to.deep.equal(['no lib/libc10_cuda.so']);
  });

  it('refuses a version out of range, unless told otherwise', () => {
    const root = makeLibtorch(join(scratch(), 'torch'), '1.13.1');
    expect(() => verify(root))
      .to.throw(/libtorch 1\.13\.1 is outside the supported range.*LOSSATLAS_ANY_LIBTORCH=1/)
      .with.property('code', 'ERR_LIBTORCH_VERSION');
    expect(verify(root, { LOSSATLAS_ANY_LIBTORCH: '1' }).version).to.equal('1.13.1');
  });
});
