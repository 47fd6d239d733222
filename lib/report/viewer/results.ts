import { decodeField, inlineArrays } from '../../io/json-fields.js';
import { resultShapes, type Result } from '../../io/result-format.js';
import type { LossSurface } from '../../results.js';

/** The JSON text of a result of this page, as `saveJson` writes it. */
export function resultText(index: number): string {
  return document.getElementById(`data-${index}`)!.textContent;
}

const decoded = new Map<number, Result>();

/** A surface of the page: a result, or one of an atlas. */
export function surfaceAt(index: number, part: number): LossSurface {
  let result = decoded.get(index);
  if (result === undefined) {
    const data = JSON.parse(resultText(index)) as { kind: Result['kind'] };
    const refuse = (key: string, expected: string): never => {
      throw new Error(`${key} should be ${expected}`);
    };
    result = decodeField({ object: resultShapes[data.kind] }, data, '', {
      refuse,
      arrays: inlineArrays,
    }) as Result;
    decoded.set(index, result);
  }
  return result.kind === 'landscape-atlas' ? result.surfaces[part]! : (result as LossSurface);
}
