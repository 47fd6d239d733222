import { LossAtlasError } from '../../errors.js';
import { checkOptions, isBoolean, isOneOf, isString } from '../../validate.js';
import { elementsOf, isTensor, type CheckpointTensor } from './tensor.js';
import { shortList } from './value.js';

/** A parameter or buffer of a model. */
export interface WantedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Further names of the same tensor: a tied parameter. */
  readonly aliases?: readonly string[] | undefined;
}

export interface MatchOptions {
  /**
   * Throw unless all fit (default true). `num_batches_tracked` may always be left over, and so may second names of
   * tensors that fit (of tied parameters).
   */
  readonly strict?: boolean | undefined;
  /** `order` gives the i-th tensor to the i-th name where their shapes fit, whatever their names (default `name`). */
  readonly by?: 'name' | 'order' | undefined;
  /** Where the tensors are from, for the message of the error. */
  readonly path?: string | undefined;
}

export interface ParameterMatch {
  /** `source` is the name in the checkpoint, `tied` further ones that are of the same parameter. */
  readonly mapping: readonly {
    readonly name: string;
    readonly source: string;
    readonly tied: readonly string[];
  }[];
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly mismatched: readonly {
    readonly name: string;
    readonly expected: readonly number[];
    readonly found: readonly number[];
  }[];
}

type Tensors = ReadonlyMap<string, Pick<CheckpointTensor, 'shape'>>;

/** What wrappers put before names: DataParallel, torch.compile, Lightning, and training scripts. */
const prefix = /^(?:module|_orig_mod|model|net)\./;

/**
 * Finds the tensor for each wanted name. Prefixes of wrappers are taken off where that makes names fit.
 * Throws ERR_CHECKPOINT_MISMATCH if strict, ERR_INVALID_OPTION.
 */
export function matchParameters(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  wanted: readonly WantedTensor[],
  options: MatchOptions = {},
): ParameterMatch {
  checkOptions('matchParameters', options, {
    strict: isBoolean,
    by: isOneOf('name', 'order'),
    path: isString,
  });
  const { strict = true, by = 'name' } = options;
  const pairs = by === 'name' ? pairsByName(tensors, wanted) : pairsByOrder(tensors, wanted);
  const match = compare(tensors, wanted, pairs);
  if (strict) requireMatch(match, tensors, wanted, options);
  return match;
}

function namesOf({ name, aliases = [] }: WantedTensor): string[] {
  return [name, ...aliases];
}

/** From wanted name to name in the checkpoint. */
function pairsByName(tensors: Tensors, wanted: readonly WantedTensor[]): Map<string, string> {
  const names = new Set(wanted.flatMap(namesOf));
  const stem = bestStem(tensors, names);
  const pairs = new Map<string, string>();
  for (const source of tensors.keys()) {
    const name = source.slice(stem.length);
    if (source.startsWith(stem) && names.has(name)) pairs.set(name, source);
  }
  // What is left may have other prefixes, as where only a part of a model was wrapped.
  const used = new Set(pairs.values());
  const others = new Map<string, string[]>();
  for (const source of tensors.keys()) {
    if (used.has(source)) continue;
    const name = stems(source)
      .map((other) => source.slice(other.length))
      .find((rest) => names.has(rest) && !pairs.has(rest));
    if (name !== undefined) others.set(name, [...(others.get(name) ?? []), source]);
  }
  // Two that would fit are ambiguous: neither is taken.
  for (const [name, sources] of others) if (sources.length === 1) pairs.set(name, sources[0]!);
  return pairs;
}

/** All prefixes of a name that wrappers may have made, the empty one first. */
function stems(name: string): string[] {
  const found = [''];
  for (let rest = name; ;) {
    const step = prefix.exec(rest)?.[0];
    if (step === undefined) return found;
    rest = rest.slice(step.length);
    found.push(name.slice(0, name.length - rest.length));
  }
}

/** The prefix whose removal makes the most names fit; the shortest of equals. */
function bestStem(tensors: Tensors, names: ReadonlySet<string>): string {
  const fits = new Map<string, number>([['', 0]]);
  for (const source of tensors.keys()) {
    for (const stem of stems(source)) {
      if (names.has(source.slice(stem.length))) fits.set(stem, (fits.get(stem) ?? 0) + 1);
    }
  }
  return [...fits].reduce((best, other) => {
    const isBetter = other[1] > best[1] || (other[1] === best[1] && other[0].length < best[0].length);
    return isBetter ? other : best;
  })[0];
}

