#!/usr/bin/env node
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { LossAtlasError } from '../errors.js';

/** Exit codes: 0 done, 1 an error that the message explains, 2 wrong usage, 130 interrupted. */
const exitCodes = { error: 1, usage: 2, interrupted: 130 } as const;

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  description: string;
};

const program = new Command('lossatlas')
  .description(packageJson.description)
  .version(packageJson.version)
  .showSuggestionAfterError()
  .showHelpAfterError('(--help lists commands and options)')
  .exitOverride();

program
  .command('demo')
  .description('landscapes and Hessian spectrum of the example model that ships with lossatlas')
  .option('-o, --out <folder>', 'where figures and data files go', 'lossatlas-out')
  .option('--quick', 'coarser grids and fewer probes')
  .action(async (options: { out: string; quick?: true }) => {
    const { demo } = await import('./demo.js');
    await demo(options.out, options.quick === true, interruptSignal());
  });

program
  .command('doctor')
  .description('what was found on this machine, what is missing, and what to do')
  .option('--json', 'as JSON')
  .action(async (options: { json?: true }) => {
    const { doctor } = await import('./scripts.js');
    process.exitCode = await doctor(options.json === true);
  });

program
  .command('setup')
  .description('find or fetch libtorch (0.5 GB; 4 GB with a GPU) and build the native addon (a few minutes)')
  .action(async () => {
    const { setup } = await import('./scripts.js');
    process.exitCode = await setup();
  });

// A reader that has seen enough (`| head`) is no failure: files are still written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** Ctrl-C once ends the analysis cleanly; twice ends the process. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort(new Error('interrupted'));
  });
  return controller.signal;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof LossAtlasError) {
    process.stderr.write(`\nlossatlas: ${error.message} [${error.code}]\n`);
    return error.code === 'ERR_ABORTED' ? exitCodes.interrupted : exitCodes.error;
  }
  // Commander has printed its own message by now.
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  if (code?.startsWith('commander.') === true) return exitCode === 0 ? 0 : exitCodes.usage;
  process.stderr.write(
    `\nlossatlas: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return exitCodes.error;
}
