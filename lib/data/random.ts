import { createHash } from 'node:crypto';

/**
 * Numbers 0 ≤ u < 1 with 53 bits from a seed of up to 53 bits: sfc32 (C. Doty-Humphrey). The draws of a seed never
 * change, for they are part of the provenance of a result.
 */
export function uniformNumbers(seed: number): () => number {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** Draws of a seed for one purpose, by its name: neighbouring seeds and names have nothing in common. */
export function namedDraws(what: string, seed: number): () => number {
  return uniformNumbers(createHash('sha256').update(`${what} of ${seed}`).digest().readUIntBE(0, 6));
}
