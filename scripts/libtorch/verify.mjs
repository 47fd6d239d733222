// Is a folder a libtorch that we can build against, and does it reach a GPU?
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../console.mjs';
import { isBypassed, isSupported, rangeProblem } from './range.mjs';
import { libraryFile, missingLibraries } from './shared-library.mjs';

/**
 * @typedef {object} Inspection
 * @property {string} root
 * @property {string | null} version of the headers
 * @property {string[]} problems what is missing from a complete copy; empty when usable
 * @property {boolean} hasCuda the CUDA libraries are there and everything they need is found
 * @property {string[]} cudaProblems why a CUDA build does not reach the GPU; empty for a CPU build
 */

/** The headers that say which version this is; the second is where older versions keep the numbers. */
const versionHeaders = [
  'include/torch/headeronly/version.h',
  'include/torch/csrc/api/include/torch/version.h',
];
const otherHeaders = ['include/torch/script.h', 'include/ATen/ATen.h', 'include/c10/core/Device.h'];

/**
 * @param {string} root
 * @returns {string | null}
 */
export function headerVersion(root) {
  for (const header of versionHeaders) {
    const file = join(root, header);
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
      (part) => new RegExp(`#define\\s+TORCH_VERSION_${part}\\s+(\\d+)`).exec(text)?.[1],
    );
    if (parts.every((part) => part !== undefined)) return parts.join('.');
  }
  return null;
}

/**
 * Looks at a libtorch root or a `torch` package folder without running anything of it.
 *
 * @param {string} root
 * @returns {Inspection}
 */
export function inspectLibtorch(root) {
  /** @type {string[]} */
  const problems = [];
  const version = existsSync(root) ? headerVersion(root) : null;
  if (!existsSync(root)) {
    problems.push('the folder does not exist');
  } else {
    if (version === null) problems.push(`no version in ${versionHeaders[0]}`);
    for (const header of otherHeaders) if (!existsSync(join(root, header))) problems.push(`no ${header}`);
    for (const name of ['torch_cpu', 'c10']) problems.push(...libraryProblems(root, name));
  }
  const cudaProblems = problems.length === 0 ? inspectCuda(root) : [];
  const hasCuda = problems.length === 0 && cudaProblems.length === 0 && hasLibrary(root, 'torch_cuda');
  return { root, version, problems, hasCuda, cudaProblems };
}

/**
 * @param {string} root
 * @param {string} name
 */
function hasLibrary(root, name) {
  return existsSync(join(root, 'lib', libraryFile(name)));
}

/**
 * @param {string} root
 * @param {string} name
 * @returns {string[]}
 */
function libraryProblems(root, name) {
  const file = libraryFile(name);
  if (!hasLibrary(root, name)) return [`no lib/${file}`];
  const missing = missingLibraries(join(root, 'lib', file));
  return missing.length === 0 ? [] : [`lib/${file} needs ${missing.join(', ')}, not found`];
}

/**
 * A CUDA wheel installed without its dependencies has libtorch_cuda.so and none of what it needs: to link it would
 * make an addon that does not load.
 *
 * @param {string} root
 * @returns {string[]}
 */
function inspectCuda(root) {
  if (!hasLibrary(root, 'torch_cuda')) return [];
  const names = ['torch_cuda', 'c10_cuda'];
  // Opened by libtorch at the first factorisation on the GPU, so nothing else would notice.
  if (hasLibrary(root, 'torch_cuda_linalg')) names.push('torch_cuda_linalg');
  return names.flatMap((name) => libraryProblems(root, name));
}

/**
 * @typedef {object} VerifiedLibtorch
 * @property {string} root
 * @property {string} version
 * @property {boolean} hasCuda
 * @property {string[]} cudaProblems
 */

/**
 * Throws unless `root` is complete and of a supported version.
 *
 * @param {string} root
 * @param {string} whose how the message calls it: `LIBTORCH=/opt/libtorch`
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {VerifiedLibtorch}
 */
export function verifyLibtorch(root, whose, env = process.env) {
  const { version, problems, hasCuda, cudaProblems } = inspectLibtorch(root);
  if (version === null || problems.length > 0) {
    throw new SetupError(
      'ERR_LIBTORCH_INCOMPLETE',
      `${whose} is not a usable libtorch: ${problems.join('; ')}.${hint(root)}`,
    );
  }
  if (!isSupported(version) && !isBypassed(env)) {
    throw new SetupError('ERR_LIBTORCH_VERSION', `${whose}: ${rangeProblem(version)}`);
  }
  return { root, version, hasCuda, cudaProblems };
}

/** @param {string} root */
function hint(root) {
  for (const inner of ['torch', 'libtorch']) {
    if (existsSync(join(root, inner, 'include'))) return ` Did you mean ${join(root, inner)}?`;
  }
  return ' It must hold include/ and lib/, as an unpacked libtorch or the folder of the Python package torch does.';
}
