/** What settings of resumed runs are called in messages, where it is not their key. */
const words: Readonly<Record<string, string>> = {
  model: 'model file',
  data: 'content of the data',
  from: 'starting weights',
  origin: 'weights',
  point: 'weights',
  to: 'weights at the far end',
  coefficients: 'grid',
  t: 'points along the paths',
  controlPoints: 'control points',
  evaluateOn: 'test data',
  numThreads: 'threads',
  kernels: 'kernel switches',
  cpu: 'processor',
};

type Settings = Readonly<Record<string, unknown>>;

/**
 * In which settings the run that a file was begun with differs from this one, each in words. Of hashes only that they
 * differ is told, of lists of them also their lengths; of objects as JSON the keys that differ. `found` may hold anything.
 */
export function settingDifferences(found: Settings, wanted: Settings): string[] {
  return keysOf(found, wanted).flatMap((key) => {
    const [there, now] = [entry(found, key), entry(wanted, key)];
    return there === now ? [] : differencesOf(Object.hasOwn(words, key) ? words[key]! : key, there, now);
  });
}

function keysOf(found: Settings, wanted: Settings): string[] {
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])];
}

function entry(settings: Settings, key: string): unknown {
  return Object.hasOwn(settings, key) ? settings[key] : undefined;
}

function differencesOf(name: string, there: unknown, now: unknown): string[] {
  const [before, after] = [objectIn(there), objectIn(now)];
  if (before !== null && after !== null) {
    const inside = keysOf(before, after).flatMap((key) => {
      const [old, own] = [entry(before, key), entry(after, key)];
      if (hashesIn(old) === 1 && hashesIn(own) === 1) return old === own ? [] : [`other ${name}.${key}`];
      return textOf(old) === textOf(own) ? [] : [told(`${name}.${key}`, old, own)];
    });
    if (inside.length > 0) return inside;
  }
  const numbers = [hashesIn(there), hashesIn(now)];
  if (Math.min(...numbers) >= 0 && Math.max(...numbers) >= 1)
    return [numbers[0] === numbers[1] ? `other ${name}` : told(name, numbers[0], numbers[1])];
  return [told(name, there, now)];
}

const shownLength = 60;

function told(name: string, there: unknown, now: unknown): string {
  const texts = [textOf(there), textOf(now)] as const;
  // Of long ones with a common start the rest is what tells them apart.
  const start = Math.max(...texts.map(({ length }) => length)) > shownLength ? commonStart(...texts) : 0;
  const [before, after] = texts.map((text) => cut(text, Math.max(0, start - 8)));
  return `${name}: ${before} in the file, ${after} now`;
}

function commonStart(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}

function cut(text: string, start: number): string {
  const rest = text.slice(start);
  const shown = rest.length > shownLength ? `${rest.slice(0, shownLength - 3)}…` : rest;
  return start === 0 ? shown : `…${shown}`;
}

/** How many hashes stand there with commas between them; −1 where anything else does. */
function hashesIn(value: unknown): number {
  if (value === '') return 0;
  const isList = typeof value === 'string' && /^[0-9a-f]{64}(,[0-9a-f]{64})*$/.test(value);
  return isList ? value.split(',').length : -1;
}

function objectIn(value: unknown): Settings | null {
  if (typeof value !== 'string' || !value.startsWith('{')) return null;
  try {
    return JSON.parse(value) as Settings;
  } catch {
    return null;
  }
}

function textOf(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null || value === '') return 'none';
  if (typeof value === 'string') return hashesIn(value) === 1 ? `those of hash ${value.slice(0, 8)}…` : value;
  if (typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return 'what is no setting';
  }
}
