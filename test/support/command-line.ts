import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, ownSolution, randomSolution, saveSolution } from '../../dist/index.js';
import { projectPath } from './fixtures.js';

export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** A signal as soon as stderr fits this. */
  readonly interruptAt?: RegExp;
  /** Default SIGINT. */
  readonly signal?: NodeJS.Signals;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** Largest file that the process may write, in blocks of 512 bytes: what a full disk does to it. */
  readonly maxFileBlocks?: number;
}

/** Runs the command line in its own process, with no terminal. */
export async function lossatlas(
  args: readonly string[],
  { interruptAt, signal = 'SIGINT', cwd, timeoutMs = 60_000, maxFileBlocks }: CommandOptions = {},
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const command = [projectPath('dist/cli/main.js'), ...args];
    const options = { timeout: timeoutMs, ...(cwd === undefined ? {} : { cwd }) };
    // The signal of a file that is too large is ignored, so that the write fails as on a full disk.
    const child =
      maxFileBlocks === undefined
        ? spawn(process.execPath, command, options)
        : spawn(
            'sh',
            ['-c', `trap '' XFSZ; ulimit -f ${maxFileBlocks}; exec "$@"`, 'sh', process.execPath, ...command],
            options,
          );
    const outcome = { stdout: '', stderr: '' };
    let isInterrupted = false;
    child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      outcome.stderr += chunk.toString();
      if (interruptAt === undefined || isInterrupted || !interruptAt.test(outcome.stderr)) return;
      isInterrupted = true;
      child.kill(signal);
    });
    child.on('close', (code) => {
      resolve({ code, ...outcome });
    });
  });
}

/** A folder of its own with checkpoints of the example net: `trained.pth`, `start1.pth` and `start2.pth`. */
export async function checkpointFolder(name: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), `lossatlas-${name}-`));
  using net = await loadModel(projectPath('examples/digits/digits.script.pt'));
  using own = await ownSolution(net);
  await saveSolution(join(folder, 'trained.pth'), own);
  for (const seed of [1, 2]) {
    using start = await randomSolution(net, { seed });
    await saveSolution(join(folder, `start${seed}.pth`), start);
  }
  return folder;
}
