import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toJson } from '../../dist/io/json.js';
import { saveResult } from '../../dist/io/result-file.js';
import { resultSamples } from '../unit/io/result-samples.js';
import { bowl, lineOf } from '../unit/plot/results.js';

/** Results as saveJson writes them. */
export const results = () =>
  [lineOf(5, Math.abs, Math.abs), bowl(3, 3)].map((result) => Buffer.from(toJson(result)));

const folder = mkdtempSync(join(tmpdir(), 'lossatlas-fuzz-results-'));
const saved = new Map<string, Buffer[]>();
const densities = resultSamples.filter(({ kind }) => kind === 'spectral-density');
for (const extension of ['.npz', '.csv', '.vtp', '.h5']) {
  const files: Buffer[] = [];
  for (const result of [
    bowl(3, 2),
    ...(extension === '.vtp' ? [] : [lineOf(5, Math.abs, Math.abs), ...densities]),
  ]) {
    const path = join(folder, `seed${extension}`);
    await saveResult(path, result);
    files.push(readFileSync(path));
  }
  // The layout of tomgoldstein/loss-landscape, as h5py writes it.
  if (extension === '.h5')
    files.push(readFileSync(new URL('../../test/fixtures/li2018.h5', import.meta.url)));
  saved.set(extension, files);
}
rmSync(folder, { recursive: true });

/** Results as saveResult writes them. */
export const savedResults = (extension: string): readonly Uint8Array[] => saved.get(extension)!;
