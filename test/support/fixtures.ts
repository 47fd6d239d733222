import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  dataset,
  loadModel,
  readNpz,
  type Dataset,
  type LoadModelOptions,
  type Model,
} from '../../dist/index.js';

// Compiled tests lie in .test-build/<folder>; sources and fixtures in test/.
const root = new URL('../../', import.meta.url);

export const fixture = (name: string): string => fileURLToPath(new URL(`test/fixtures/${name}`, root));
export const projectPath = (name: string): string => fileURLToPath(new URL(name, root));

export async function loadFixture(name: string, options: LoadModelOptions = {}): Promise<Model> {
  return loadModel(fixture(`${name}.pt`), options);
}

const arrays = readNpz(readFileSync(fixture('golden.npz')));

/** A golden array of test/fixtures/make.py. */
export function golden(name: string): Float64Array {
  const array = arrays[name];
  if (array === undefined) throw new Error(`golden.npz has no '${name}'`);
  return Float64Array.from(array.data, Number);
}

/** A golden array with its dtype and shape, as data. */
export function goldenArray(name: string): { data: Float64Array | BigInt64Array; shape: readonly number[] } {
  const array = arrays[name];
  if (!(array?.data instanceof Float64Array || array?.data instanceof BigInt64Array))
    throw new Error(`golden.npz: '${name}'`);
  return { data: array.data, shape: array.shape };
}

/** Nets whose dense Hessians are golden (`<name>.hessian`), and their fixtures. */
export const goldenNets = [
  ['mlp', 'mlp'],
  ['convbn.eval', 'convbn'],
  ['convbn.train', 'convbn'],
  ['attention', 'attention'],
  ['lstm', 'lstm'],
] as const;

/** Nets of every kind: file, and golden arrays of inputs and targets in eval mode. */
export const evalNets = [
  ['mlp', 'mlp.x', 'mlp.y'],
  ['convbn', 'convbn.eval.x', 'convbn.eval.y'],
  ['convbn_traced_eval', 'convbn.eval.x', 'convbn.eval.y'],
  ['attention', 'attention.x', 'attention.y'],
  ['lstm', 'lstm.x', 'lstm.y'],
  ['encoder', 'encoder.x', 'encoder.y'],
  ['half', 'mlp.x', 'mlp.y'],
] as const;

export function goldenData(inputs: string, targets: string): Dataset {
  return dataset({ inputs: goldenArray(inputs), targets: goldenArray(targets) });
}

/** Inputs that a model may ignore. */
export function anyData(numSamples = 4): Dataset {
  return dataset({ inputs: { data: new Float64Array(numSamples), shape: [numSamples, 1] } });
}

/** A file of the shared real data, or null, said aloud. */
export function sharedFile(name: string): string | null {
  const path = fileURLToPath(new URL(`../shared/data/${name}`, root));
  if (existsSync(path)) return path;
  process.stdout.write(`      (skipped: no real data at ../shared/data/${name})\n`);
  return null;
}
