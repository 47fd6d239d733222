// Child processes that end with us.
import { spawn } from 'node:child_process';
import { Interrupted } from './console.mjs';

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {AbortSignal} [signal] ends the child and everything it started
 * @property {'inherit' | 'capture' | 'stderr'} [output] `stderr`: the child's stdout goes to our stderr
 * @property {(text: string) => void} [onOutput] called with each piece, when captured
 *
 * @typedef {object} RunResult
 * @property {number} code exit code; 127 when the command does not exist, 128 when a signal ended it
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a command to its end. Never rejects for a failing command, only when aborted.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function runCommand(command, args, options = {}) {
  const { cwd, env = process.env, signal, output = 'inherit', onOutput } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new Interrupted('interrupted'));
      return;
    }
    const child = spawn(command, args, {
      cwd,
      env,
      // A group of its own, where we are the ones to end it: Ctrl-C then reaches us alone, and nothing is left running.
      detached: signal !== undefined,
      stdio:
        output === 'inherit'
          ? 'inherit'
          : ['ignore', output === 'stderr' ? 2 : 'pipe', output === 'stderr' ? 2 : 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      onOutput?.(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      onOutput?.(text);
    });
    const end = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        // Already gone.
      }
    };
    signal?.addEventListener('abort', end, { once: true });
    child.once('error', (error) => {
      signal?.removeEventListener('abort', end);
      resolve({ code: 127, stdout, stderr: stderr + error.message });
    });
    child.once('close', (code) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(new Interrupted('interrupted'));
      else resolve({ code: code ?? 128, stdout, stderr });
    });
  });
}

/**
 * Calls `work` with a signal that aborts on Ctrl-C, SIGTERM and SIGHUP, so that `finally` blocks clean up.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function interruptible(work) {
  const controller = new AbortController();
  const abort = () => {
    controller.abort();
  };
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) process.on(name, abort);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, abort);
  }
}
