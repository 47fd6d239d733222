// `lossatlas doctor`: what was found, what is missing, and what to do. Exit code 0 when lossatlas can be used.
//   node scripts/doctor.mjs [--json]
import { parseArgs, styleText } from 'node:util';
import { checkAddon, checkTypeScript } from './doctor/built.mjs';
import { checkGpu, checkLibtorch } from './doctor/libtorch.mjs';
import { checkCMake, checkCompiler, checkNode, checkPip } from './doctor/tools.mjs';
import { checkCache } from './doctor/cache.mjs';
import { runMain } from './console.mjs';
import { isMain, packageJson } from './project.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {'ok' | 'warn' | 'missing'} status
 * @property {string} found
 * @property {string} [todo] what to do, unless ok
 */

/**
 * @returns {{ usable: boolean, checks: Check[] }}
 */
export function examine() {
  const node = checkNode();
  const addon = checkAddon();
  const typescript = checkTypeScript();
  const usable = [node, addon, typescript].every(({ status }) => status !== 'missing');
  const { check: libtorch, located } = checkLibtorch();
  const forBuilding = [libtorch, checkPip(located?.source), checkCompiler(), checkCMake()];
  // Where the addon works, what only a new build would need is no fault.
  if (usable) for (const check of forBuilding) if (check.status === 'missing') check.status = 'warn';
  const checks = [node, ...forBuilding, checkGpu(located), addon, typescript, checkCache()];
  return { usable, checks };
}

/** @param {Check} check */
function line({ name, status, found, todo }) {
  const color = status === 'ok' ? 'green' : status === 'warn' ? 'yellow' : 'red';
  const word = status.padEnd(7);
  const first = `  ${process.stdout.isTTY ? styleText(color, word) : word}  ${name.padEnd(12)}  ${found}`;
  return todo ? `${first}\n${' '.repeat(25)}-> ${todo}` : first;
}

if (isMain(import.meta.url)) {
  await runMain(() => {
    const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
    const { usable, checks } = examine();
    if (values.json) {
      console.log(JSON.stringify({ version: packageJson.version, usable, checks }, null, 2));
    } else {
      console.log(`lossatlas ${packageJson.version} on ${process.platform} ${process.arch}`);
      for (const check of checks) console.log(line(check));
      console.log(
        usable ? 'Ready to use.' : 'Not usable yet: see the lines marked "missing", top to bottom.',
      );
    }
    return usable ? 0 : 1;
  });
}
