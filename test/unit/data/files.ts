import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LossAtlasError, type ErrorCode } from '../../../dist/errors.js';
import { rejects } from '../../support/errors.js';
import { mutate, randomOf } from '../io/mutate.js';

/** A folder for the tests of one describe block. */
export function scratchFolder(): (name: string, bytes: Uint8Array) => Promise<string> {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });
  return async (name, bytes) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };
}

/** Truncated, mutated and random files: read, or refused by a LossAtlasError. Returns how many were refused. */
export async function fuzz(
  file: Uint8Array,
  runs: number,
  read: (bytes: Uint8Array) => Promise<unknown>,
): Promise<number> {
  const random = randomOf(5);
  let refused = 0;
  for (let run = 0; run < runs; run++) {
    const noise = Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256));
    const cut = file.slice(0, Math.floor(random() * file.length));
    const bytes = [cut, mutate(file, random), mutate(file, random), noise][run % 4]!;
    try {
      await read(bytes);
    } catch (error) {
      expect(error, `run ${run}: ${String((error as Error).stack)}`).to.be.instanceOf(LossAtlasError);
      refused++;
    }
  }
  return refused;
}

/** `rejects` for what is not asynchronous. */
export async function throws(work: () => unknown, code: ErrorCode, message?: RegExp): Promise<void> {
  await rejects(() => Promise.resolve().then(work), code, message);
}
