// Builds what the tests need and runs them.
//   npm test                     the C++ tests of the core, then all of mocha's
//   npm test -- --unit           only test/unit: needs no libtorch and no native build
//   npm test -- --grep lanczos   anything else goes to mocha; a test/….test.ts names its file
// Ends with "N passed, N failed, N skipped".
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildNative, outputFolder } from './build-native.mjs';
import { buildTypeScript, ensureLibtorch } from './build.mjs';
import { runMain, say } from './console.mjs';
import { isClone, root } from './project.mjs';
import { runCommand } from './run-command.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const compiled = '.test-build';
// The tests' models are tiny: threads that wait without spinning keep them quick on a busy machine too.
const environment = { OMP_WAIT_POLICY: 'PASSIVE', ...process.env };

/**
 * The executable says its own counts; where it does not get that far, it counts as one failure.
 *
 * @returns {Promise<Counts>}
 */
async function runCoreTests() {
  const program = join(outputFolder(), 'lossatlas_core_test');
  if (!existsSync(program)) return { passed: 0, failed: 0, skipped: 0 };
  say('C++ tests of the core');
  const { code, stdout } = await runCommand(program, [], {
    cwd: root,
    env: environment,
    output: 'capture',
    onOutput: (text) => process.stdout.write(text),
  });
  // The last mention is the summary.
  const count = (/** @type {string} */ word) =>
    Number([...stdout.matchAll(new RegExp(`(\\d+) ${word}`, 'g'))].at(-1)?.[1] ?? 0);
  const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  if (code === 0 && counts.passed === 0) counts.passed = 1;
  return counts;
}

/**
 * `beside`: while another run has the terminal; what it says comes when it has ended.
 *
 * @param {readonly string[]} args
 * @param {'alone' | 'beside'} [place]
 * @returns {Promise<Counts>}
 */
async function runMocha(args, place = 'alone') {
  const scratch = mkdtempSync(join(tmpdir(), 'lossatlas-test-'));
  const countsFile = join(scratch, 'counts.json');
  const mocha = join(
    dirname(createRequire(import.meta.url).resolve('mocha/package.json')),
    'bin',
    'mocha.js',
  );
  try {
    const { code, stdout, stderr } = await runCommand(
      process.execPath,
      // Tests of lifetimes need the garbage collector.
      ['--expose-gc', mocha, '--reporter', join(root, 'scripts', 'reporter.mjs'), ...args],
      {
        cwd: root,
        env: { ...environment, LOSSATLAS_TEST_COUNTS: countsFile },
        output: place === 'alone' ? 'inherit' : 'capture',
      },
    );
    if (place === 'beside') process.stdout.write(`${stdout}\n${stderr}\n`);
    /** @type {Counts} */
    const counts = existsSync(countsFile)
      ? JSON.parse(readFileSync(countsFile, 'utf8'))
      : { passed: 0, failed: 0, skipped: 0 };
    // A crash, or no test at all.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

await runMain(async () => {
  const args = process.argv.slice(2);
  const unitOnly = args.includes('--unit');
  const forwarded = args
    .filter((arg) => arg !== '--unit')
    .map((arg) => arg.replace(/^(?:\.\/)?test\/(.*)\.ts$/, `${compiled}/$1.js`));
  const namesFiles = forwarded.some((arg) => arg.endsWith('.js'));
  const specs = namesFiles ? [] : [`${compiled}/${unitOnly ? 'unit/' : ''}**/*.test.js`];

  if (!unitOnly) await buildNative(await ensureLibtorch(isClone()));
  await buildTypeScript('tsconfig.test.json');

  /** @type {Counts[]} */
  const all = [];
  if (!unitOnly && forwarded.length === 0) all.push(await runCoreTests());
  // A forgotten .only must not make the whole run look green.
  const strict = forwarded.length === 0 ? ['--forbid-only'] : [];
  if (unitOnly || forwarded.length > 0) all.push(await runMocha([...strict, ...forwarded, ...specs]));
  else {
    // These wait for processes of their own most of the time, and take as long as all others.
    const slow = ['lifetime', 'package'].map((folder) => `${compiled}/${folder}/**/*.test.js`);
    const others = [...slow.flatMap((pattern) => ['--ignore', pattern]), ...specs];
    const runs = [runMocha([...strict, ...others]), runMocha([...strict, ...slow], 'beside')];
    all.push(...(await Promise.all(runs)));
  }

  const sum = (/** @type {keyof Counts} */ key) => all.reduce((total, counts) => total + counts[key], 0);
  const failed = sum('failed');
  console.log(`${sum('passed')} passed, ${failed} failed, ${sum('skipped')} skipped`);
  return failed === 0 ? 0 : 1;
});
