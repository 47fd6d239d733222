import { readFileSync } from 'node:fs';
import { readNpz } from '../../dist/index.js';
import { fixture } from './fixtures.js';

/** Arrays of a golden file, as float64. */
export function goldenFile(name: string): {
  readonly names: readonly string[];
  get(key: string): Float64Array;
} {
  const arrays = readNpz(readFileSync(fixture(name)));
  return {
    names: Object.keys(arrays),
    get(key) {
      const array = arrays[key];
      if (array === undefined) throw new Error(`${name} has no '${key}'`);
      return Float64Array.from(array.data as ArrayLike<number>, Number);
    },
  };
}
