/** What settings of resumed runs are called in messages, where it is not their key. */
const words: Readonly<Record<string, string>> = {
  model: 'model file',
  data: 'content of the data',
  weights: 'weights',
  from: 'starting weights',
  origin: 'weights',
  point: 'weights',
  to: 'weights at the far end',
  directions: 'directions',
  coefficients: 'grid',
  t: 'points along the paths',
  controlPoints: 'control points',
  evaluateOn: 'test data',
  numThreads: 'threads',
  kernels: 'kernel switches',
  cpu: 'processor',
};

/**
 * In which settings the run that a file was begun with differs from this one, each in words. Of hashes only that they
 * differ is told, of lists of them also their lengths; of objects as JSON the keys that differ.
 */
export function settingDifferences(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): string[] {
  const keys = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...keys].flatMap((key) => {
    const [there, now] = [found[key], wanted[key]];
    return there === now ? [] : differencesOf(Object.hasOwn(words, key) ? words[key]! : key, there, now);
  });
}

function differencesOf(name: string, there: unknown, now: unknown): string[] {
  const [before, after] = [objectIn(there), objectIn(now)];
  if (before !== null && after !== null)
    return settingDifferences(before, after).map((difference) => `${name}.${difference}`);
  const numbers = [hashesIn(there), hashesIn(now)];
  if (Math.min(...numbers) >= 0 && Math.max(...numbers) >= 1)
    return [numbers[0] === numbers[1] ? `other ${name}` : told(name, numbers[0], numbers[1])];
  return [told(name, there, now)];
}

function told(name: string, there: unknown, now: unknown): string {
  return `${name}: ${show(there)} in the file, ${show(now)} now`;
}

/** How many hashes stand there with commas between them; −1 where anything else does. */
function hashesIn(value: unknown): number {
  if (value === '') return 0;
  const isList = typeof value === 'string' && /^[0-9a-f]{64}(,[0-9a-f]{64})*$/.test(value);
  return isList ? value.split(',').length : -1;
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'string' || !value.startsWith('{')) return null;
  try {
    return JSON.parse(value) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === null || value === '') return 'none';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (hashesIn(text) === 1) return `those of hash ${text.slice(0, 8)}…`;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
