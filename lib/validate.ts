import { LossAtlasError } from './errors.js';

/** Checks one option value; returns what was expected, or null if the value is fine. */
export type Check = (value: unknown) => string | null;

/** Names the option, what was expected and what came. Options are checked before any work starts. */
export function invalidOption(name: string, expected: string, value: unknown): LossAtlasError {
  return new LossAtlasError(
    'ERR_INVALID_OPTION',
    `${name} must be ${expected}, but is ${value === undefined ? 'missing' : show(value)}.`,
  );
}

/**
 * Checks every key of `options` against `checks`. Keys that are absent or undefined take their default; unknown keys
 * are errors that suggest the right name.
 */
export function checkOptions(
  caller: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(`${caller}: options`, 'an object', options);
  }
  for (const [key, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined) {
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `${caller}: unknown option '${key}'. ${suggest(key, Object.keys(checks))}`,
      );
    }
    if (value === undefined) continue;
    const expected = check(value);
    if (expected !== null) throw invalidOption(`${caller}: option '${key}'`, expected, value);
  }
}

export const isString: Check = (v) => (typeof v === 'string' && v !== '' ? null : 'a non-empty string');
export const isBoolean: Check = (v) => (typeof v === 'boolean' ? null : 'true or false');
export const isFunction: Check = (v) => (typeof v === 'function' ? null : 'a function');
export const isSignal: Check = (v) => (v instanceof AbortSignal ? null : 'an AbortSignal');

export function isInteger(low: number, high: number = Number.MAX_SAFE_INTEGER): Check {
  const range =
    high === Number.MAX_SAFE_INTEGER ? `an integer of at least ${low}` : `an integer from ${low} to ${high}`;
  return (v) => (Number.isSafeInteger(v) && (v as number) >= low && (v as number) <= high ? null : range);
}

export const isSeed: Check = (v) => (isInteger(0)(v) === null ? null : 'an integer from 0 to 2^53 − 1');

export function isNumber(low = -Infinity, high = Infinity): Check {
  const below = high === Infinity ? `a number of at least ${low}` : `a number from ${low} to ${high}`;
  const range = low === -Infinity && high === Infinity ? 'a finite number' : below;
  return (v) => (typeof v === 'number' && Number.isFinite(v) && v >= low && v <= high ? null : range);
}

/** Of an interval: above 0, below 1. */
export const isConfidence: Check = (v) =>
  typeof v === 'number' && v > 0 && v < 1 ? null : 'a number between 0 and 1, such as 0.95';

export function isPositive(v: unknown): string | null {
  return typeof v === 'number' && Number.isFinite(v) && v > 0 ? null : 'a positive number';
}

export function isOneOf(...values: readonly (string | number)[]): Check {
  const list = values.map((v) => (typeof v === 'string' ? `'${v}'` : String(v))).join(', ');
  return (v) => (values.includes(v as string | number) ? null : `one of ${list}`);
}

export function isArrayOf(item: Check, what: string): Check {
  return (v) => (Array.isArray(v) && v.every((x) => item(x) === null) ? null : what);
}

/** Two finite numbers, ascending. */
export const isRange: Check = (v) =>
  Array.isArray(v) &&
  v.length === 2 &&
  v.every((x) => Number.isFinite(x)) &&
  (v[0] as number) < (v[1] as number) &&
  Number.isFinite((v[1] as number) - (v[0] as number))
    ? null
    : 'a pair [low, high] of finite numbers with low < high';

/** A positional argument that must be an instance of `type`; `words` say what makes one. */
export function requireInstance(
  name: string,
  value: unknown,
  type: abstract new (...args: never[]) => unknown,
  words: string,
): void {
  if (!(value instanceof type)) throw invalidOption(name, words, value);
}

/** Checks that every analysis shares. */
export const analysisChecks = { signal: isSignal, onProgress: isFunction } as const;

/** `Did you mean …?`, or the list of names. */
export function suggest(word: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near !== undefined && near.distance <= Math.max(2, Math.floor(word.length / 3)))
    return `Did you mean '${near.name}'?`;
  return names.length === 0 ? 'There are none.' : `Known: ${names.join(', ')}.`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}…` : value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value))
    return value.length <= 4 ? `[${value.map(show).join(', ')}]` : `an array of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  return `a ${value.constructor.name}`;
}
