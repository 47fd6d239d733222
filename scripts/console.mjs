// What the scripts say, and how they end. Everything goes to stderr: stdout is for results (`doctor --json`).

/** An error whose message is meant for the user: printed without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} code stable, ERR_…
   * @param {string} message says what to do next
   */
  constructor(code, message) {
    super(message);
    this.name = 'SetupError';
    this.code = code;
  }
}

/** The user pressed Ctrl-C, or the process was told to end. */
export class Interrupted extends SetupError {
  /** @param {string} message */
  constructor(message) {
    super('ERR_INTERRUPTED', message);
  }
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`lossatlas: ${line}\n`);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(0)} MB`;
  return `${(bytes / 1e3).toFixed(0)} kB`;
}

/** @param {number} milliseconds */
export function formatSeconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/**
 * Runs a script's main function and ends the process with the exit code it returns.
 *
 * @param {() => Promise<number> | number} main
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof SetupError) say(`${error.message} [${error.code}]`);
    else console.error(error);
    process.exitCode = error instanceof Interrupted ? 130 : 1;
  }
}
