import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpz } from '../../../dist/io/npz.js';

const fixtures = new URL('../../../test/fixtures/', import.meta.url);

/** A file of test/fixtures/data. */
export const dataFile = (name: string): string => fileURLToPath(new URL(`data/${name}`, fixtures));

interface GoldenTexts {
  readonly csv: { header: string[]; names: string[]; labels: number[]; features: number[][] };
  readonly libsvm: Record<'sparse' | 'sparse0', { x: number[][]; y: number[] }>;
  readonly images: { classes: string[]; labels: number[]; files: string[] };
}

/** What Python's csv, scikit-learn and torchvision's rules read, by test/fixtures/data.py. */
export const goldenTexts = JSON.parse(readFileSync(new URL('data.json', fixtures), 'utf8')) as GoldenTexts;

/** Of safetensors, NumPy and Pillow. */
export const goldenArrays = readNpz(readFileSync(new URL('readers.npz', fixtures)));
