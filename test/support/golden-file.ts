import { readFileSync } from 'node:fs';
import { readNpz, type ShapedArray } from '../../dist/index.js';
import { fixture } from './fixtures.js';

/** Arrays of a golden file, as float64. */
export function goldenFile(name: string): {
  readonly names: readonly string[];
  get(key: string): Float64Array;
  /** With its dtype and shape, as data. */
  array(key: string): ShapedArray;
} {
  const arrays = readNpz(readFileSync(fixture(name)));
  const array = (key: string) => {
    const found = arrays[key];
    if (found === undefined) throw new Error(`${name} has no '${key}'`);
    return found;
  };
  return {
    names: Object.keys(arrays),
    get: (key) => Float64Array.from(array(key).data as ArrayLike<number>, Number),
    array,
  };
}
