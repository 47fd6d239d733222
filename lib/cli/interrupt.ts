import { exitCodes } from './exit-codes.js';

/** Signals that ask for an end, and the exit codes that shells expect of them. */
const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;
type StopSignal = keyof typeof codes;

/** The reason of an abort. */
class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super(`interrupted by ${signal}`);
    this.exitCode = codes[signal];
  }
}

/** Ctrl-C, or SIGTERM of a job queue, once ends the analysis cleanly; twice ends the process. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const names = Object.keys(codes) as StopSignal[];
  const stop = (name: NodeJS.Signals) => {
    for (const each of names) process.off(each, stop);
    controller.abort(new Interruption(name as StopSignal));
  };
  for (const name of names) process.on(name, stop);
  return controller.signal;
}

/** Of a run that was aborted for this reason. */
export function exitCodeOf(reason: unknown): number {
  return reason instanceof Interruption ? reason.exitCode : exitCodes.interrupted;
}
