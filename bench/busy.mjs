// Processes that do nothing but keep a core busy, beside which something is measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const spin = "process.stdout.write('.'); for (;;);";

/**
 * @template T
 * @param {number} count
 * @param {AbortSignal} signal ends them too
 * @param {() => Promise<T>} work starts when they run
 */
export async function besideBusy(count, signal, work) {
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ['-e', spin], { stdio: ['ignore', 'pipe', 'ignore'], signal }),
  );
  // An aborted signal is said by the work.
  for (const child of children) child.on('error', () => {});
  try {
    await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
    return await work();
  } finally {
    const ends = children.map(
      (child) => (child.exitCode ?? child.signalCode) === null && once(child, 'exit'),
    );
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(ends);
  }
}
