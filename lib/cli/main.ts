#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { LossAtlasError } from '../errors.js';
import type { LoadDatasetOptions } from '../index.js';
import { count, dataOption, dataOptionNames, parseData, type DataSpec } from './data-spec.js';

const exitCodes = { error: 1, usage: 2, problems: 3, interrupted: 130 } as const;

const exitCodeText = `
Exit codes: 0 done; 1 an error, which the message explains; 2 wrong usage; 3 some checkpoints had problems, which the
table lists; 130 interrupted.`;

interface EvaluateOptions {
  readonly data: readonly DataSpec[];
  readonly loss?: string;
  readonly mode?: 'eval' | 'train' | 'recalibrate';
  readonly output?: string | number;
  readonly batchSize?: number;
  readonly metrics?: readonly string[];
  readonly classes: boolean;
  readonly key?: string;
  readonly by?: 'name' | 'order';
  readonly unknown?: 'refuse' | 'opaque';
  readonly device?: string;
  readonly dtype?: 'float32' | 'float64' | 'bfloat16';
  readonly resume?: string;
  readonly json?: true;
  readonly out?: string;
}

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
  .command('inspect')
  .description('what a file or folder is, what is in it, and what to do with it; nothing of it is run')
  .argument('<file...>', 'models, checkpoints, data, or anything else')
  .option('--json', 'as JSON, an array with an object for each file')
  .addHelpText('after', exitCodeText)
  .action(async (files: string[], options: { json?: true }) => {
    const { inspectFiles } = await import('./inspect.js');
    if (!(await inspectFiles(files, options.json === true))) process.exitCode = exitCodes.error;
  });

const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
const listOf = (value: string, before: readonly string[] = []) => [...before, ...value.split(',')];
const positive = (value: string) => {
  const number = count(value);
  if (number === 0) throw new InvalidArgumentError('It must be at least 1.');
  return number;
};
const data = (value: string, before: readonly DataSpec[] = []) => [...before, parseData(value)];

const evaluateCommand = program
  .command('evaluate')
  .description('loss, accuracy, metrics and figures of every class of checkpoints on data sets, as a table')
  .argument('<model>', 'TorchScript or .pt2')
  .argument('[checkpoints...]', 'files, or folders of them (in natural order); default the model as it is')
  .requiredOption(
    '-d, --data <path[:options]>',
    'data set, may be given several times; test.npz:inputs=x,limit=100',
    data,
  )
  .option(
    '--loss <name>',
    'cross-entropy, nll, mse, l1, huber, bce-with-logits, model, or a TorchScript file',
  )
  .addOption(new Option('--mode <mode>', 'default eval').choices(['eval', 'train', 'recalibrate']))
  .option('--output <output>', "which item or entry of the model's output", (value) =>
    /^\d+$/.test(value) ? Number(value) : value,
  )
  .option('--batch-size <n>', 'samples a batch; default 500', positive)
  .option('--metrics <list>', 'error, top-5, or TorchScript files, with commas', listOf)
  .option('--no-classes', 'no figures of every class')
  .option('--key <path>', 'where in the checkpoints the state dict is; default found')
  .addOption(
    new Option('--by <way>', 'fit tensors to parameters by name or by order').choices(['name', 'order']),
  )
  .addOption(
    new Option(
      '--unknown <way>',
      'pickled objects beside the weights: refuse (default), or leave out',
    ).choices(['refuse', 'opaque']),
  )
  .option('--device <device>', 'cpu, cuda, cuda:N or auto')
  .addOption(new Option('--dtype <dtype>', 'convert the model').choices(['float32', 'float64', 'bfloat16']))
  .option('--resume <file>', 'keeps finished rows there; the same command goes on with the rest')
  .option('--json', 'the result as JSON instead of the table')
  .option('-o, --out <file>', 'the result as JSON in a file too');
// `--classes` would be the opposite of `--no-classes`; of CIFAR-100 it is `--data a.bin:classes=100`.
const sharedNames = dataOptionNames.filter((name) => name !== 'classes');
for (const name of sharedNames) {
  const option = new Option(`--${name} <value>`).argParser((value) => dataOption(name, value)).hideHelp();
  evaluateCommand.addOption(option);
}
const sharedOptions = (): LoadDatasetOptions => {
  const all: LoadDatasetOptions = {};
  for (const name of sharedNames) Object.assign(all, evaluateCommand.getOptionValue(camel(name)));
  return all;
};
evaluateCommand
  .addHelpText(
    'after',
    `\nData options, for all (--scale 1/255) or one (--data a.npz:scale=1/255,mean=0.1307): ${dataOptionNames.join(', ')}. Sizes are written 1x28x28 (shape, resize), lists with commas (--mean 0.5,0.5,0.5).\n${exitCodeText}`,
  )
  .action(async (model: string, checkpoints: string[], options: EvaluateOptions) => {
    const { evaluate } = await import('./evaluate.js');
    const { data: sets, loss, metrics = [], classes, resume, json = false, out } = options;
    const isFine = await evaluate(
      {
        model,
        checkpoints,
        data: sets,
        dataOptions: sharedOptions(),
        load: { device: options.device, dtype: options.dtype },
        loss,
        metrics,
        settings: { mode: options.mode, output: options.output, batchSize: options.batchSize },
        solution: { key: options.key, by: options.by, unknown: options.unknown },
        classes,
        resume,
        json,
        out,
      },
      interruptSignal(),
    );
    if (!isFine) process.exitCode = exitCodes.problems;
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
  if (error.code === 'EPIPE') return;
  process.stderr.write(`\nlossatlas: cannot write to the output: ${error.message}\n`);
  process.exit(exitCodes.error);
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
