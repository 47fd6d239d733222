// What was built: the addon, tried in a process of its own, and the compiled TypeScript.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addonFile, readStamp } from '../build-native.mjs';
import { diagnoseLoadFailure } from '../libtorch/diagnose.mjs';
import { isClone, root, setupCommand } from '../project.mjs';

/** @typedef {import('../doctor.mjs').Check} Check */

const tryToLoad = `
try { require(process.argv[1]); }
catch (error) { console.log(error.message); process.exitCode = 3; }
`;

/** @returns {Check} */
export function checkAddon() {
  const name = 'native addon';
  const file = addonFile();
  if (!existsSync(file)) return { name, status: 'missing', found: 'not built', todo: setupCommand() };
  const trial = spawnSync(process.execPath, ['-e', tryToLoad, file], { encoding: 'utf8', timeout: 120_000 });
  const libtorch = readStamp()?.libtorch;
  if (trial.status === 0) {
    const built = libtorch
      ? `, built with libtorch ${libtorch.version} (${libtorch.source}: ${libtorch.root})`
      : '';
    return { name, status: 'ok', found: `loads${built}` };
  }
  if (trial.status === 3) {
    return {
      name,
      status: 'missing',
      found: 'does not load',
      todo: diagnoseLoadFailure(new Error(trial.stdout.trim())),
    };
  }
  const ending = trial.error?.message ?? trial.signal ?? `exit code ${trial.status}`;
  const words = trial.stderr.trim().split('\n').at(-1) ?? '';
  return {
    name,
    status: 'missing',
    found: `loading it ends the process (${ending}) ${words}`,
    todo: `build again: ${setupCommand()}`,
  };
}

/** @returns {Check} */
export function checkTypeScript() {
  const name = 'TypeScript';
  if (existsSync(join(root, 'dist', 'index.js'))) return { name, status: 'ok', found: 'compiled in dist/' };
  const todo = isClone() ? 'npm run build' : 'the package is incomplete: install it again';
  return { name, status: 'missing', found: 'no dist/index.js', todo };
}
