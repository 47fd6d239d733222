import { expect } from 'chai';
import { loadScript } from './helpers.js';

interface DiagnoseModule {
  diagnoseLoadFailure: (error: Error) => string;
}

describe('scripts/libtorch/diagnose', () => {
  let diagnose: (message: string) => string;
  before(async () => {
    const module = (await loadScript('libtorch/diagnose.mjs')) as DiagnoseModule;
    diagnose = (message) => module.diagnoseLoadFailure(new Error(message));
  });

  const cases: [what: string, message: string, expected: RegExp][] = [
    [
      'no addon',
      'Could not locate the bindings file. Tried:\n → build/lossatlas.node',
      /not built yet.*setup/,
    ],
    ['no addon, asked directly', "Cannot find module '/x/build/Release/lossatlas.node'", /not built yet/],
    [
      'libtorch gone',
      'libtorch_cpu.so: cannot open shared object file: No such file or directory',
      /libtorch_cpu\.so is not where it was.*moved or removed.*setup.*doctor/,
    ],
    [
      'libc10 gone',
      'libc10.so: cannot open shared object file: No such file or directory',
      /libc10\.so is not where/,
    ],
    [
      'a library of libtorch gone',
      'libcudart.so.13: cannot open shared object file: No such file or directory',
      /libcudart\.so\.13, which libtorch needs, is not found/,
    ],
    ['on macOS', 'dlopen(x): Library not loaded: @rpath/libc10.dylib', /libc10\.dylib is not where/],
    [
      'an old C library',
      "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /x/lossatlas.node)",
      /C library is too old: GLIBC_2\.38 is needed by \/x\/lossatlas\.node/,
    ],
    [
      'an old libstdc++',
      "/opt/conda/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /x/libtorch_cpu.so)",
      /libstdc\+\+\) is too old: GLIBCXX_3\.4\.32.*LD_LIBRARY_PATH/,
    ],
    [
      'an old C++ ABI',
      "libstdc++.so.6: version `CXXABI_1.3.15' not found",
      /libstdc\+\+\) is too old: CXXABI_1\.3\.15/,
    ],
    [
      'another libtorch',
      '/x/lossatlas.node: undefined symbol: _ZN3c105ErrorC2E',
      /another one than the addon was built/,
    ],
    ['another machine', '/x/lossatlas.node: invalid ELF header', /damaged or made for another machine/],
    ['anything else', 'boom', /cannot be loaded.*doctor.*\(boom\)/],
  ];
  for (const [what, message, expected] of cases) {
    it(`explains: ${what}`, () => {
      expect(diagnose(message)).to.match(expected);
    });
  }
});
