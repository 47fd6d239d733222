// The tools on this machine: Node.js, pip, a C++ compiler, CMake.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPip, otherWays } from '../libtorch/python.mjs';
import { compareVersions } from '../libtorch/range.mjs';
import { packageJson, root } from '../project.mjs';

/** @typedef {import('../doctor.mjs').Check} Check */

/** @returns {Check} */
export function checkNode() {
  const minimum = packageJson.engines.node.replace(/^\D*/, '');
  const found = process.versions.node;
  if (compareVersions(found, minimum) >= 0) return { name: 'Node.js', status: 'ok', found };
  return { name: 'Node.js', status: 'missing', found, todo: `install Node.js ${minimum} or newer` };
}

/**
 * @param {import('../libtorch/locate.mjs').Source} [source] where libtorch was found; pip is needed only to fetch one
 * @returns {Check}
 */
export function checkPip(source) {
  const name = 'pip';
  const { pip, python, pythonVersion } = findPip();
  if (pip) return { name, status: 'ok', found: `${pip.version} of ${pip.python} ${pip.pythonVersion}` };
  const found = python === null ? 'no Python found' : `${python} ${pythonVersion} has no pip`;
  return {
    name,
    status: source === undefined ? 'missing' : 'warn',
    found,
    todo: `install Python 3 with pip: it fetches libtorch. ${otherWays}`,
  };
}

// Concepts and <version> tell a compiler that only accepts the flag from one that knows C++20.
const program =
  '#include <concepts>\n#include <span>\ntemplate <std::integral T> T twice(T x) { return x + x; }\nint main() { return twice(0); }\n';

/** @returns {Check} */
export function checkCompiler() {
  const name = 'C++ compiler';
  const candidates = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  let old;
  for (const candidate of candidates) {
    // CXX may carry arguments: "ccache g++".
    const [command = candidate, ...args] = candidate.split(/\s+/);
    const version = spawnSync(command, [...args, '--version'], { encoding: 'utf8' });
    if (version.status !== 0) continue;
    const found = version.stdout.split('\n')[0] ?? candidate;
    const trial = spawnSync(command, [...args, '-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], {
      input: program,
    });
    if (trial.status === 0) return { name, status: 'ok', found };
    old ??= found;
  }
  const todo =
    'install g++ 11 or newer, or clang 14 or newer (Debian, Ubuntu: apt install g++), or name one by CXX';
  if (old) return { name, status: 'missing', found: `${old} does not compile C++20`, todo };
  return { name, status: 'missing', found: `none of ${candidates.join(', ')} runs`, todo };
}

/** @returns {Check} */
export function checkCMake() {
  const name = 'CMake';
  const listFile = readFileSync(join(root, 'CMakeLists.txt'), 'utf8');
  const minimum = /cmake_minimum_required\(VERSION ([\d.]+)/.exec(listFile)?.[1] ?? '0';
  const todo = `install CMake ${minimum} or newer (Debian, Ubuntu: apt install cmake; anywhere: python3 -m pip install cmake)`;
  const found = /version ([\d.]+)/.exec(
    spawnSync('cmake', ['--version'], { encoding: 'utf8' }).stdout ?? '',
  )?.[1];
  if (!found) return { name, status: 'missing', found: 'cmake does not run', todo };
  if (compareVersions(found, minimum) < 0)
    return { name, status: 'missing', found: `${found} is too old`, todo };
  return { name, status: 'ok', found };
}
