// Child processes of the benchmark: their failures are said with what they wrote.
import { SetupError } from '../scripts/console.mjs';
import { runCommand } from '../scripts/run-command.mjs';

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {AbortSignal} signal
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>} its stdout
 */
export async function runStep(command, args, signal, env = process.env) {
  const { code, stdout, stderr } = await runCommand(command, args, { output: 'capture', signal, env });
  if (code === 0) return stdout;
  const lines = stderr.trim().split('\n').slice(-15).join('\n');
  throw new SetupError('ERR_BENCH', `${command} ${args[0] ?? ''} ended with code ${code}:\n${lines}\n`);
}
