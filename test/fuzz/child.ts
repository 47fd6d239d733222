// Reads damaged files of one format, one after the other:  child.js <format> <seed> <first> <end> <progress file>
// Says on its output, a JSON a line, what broke the rules; the parent knows from the progress file where it stopped.
import { openSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';

import { LossAtlasError } from '../../dist/errors.js';
import { randomOf } from '../unit/io/mutate.js';
import { blind, pick } from './blind.js';
import { formats, type FuzzedFormat } from './formats.js';

const [name, seed, first, end, progressFile] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const format = formats.find((known) => known.name === name)!;
const seeds = format.seeds();
const maxMilliseconds = 1000;
const allowance = 64 * 1024 * 1024;
/** Every so many files, what lies around the bytes in memory is changed, which nobody may notice. */
const surroundedEvery = 16;

function damaged(number: number): Uint8Array {
  const random = randomOf(Math.imul(Number(seed), 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const file = pick(random, seeds);
  const edits = format.edits !== undefined && random() < 0.5 ? format.edits : blind;
  return edits(file, random);
}

async function outcome(read: FuzzedFormat['read'], bytes: Uint8Array): Promise<string> {
  try {
    const value = await read(bytes);
    return `read: ${inspect(value, { depth: 6, maxArrayLength: 50 })}`;
  } catch (error) {
    const isTyped = error instanceof LossAtlasError && error.code !== 'ERR_INTERNAL';
    if (isTyped) return `refused: ${error.code} ${error.message}`;
    throw error;
  }
}

/** The bytes in the middle of a larger buffer. */
function surrounded(bytes: Uint8Array, filler: number): Uint8Array {
  const all = new Uint8Array(bytes.length + 512).fill(filler);
  all.set(bytes, 256);
  return all.subarray(256, 256 + bytes.length);
}

async function problemOf(
  bytes: Uint8Array,
  number: number,
): Promise<{ problem: string | null; read: boolean }> {
  const start = process.cpuUsage();
  const before = process.memoryUsage.rss();
  const peak = process.resourceUsage().maxRSS;
  let text: string;
  try {
    text = await outcome(format.read, surrounded(bytes, 0));
  } catch (error) {
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { problem: `no LossAtlasError: ${shown}`, read: false };
  }
  // Of the processor: a busy machine is no fault of the file. What waits is ended by the parent.
  const { user, system } = process.cpuUsage(start);
  const milliseconds = (user + system) / 1000;
  const newPeak = process.resourceUsage().maxRSS;
  // Where no new one was reached, this file did not do more than one before it.
  const grown = newPeak > peak ? newPeak * 1024 - before : 0;
  const read = text.startsWith('read');
  if (milliseconds > maxMilliseconds) return { problem: `took ${Math.round(milliseconds)} ms`, read };
  if (grown > 4 * bytes.length + allowance)
    return { problem: `took ${Math.round(grown / 2 ** 20)} MB`, read };
  if (number % surroundedEvery === 0 && (await outcome(format.read, surrounded(bytes, 255))) !== text)
    return { problem: 'depends on what lies outside of the file', read };
  return { problem: null, read };
}

// Libraries that a format loads at its first file are no cost of that file.
await outcome(format.read, seeds[0]!);

const progress = openSync(progressFile, 'r+');
const position = Buffer.alloc(8);
let numRead = 0;
for (let number = Number(first); number < Number(end); number++) {
  position.writeDoubleLE(number);
  writeSync(progress, position, 0, 8, 0);
  const { problem, read } = await problemOf(damaged(number), number);
  if (read) numRead++;
  if (problem !== null) console.log(JSON.stringify({ number, problem }));
}
console.log(JSON.stringify({ numRead }));
