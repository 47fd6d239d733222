/** A small seeded generator (mulberry32): 0 ≤ value < 1. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A copy with a few bytes changed, cut off, left out or doubled. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  let copy = Uint8Array.from(bytes);
  for (let count = 1 + below(4); count > 0 && copy.length > 0; count--) {
    const at = below(copy.length);
    const length = 1 + below(8);
    switch (below(5)) {
      case 0:
        copy[at] = below(256);
        break;
      case 1:
        copy[at]! ^= 1 << below(8);
        break;
      case 2:
        copy = copy.slice(0, at);
        break;
      case 3:
        copy = Uint8Array.from([...copy.slice(0, at), ...copy.slice(at + length)]);
        break;
      default:
        copy = Uint8Array.from([...copy.slice(0, at + length), ...copy.slice(at)]);
    }
  }
  return copy;
}
