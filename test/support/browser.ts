/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Chromium on this machine: LOSSATLAS_CHROMIUM, else where systems keep it; undefined where there is none. */
export const chromiumPath: string | undefined =
  process.env.LOSSATLAS_CHROMIUM ?? places.find((place) => existsSync(place));

/** Of the browser itself nothing may reach the network either. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath!, headless: true, args });
}

/** A page of a file with this content, and what went wrong in it. */
export interface OpenedPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions, and requests that are not for the file itself. */
  readonly problems: string[];
  readonly openMs: number;
  readonly close: () => Promise<void>;
}

export async function openHtml(
  browser: Browser,
  html: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const folder = await mkdtemp(join(tmpdir(), 'lossatlas-report-'));
  const path = join(folder, 'report.html');
  await writeFile(path, html);
  const url = pathToFileURL(path).href;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    // What the page makes itself is no request that leaves it.
    const isOwn = request.url() === url || /^(?:blob|data):/.test(request.url());
    if (!isOwn) problems.push(`request: ${request.url()}`);
  });
  const started = performance.now();
  await page.goto(url);
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLElement>('.stage')].every((stage) => stage.dataset.frames),
  );
  const openMs = performance.now() - started;
  const close = async () => {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { page, problems, openMs, close };
}
