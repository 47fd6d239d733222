/** Numbers from 0 to below 1. */
export type Random = () => number;

export type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

export const below = (random: Random, limit: number) => Math.floor(random() * limit);

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!;
}

/** Values that lengths, counts and offsets go wrong at. */
function edgeOf(random: Random, size: number): bigint {
  const edges = [
    0,
    1,
    2,
    255,
    256,
    0x7fff,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xfffffffe,
    0xffffffff,
    size - 1,
    size,
  ];
  const wide = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n, BigInt(size + 1)];
  return random() < 0.6 ? BigInt(pick(random, edges)) : pick(random, wide);
}

function editLength(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const width = pick(random, [1, 2, 4, 8]);
  if (copy.length < width) return copy;
  const at = below(random, copy.length - width + 1);
  const value = BigInt.asUintN(8 * width, edgeOf(random, bytes.length));
  const isLittle = random() < 0.75;
  for (let i = 0; i < width; i++) {
    copy[at + (isLittle ? i : width - 1 - i)] = Number((value >> BigInt(8 * i)) & 255n);
  }
  return copy;
}

function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let count = 1 + below(random, 6); count > 0 && copy.length > 0; count--) {
    copy[below(random, copy.length)]! ^= 1 << below(random, 8);
  }
  return copy;
}

function setBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let count = 1 + below(random, 4); count > 0 && copy.length > 0; count--) {
    copy[below(random, copy.length)] = below(random, 256);
  }
  return copy;
}

const truncate: Mutation = (bytes, random) => bytes.slice(0, below(random, bytes.length + 1));

/** A piece of the file put in, or in the place of, another. */
function splice(bytes: Uint8Array, random: Random): Uint8Array {
  const length = 1 + below(random, Math.min(64, bytes.length));
  const from = below(random, bytes.length);
  const to = below(random, bytes.length);
  const dropped = random() < 0.5 ? length : 0;
  return Buffer.concat([
    bytes.subarray(0, to),
    bytes.subarray(from, from + length),
    bytes.subarray(to + dropped),
  ]);
}

function cut(bytes: Uint8Array, random: Random): Uint8Array {
  const at = below(random, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 16))]);
}

/** One to three changes that know nothing of the format. */
export function blind(bytes: Uint8Array, random: Random): Uint8Array {
  let copy = bytes;
  for (let count = 1 + below(random, 3); count > 0; count--) {
    if (copy.length === 0) break;
    copy = pick(random, [flipBits, setBytes, editLength, editLength, truncate, splice, cut])(copy, random);
  }
  return copy;
}
