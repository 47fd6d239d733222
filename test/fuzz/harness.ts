import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formats } from './formats.js';

const child = fileURLToPath(new URL('child.js', import.meta.url));
/** A child that stays at one file for so long is ended; it says itself what takes longer than a second. */
const hangMilliseconds = 10_000;
const pollMilliseconds = 250;
const maxProblems = 20;

export interface FuzzReport {
  readonly format: string;
  readonly numFiles: number;
  /** Files that were read without an error: the damage did no harm, or was none. */
  readonly numRead: number;
  readonly problems: readonly { readonly number: number; readonly problem: string }[];
  readonly seconds: number;
}

interface Part {
  readonly problems: { number: number; problem: string }[];
  numRead: number;
  /** Where the child stopped before its end, and why; null where it got there. */
  stopped: { number: number; problem: string } | null;
}

/** Reads `count` damaged files of a format in children that are watched: one that dies or hangs is a problem too. */
export async function fuzz(format: string, count: number, seed: number): Promise<FuzzReport> {
  const start = performance.now();
  const problems: { number: number; problem: string }[] = [];
  let numRead = 0;
  const { perChild = count } = formats.find(({ name }) => name === format)!;
  for (let first = 0; first < count && problems.length < maxProblems;) {
    const end = Math.min(count, first + perChild);
    const part = await runChild(format, seed, first, end);
    problems.push(...part.problems);
    numRead += part.numRead;
    if (part.stopped !== null) problems.push(part.stopped);
    first = part.stopped === null ? end : part.stopped.number + 1;
  }
  return { format, numFiles: count, numRead, problems, seconds: (performance.now() - start) / 1000 };
}

async function runChild(format: string, seed: number, first: number, end: number): Promise<Part> {
  const progress = join(tmpdir(), `lossatlas-fuzz-${process.pid}-${format}`);
  writeFileSync(progress, Buffer.alloc(8));
  const args = [
    '--max-old-space-size=1024',
    child,
    format,
    String(seed),
    String(first),
    String(end),
    progress,
  ];
  const part: Part = { problems: [], numRead: 0, stopped: null };
  const numberNow = () => readFileSync(progress).readDoubleLE();
  try {
    const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    process_.stdout.on('data', (text: Buffer) => (output += text.toString()));
    process_.stderr.on('data', (text: Buffer) => (errors = (errors + text.toString()).slice(-4000)));
    const watched = { isHung: false };
    let [seenNumber, seenAt] = [-1, performance.now()];
    const watch = setInterval(() => {
      const number = numberNow();
      if (number !== seenNumber) [seenNumber, seenAt] = [number, performance.now()];
      else if (performance.now() - seenAt > hangMilliseconds) watched.isHung = process_.kill('SIGKILL');
    }, pollMilliseconds);
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      process_.on('close', (...ended) => resolve(ended));
    });
    clearInterval(watch);
    let isDone = false;
    for (const line of output.trim().split('\n').filter(Boolean)) {
      const said = JSON.parse(line) as { number: number; problem: string } | { numRead: number };
      if ('numRead' in said) [part.numRead, isDone] = [said.numRead, true];
      else part.problems.push(said);
    }
    if (!isDone) {
      const problem = watched.isHung
        ? `hung for ${hangMilliseconds} ms`
        : `died (${signal ?? code}): ${errors}`;
      part.stopped = { number: numberNow(), problem };
    }
    return part;
  } finally {
    rmSync(progress, { force: true });
  }
}
