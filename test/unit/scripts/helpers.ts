import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root; compiled tests lie as deep below it as their sources. */
export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** The scripts are JavaScript outside the tests' compilation: each test says which functions it uses. */
export async function loadScript(path: string): Promise<unknown> {
  return await import(new URL(`../../../scripts/${path}`, import.meta.url).href);
}

/** A fresh folder per test of the calling suite, removed afterwards. */
export function useScratchFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-scripts-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}

export function writeFile(file: string, text = ''): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Headers and libraries enough to pass for a libtorch. The libraries are real ones: node itself. */
export function makeLibtorch(root: string, version = '2.13.0'): string {
  const [major, minor, patch] = version.split('.');
  const defines = `#define TORCH_VERSION_MAJOR ${major ?? ''}\n#define TORCH_VERSION_MINOR ${minor ?? ''}\n#define TORCH_VERSION_PATCH ${patch ?? ''}\n`;
  writeFile(join(root, 'include/torch/headeronly/version.h'), defines);
  for (const header of ['torch/script.h', 'ATen/ATen.h', 'c10/core/Device.h'])
    writeFile(join(root, 'include', header));
  mkdirSync(join(root, 'lib'), { recursive: true });
  for (const name of ['torch_cpu', 'c10']) symlinkSync(process.execPath, libraryPath(root, name));
  return root;
}

export function libraryPath(root: string, name: string): string {
  return join(root, 'lib', `lib${name}.${process.platform === 'darwin' ? 'dylib' : 'so'}`);
}

/** Puts an executable of JavaScript first on a PATH and returns that PATH. */
export function fakeProgram(folder: string, name: string, source: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, `#!${process.execPath}\n${source}`);
  chmodSync(file, 0o755);
  return folder + delimiter + (process.env.PATH ?? '');
}

/** This process's environment without what points to a libtorch of the developer's. */
export function cleanEnvironment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(LIBTORCH|LOSSATLAS_|PYTHON$|_PACOTE_)/.test(name)) Reflect.deleteProperty(env, name);
  }
  return { ...env, ...changes };
}
