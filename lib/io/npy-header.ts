import { LossAtlasError } from '../errors.js';

export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** Parses the dictionary of an .npy header: three known keys, literals only, nothing is evaluated. */
export function parseNpyHeader(text: string, source: string): NpyHeader {
  let position = 0;
  const fail = (problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: the npy header ${problem}.`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found === null) return undefined;
    position += found[0].length;
    return found[1] ?? found[0];
  };
  const skipSpace = () => match(/[ \t\n]*/y);
  const take = (literal: string): boolean => {
    skipSpace();
    if (!text.startsWith(literal, position)) return false;
    position += literal.length;
    return true;
  };
  const expect = (literal: string) => take(literal) || fail(`lacks '${literal}' at character ${position}`);
  const string = (what: string): string => {
    skipSpace();
    const quoted = match(/'[^'\\]*'|"[^"\\]*"/y) ?? fail(`has no string for ${what}`);
    return quoted.slice(1, -1);
  };
  const boolean = (): boolean => {
    if (take('True')) return true;
    return take('False') ? false : fail("has neither True nor False for 'fortran_order'");
  };
  const tuple = (): number[] => {
    const sizes: number[] = [];
    expect('(');
    while (!take(')')) {
      // Python 2 wrote long integers with an L.
      const digits = match(/(\d{1,16})L?/y) ?? fail("has no tuple of sizes for 'shape'");
      const size = Number(digits);
      if (!Number.isSafeInteger(size)) fail(`has the size ${digits}, which is too large`);
      sizes.push(size);
      if (take(',')) continue;
      if (sizes.length === 1) fail("has no tuple of sizes for 'shape'");
      expect(')');
      break;
    }
    return sizes;
  };

  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: number[] | undefined;
  expect('{');
  while (!take('}')) {
    const key = string('a key');
    expect(':');
    if (key === 'descr' && descr === undefined) {
      if (take('[')) fail('describes a structured dtype, which is not supported');
      descr = string("'descr'");
    } else if (key === 'fortran_order' && fortranOrder === undefined) fortranOrder = boolean();
    else if (key === 'shape' && shape === undefined) shape = tuple();
    else fail(`has the unknown or repeated key '${key}'`);
    if (take(',')) continue;
    expect('}');
    break;
  }
  skipSpace();
  if (position !== text.length) fail(`goes on after its dictionary, at character ${position}`);
  return {
    descr: descr ?? fail("lacks the key 'descr'"),
    fortranOrder: fortranOrder ?? fail("lacks the key 'fortran_order'"),
    shape: shape ?? fail("lacks the key 'shape'"),
  };
}
