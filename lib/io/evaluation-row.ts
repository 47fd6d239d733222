import type { EvaluationRow } from '../results.js';
import { decodeField, encodeField, inlineArrays, type Codec } from './json-fields.js';
import { evaluationRow } from './shapes/evaluation-shapes.js';

class Misfit extends Error {}

const codec: Codec = {
  refuse: (key, expected) => {
    throw new Misfit(`${key} is not ${expected}`);
  },
  arrays: inlineArrays,
};

/** A row as bytes of JSON. */
export function encodeRow(row: EvaluationRow): Buffer {
  return Buffer.from(JSON.stringify(encodeField({ object: evaluationRow }, row, '', codec)), 'utf8');
}

/** Null for what is no row. */
export function decodeRow(bytes: Buffer): EvaluationRow | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return decodeField({ object: evaluationRow }, value, '', codec) as EvaluationRow;
  } catch (error) {
    if (error instanceof Misfit || error instanceof SyntaxError) return null;
    throw error;
  }
}
