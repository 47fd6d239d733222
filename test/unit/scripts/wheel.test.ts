import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { strToU8, zipSync } from 'fflate';
import { projectRoot, useScratchFolder } from './helpers.js';

const script = join(projectRoot, 'scripts/libtorch/wheel.py');

describe('scripts/libtorch/wheel.py', () => {
  const scratch = useScratchFolder();

  before(function () {
    if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0) this.skip();
  });

  function makeWheel(name: string, files: Record<string, string>): string {
    const file = join(scratch(), name);
    const entries = Object.entries(files).map(([path, text]) => [path, strToU8(text)] as const);
    writeFileSync(file, zipSync(Object.fromEntries(entries)));
    return file;
  }

  function requires(wheel: string, ...extras: string[]): unknown {
    return JSON.parse(execFileSync('python3', [script, 'requires', wheel, ...extras], { encoding: 'utf8' }));
  }

  it('reads what applies to this machine and these extras', () => {
    const wheel = makeWheel('toolkit-1-py3-none-any.whl', {
      'toolkit-1.dist-info/METADATA': [
        'Name: toolkit',
        'Requires-Dist: Nvidia_Cuda.Runtime==13.0.96.*; extra == "cudart"',
        'Requires-Dist: nvidia-cublas==1; extra == "cublas"',
        'Requires-Dist: other[one,two]>=2; python_version >= "3"',
        'Requires-Dist: never; python_version < "3"',
        '',
        'Requires-Dist: in-the-description',
      ].join('\n'),
    });
    expect(requires(wheel, 'cudart')).to.deep.equal([
      { name: 'nvidia-cuda-runtime', specifier: '==13.0.96.*', extras: [] },
      { name: 'other', specifier: '>=2', extras: ['one', 'two'] },
    ]);
  });

  it('unpacks headers and libraries, and for the CPU no CUDA', () => {
    const files = {
      'torch/include/torch/script.h': 'header',
      'torch/lib/libtorch_cpu.so': 'library',
      'torch/lib/libtorch_cuda.so': 'library',
      'torch/lib/libtorch_python.so': 'library',
      'torch/nn/modules.py': 'python',
      'torch-1.dist-info/METADATA': 'Name: torch\n',
    };
    const wheel = makeWheel('torch-1-py3-none-any.whl', files);
    for (const variant of ['cpu', 'gpu']) {
      const target = join(scratch(), variant);
      const bytes = execFileSync('python3', [script, 'unpack', target, variant, wheel], { encoding: 'utf8' });
      const has = (path: string) => existsSync(join(target, path));
      expect(has('torch/include/torch/script.h') && has('torch/lib/libtorch_cpu.so')).to.equal(true);
      expect(has('torch/lib/libtorch_cuda.so')).to.equal(variant === 'gpu');
      expect(has('torch/lib/libtorch_python.so') || has('torch/nn')).to.equal(false);
      expect(Number(bytes)).to.equal(variant === 'gpu' ? 32 : 25);
    }
  });
});
