// Measures what a person waits for who draws results: the help text, figures, and reports, made and opened.
//   npm run bench:figures [-- --rounds 7 --json]
// The surface is synthetic, with 51 × 51 and 201 × 201 points; a browser is found as the tests find it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { runMain, say } from '../scripts/console.mjs';
import { root } from '../scripts/project.mjs';
import { describeMachine } from './machine.mjs';
import { summarize } from './statistics.mjs';

const cli = join(root, 'dist', 'cli', 'main.js');

/**
 * @typedef {object} Case
 * @property {string} title
 * @property {number | null} target in milliseconds
 * @property {() => Promise<number> | number} run milliseconds of one repetition
 */

/**
 * A loss with structure on every scale, as a net without shortcuts has.
 * @param {number} n
 */
async function surfaceOf(n) {
  const { fromJson } = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
  const { readFileSync } = await import('node:fs');
  const path = join(root, 'test', 'fixtures', 'results-v2', 'loss-surface.json');
  const template = fromJson(readFileSync(path, 'utf8'));
  const x = Float64Array.from({ length: n }, (_, i) => -1 + (2 * i) / (n - 1));
  const at = (/** @type {number} */ a, /** @type {number} */ b) =>
    10 ** (3 * (a * a + b * b) + 0.4 * Math.sin(7 * a) * Math.cos(9 * b));
  const loss = Float64Array.from({ length: n * n }, (_, k) => at(x[k % n] ?? 0, x[Math.floor(k / n)] ?? 0));
  return {
    ...template,
    x,
    y: x,
    loss,
    accuracy: null,
    metrics: {},
    gradientNorm: null,
    solutions: [],
    modelLoss: 1,
  };
}

/** @param {readonly string[]} args */
function timeCommand(args) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - start;
}

/** @param {() => unknown} work */
async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function findBrowser() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => `/usr/bin/${name}`);
  return [process.env.LOSSATLAS_CHROMIUM, ...names].find((path) => path !== undefined && existsSync(path));
}

await runMain(async () => {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '7' }, json: { type: 'boolean', default: false } },
  });
  const lib = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
  const folder = mkdtempSync(join(tmpdir(), 'lossatlas-figures-'));
  try {
    const [small, large] = [await surfaceOf(51), await surfaceOf(201)];
    const file = join(folder, 'surface.json');
    await lib.saveJson(file, small);
    const page = join(folder, 'report.html');
    const pages = join(folder, 'large.html');
    await lib.saveReport(page, [small]);
    await lib.saveReport(pages, [large]);
    const path = findBrowser();
    const { chromium } = await import('playwright-core');
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    const browser = path === undefined ? null : await chromium.launch({ executablePath: path, args: flags });
    const open = async (/** @type {string} */ name) => {
      const tab = await /** @type {import('playwright-core').Browser} */ (browser).newPage();
      const milliseconds = await time(async () => {
        await tab.goto(pathToFileURL(name).href);
        await tab.locator('.stage canvas').first().waitFor();
      });
      await tab.close();
      return milliseconds;
    };
    const log = { scale: 'log' };
    /** @type {Case[]} */
    const cases = [
      { title: 'lossatlas --help', target: 200, run: () => timeCommand(['--help']) },
      {
        title: 'lossatlas plot, 51 × 51 surface as SVG and PNG',
        target: 1000,
        run: () => timeCommand(['plot', file, '--figures', 'surface', '--scale', 'log', '-o', folder]),
      },
      {
        title: 'lossatlas plot, 51 × 51 contours as SVG and PNG',
        target: 1000,
        run: () => timeCommand(['plot', file, '--figures', 'contour', '--scale', 'log', '-o', folder]),
      },
      { title: 'drawSurface, 51 × 51', target: null, run: () => time(() => lib.drawSurface(small, log)) },
      { title: 'drawSurface, 201 × 201', target: null, run: () => time(() => lib.drawSurface(large, log)) },
      { title: 'drawContour, 201 × 201', target: null, run: () => time(() => lib.drawContour(large, log)) },
      {
        title: 'lossatlas report, 51 × 51',
        target: 2000,
        run: () => timeCommand(['report', file, '-o', join(folder, 'made.html')]),
      },
      { title: 'reportHtml, 201 × 201', target: null, run: () => time(() => lib.reportHtml([large])) },
      ...(browser === null
        ? []
        : [
            { title: 'report opened, 51 × 51', target: 2000, run: () => open(page) },
            { title: 'report opened, 201 × 201', target: null, run: () => open(pages) },
          ]),
    ];
    const records = [];
    for (const { title, target, run } of cases) {
      say(`bench: ${title}`);
      await run();
      const milliseconds = [];
      for (let i = 0; i < Number(values.rounds); i++) milliseconds.push(await run());
      records.push({ title, target, ...summarize([milliseconds]) });
    }
    await browser?.close();
    if (browser === null) say('bench: no browser was found; reports were not opened');
    const megabytes = statSync(page).size / 1e6;
    if (values.json) console.log(JSON.stringify({ machine: describeMachine(), megabytes, records }, null, 2));
    else {
      console.log(`${describeMachine()}; a report of 51 × 51 points has ${megabytes.toFixed(2)} MB`);
      for (const { title, target, median, min, max } of records) {
        const wanted = target === null ? '' : `target ${target} ms`;
        console.log(
          `${title.padEnd(50)} ${median.toFixed(0).padStart(6)} ms (${min.toFixed(0)}–${max.toFixed(0)})  ${wanted}`,
        );
      }
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
});
