import { spawn } from 'node:child_process';
import { projectPath } from './fixtures.js';

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs an ES module in its own process, with the library, data and a model at hand. `killAfterMs` above 0: SIGKILL that
 * long after its first output. `variables` join the environment's.
 */
export async function run(
  body: string,
  timeoutMs = 60_000,
  killAfterMs = 0,
  variables: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const source = `
    import { Worker } from 'node:worker_threads';
    import * as lib from ${JSON.stringify(projectPath('dist/index.js'))};
    const modelPath = ${JSON.stringify(projectPath('examples/digits/digits.script.pt'))};
    const dataPath = ${JSON.stringify(projectPath('examples/digits/digits.npz'))};
    const setting = async () => {
      const model = await lib.loadModel(modelPath);
      const data = await lib.loadNpz(dataPath, { inputs: 'x_train', targets: 'y_train', scale: 1 / 16, limit: 256 });
      const loss = lib.objective(model, data);
      return { model, data, loss, operator: lib.hessian(loss) };
    };
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${body}`;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', source], {
      timeout: timeoutMs,
      env: { ...process.env, ...variables },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (stdout === '' && killAfterMs > 0) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/**
 * Runs a body that resumes again and again, killed (kill −9) a little later each time, until it ends by itself. On its first
 * line it writes numbers that grow with what is done, on the second its result. `stepMs`: how much later.
 */
export async function runUntilDone(
  body: string,
  stepMs: number,
): Promise<{ readonly firsts: readonly number[]; readonly result: string }> {
  const firsts: number[] = [];
  for (let attempt = 0; attempt < 40; attempt++) {
    const { stdout, signal, stderr } = await run(body, 60_000, 60 + stepMs * attempt);
    const [progress = '', result = ''] = stdout.split('\n');
    firsts.push(Number(progress.split(' ')[0]));
    if (signal !== null) continue;
    if (stderr !== '') throw new Error(stderr);
    return { firsts, result };
  }
  throw new Error('it was killed forty times and never ended');
}
