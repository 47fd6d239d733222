import { decodeField, encodeField, inlineArrays, type Codec } from './json-fields.js';
import type { Shape, ShapeOf } from './shapes/shape.js';

class Misfit extends Error {}

const codec: Codec = {
  refuse: (key, expected) => {
    throw new Misfit(`${key} is not ${expected}`);
  },
  arrays: inlineArrays,
};

/** An object of that shape as bytes of JSON, with every bit of its numbers. */
export function encodeRecord<T>(shape: ShapeOf<T>, record: T): Buffer {
  return Buffer.from(JSON.stringify(encodeField({ object: shape as Shape }, record, '', codec)), 'utf8');
}

/** Null for what is no such object. */
export function decodeRecord<T>(shape: ShapeOf<T>, bytes: Buffer): T | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return decodeField({ object: shape }, value, '', codec) as T;
  } catch (error) {
    if (error instanceof Misfit || error instanceof SyntaxError) return null;
    throw error;
  }
}
