import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../native/load.js';

/** These run without the addon, so they live in scripts/ and start in their own process. */
async function run(script: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(packageRoot, 'scripts', script), ...args], {
      stdio: 'inherit',
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}

export async function doctor(json: boolean): Promise<number> {
  return run('doctor.mjs', json ? ['--json'] : []);
}

export async function setup(): Promise<number> {
  return run('setup.mjs', []);
}