/** What norm layers keep beside their parameters, by the last part of the name. */
export const bufferNames: readonly string[] = ['running_mean', 'running_var', 'num_batches_tracked'];
const lastPart = (name: string) => name.slice(name.lastIndexOf('.') + 1);

/** BatchNorm's buffers are left out where none is wanted, and so are tensors without elements. */
function pairsByOrder(tensors: Tensors, wanted: readonly WantedTensor[]): Map<string, string> {
  const asked = new Set(wanted.map(({ name }) => lastPart(name)));
  const left = [...tensors].filter(([name, { shape }]) => {
    const part = lastPart(name);
    return elementsOf(shape) > 0 && (!bufferNames.includes(part) || asked.has(part));
  });
  const receivers = wanted.filter(({ shape }) => elementsOf(shape) > 0);
  // Lists of parameters and buffers may come one after the other on one side and by layer on the other: each kind is
  // paired in its own order.
  const kindOf = (name: string) => (bufferNames.includes(lastPart(name)) ? lastPart(name) : 'parameter');
  const pairs = new Map<string, string>();
  for (const kind of ['parameter', ...bufferNames]) {
    const sources = left.filter(([name]) => kindOf(name) === kind);
    receivers
      .filter(({ name }) => kindOf(name) === kind)
      .slice(0, sources.length)
      .forEach(({ name }, i) => pairs.set(name, sources[i]![0]));
  }
  return pairs;
}

function compare(
  tensors: Tensors,
  wanted: readonly WantedTensor[],
  pairs: ReadonlyMap<string, string>,
): ParameterMatch {
  const mapping: { name: string; source: string; tied: string[] }[] = [];
  const missing: string[] = [];
  const mismatched: ParameterMatch['mismatched'][number][] = [];
  for (const item of wanted) {
    const { name, shape } = item;
    const [source, ...tied] = namesOf(item).flatMap((known) => pairs.get(known) ?? []);
    if (source === undefined) {
      missing.push(name);
      continue;
    }
    const found = tensors.get(source)!.shape;
    if (sameShape(shape, found)) mapping.push({ name, source, tied });
    else mismatched.push({ name, expected: shape, found });
  }
  const used = new Set(pairs.values());
  return { mapping, missing, unexpected: [...tensors.keys()].filter((name) => !used.has(name)), mismatched };
}

function requireMatch(
  match: ParameterMatch,
  tensors: Tensors,
  wanted: readonly WantedTensor[],
  { by = 'name', path }: MatchOptions,
): void {
  const unexpected = leftOver(match, tensors);
  const problems: string[] = [];
  const add = (title: string, items: readonly string[]) => {
    if (items.length > 0) problems.push(`${title}: ${shortList(items)}.`);
  };
  const shapes = new Map(wanted.map(({ name, shape }) => [name, shape]));
  add(
    'Missing',
    match.missing.map((name) => `${name} ${shapeText(shapes.get(name)!)}`),
  );
  add(
    'Unexpected',
    unexpected.map((name) => `${name} ${shapeText(tensors.get(name)!.shape)}`),
  );
  add(
    'Other shapes',
    match.mismatched.map((m) => `${m.name} ${shapeText(m.expected)}, found ${shapeText(m.found)}`),
  );
  if (problems.length === 0) return;
  if (by === 'name' && match.mapping.length === 0 && fitsByOrder(tensors, wanted))
    problems.push("Their order and shapes fit: { by: 'order' } takes them so.");
  throw new LossAtlasError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path === undefined ? 'The checkpoint' : `'${path}'`} does not fit the model. ${problems.join(' ')}`,
  );
}

/** Whether nothing is missing, left over or of another shape: what strict matching wants. */
export function isComplete(match: ParameterMatch, tensors: Tensors): boolean {
  const problems = [...match.missing, ...match.mismatched, ...leftOver(match, tensors)];
  return problems.length === 0;
}

/** Unexpected tensors of which something may be lost. */
function leftOver(match: ParameterMatch, tensors: Tensors): string[] {
  const used = match.mapping.map(({ source }) => tensors.get(source)).filter(isTensor);
  return match.unexpected.filter((name) => {
    const tensor = tensors.get(name);
    const isSecondName = isTensor(tensor) && used.some((other) => tensor.isSameMemoryAs(other));
    return lastPart(name) !== 'num_batches_tracked' && !isSecondName;
  });
}

function fitsByOrder(tensors: Tensors, wanted: readonly WantedTensor[]): boolean {
  const match = compare(tensors, wanted, pairsByOrder(tensors, wanted));
  return match.missing.length === 0 && match.mismatched.length === 0 && wanted.length > 0;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
