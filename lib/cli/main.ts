#!/usr/bin/env node
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { LossAtlasError } from '../errors.js';
import { addCommand } from './command.js';
import { analyseCommand, compareCommand, hessianCommand, spectrumCommand } from './commands/curvature.js';
import {
  basinCommand,
  connectCommand,
  convexityCommand,
  regionsCommand,
  sharpnessCommand,
  weightsCommand,
} from './commands/geometry.js';
import { landscapeCommands } from './commands/landscape.js';
import {
  convertCommand,
  evaluateCommand,
  plotCommand,
  reportCommand,
  topologyCommand,
} from './commands/results.js';
import { trackCommand, trainCommand } from './commands/training.js';
import { exitCodes, exitCodeText } from './exit-codes.js';
import { exitCodeOf, interruptSignal } from './interrupt.js';

// Nothing here loads the library, let alone libtorch: help is there at once.
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
    const { demo } = await import('./run/demo.js');
    await demo(options.out, options.quick === true, interruptSignal());
  });

program
  .command('doctor')
  .description('what was found on this machine, what is missing, and what to do')
  .option('--json', 'as JSON')
  .action(async (options: { json?: true }) => {
    const { doctor } = await import('./run/scripts.js');
    process.exitCode = await doctor(options.json === true);
  });

program
  .command('setup')
  .description('find or fetch libtorch (0.5 GB; 4 GB with a GPU) and build the native addon (a few minutes)')
  .action(async () => {
    const { setup } = await import('./run/scripts.js');
    process.exitCode = await setup();
  });

program
  .command('inspect')
  .description('what a file or folder is, what is in it, and what to do with it; nothing of it is run')
  .argument('<file...>', 'models, checkpoints, data, or anything else')
  .option('--json', 'as JSON, an array with an object for each file')
  .addHelpText('after', exitCodeText)
  .action(async (files: string[], options: { json?: true }) => {
    const { inspectFiles } = await import('./run/inspect.js');
    if (!(await inspectFiles(files, options.json === true))) process.exitCode = exitCodes.error;
  });

const landscape = program
  .command('landscape')
  .description('loss along lines and on planes: surface (the default), line, interpolate, three-point, …');
for (const spec of [...landscapeCommands, convexityCommand]) addCommand(landscape, spec);
for (const spec of [
  hessianCommand,
  spectrumCommand,
  analyseCommand,
  basinCommand,
  sharpnessCommand,
  regionsCommand,
  weightsCommand,
  connectCommand,
  compareCommand,
  evaluateCommand,
  topologyCommand,
  trainCommand,
  trackCommand,
  plotCommand,
  reportCommand,
  convertCommand,
])
  addCommand(program, spec);

// Losing the display of progress must not cost the run.
process.stderr.on('error', () => undefined);
// A reader that has seen enough (`| head`) is no failure: files are still written.
let isOutputLost = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || isOutputLost) return;
  isOutputLost = true;
  process.stderr.write(`\nlossatlas: cannot write to the output: ${error.message}\n`);
});
// Not at once: the files of results are still to be written.
process.on('exit', (code) => {
  if (isOutputLost && code === 0) process.exitCode = exitCodes.error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof LossAtlasError) {
    process.stderr.write(`\nlossatlas: ${error.message} [${error.code}]\n`);
    if (error.code === 'ERR_ABORTED') return exitCodeOf(error.cause);
    return error.code === 'ERR_INVALID_OPTION' ? exitCodes.usage : exitCodes.error;
  }
  // Commander has printed its own message by now.
  const { code, exitCode } = error as { code?: string; exitCode?: number };
  if (code?.startsWith('commander.') === true) return exitCode === 0 ? 0 : exitCodes.usage;
  process.stderr.write(
    `\nlossatlas: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return exitCodes.error;
}
