// Persistent homology of a picture in degree 0: where parts of its sublevel sets appear, and where they merge.

/** A part of the sublevel sets: it appears at a minimum and ends where it meets an older one. */
export interface Branch {
  /** Cells. */
  readonly minimum: number;
  /** The cell at which it meets an older one; −1: it never does. */
  readonly saddle: number;
  /** The branch that it joins, by its place in the list; −1: none. */
  readonly parent: number;
  /** Cells that belonged to it when it ended, those of branches that had joined it among them. */
  readonly size: number;
}

/**
 * Branches in the order in which they appear: by value, and by number where values are equal, so that the younger of two
 * branches that meet is the one of the higher minimum (the elder rule). Cells whose value is NaN or +∞ are no part of any set.
 * `neighbours` calls back with the cells beside one.
 */
export function branches(
  values: Float64Array,
  neighbours: (cell: number, visit: (neighbour: number) => void) => void,
): Branch[] {
  const order = Uint32Array.from(values.keys())
    .filter((cell) => values[cell]! < Infinity)
    .sort((a, b) => values[a]! - values[b]! || a - b);
  const found: { minimum: number; saddle: number; parent: number; size: number }[] = [];
  // Union-find over cells, whose roots know their branch.
  const up = new Int32Array(values.length).fill(-1);
  const branchOf = new Int32Array(values.length);
  const rootOf = (cell: number): number => {
    let root = cell;
    while (up[root] !== root) root = up[root]!;
    for (let at = cell; at !== root;) [at, up[at]] = [up[at]!, root];
    return root;
  };
  for (const cell of order) {
    up[cell] = cell;
    let own = -1;
    neighbours(cell, (neighbour) => {
      if (up[neighbour] === -1) return;
      const other = branchOf[rootOf(neighbour)]!;
      if (other === own) return;
      if (own === -1) {
        own = other;
        up[cell] = rootOf(neighbour);
        return;
      }
      // The list is in the order of the minima: the smaller number is the elder.
      const [elder, younger] = own < other ? [own, other] : [other, own];
      Object.assign(found[younger]!, { saddle: cell, parent: elder });
      found[elder]!.size += found[younger]!.size;
      const root = rootOf(cell);
      up[rootOf(neighbour)] = root;
      branchOf[root] = elder;
      own = elder;
    });
    if (own === -1) {
      own = found.push({ minimum: cell, saddle: -1, parent: -1, size: 0 }) - 1;
      branchOf[cell] = own;
    }
    found[own]!.size++;
  }
  return found;
}

/** Cells beside and above each other, and with `diagonals` those that share a corner. */
export function gridNeighbours(
  width: number,
  height: number,
  diagonals: boolean,
): (cell: number, visit: (neighbour: number) => void) => void {
  return (cell, visit) => {
    const x = cell % width;
    const y = (cell - x) / width;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        if ((dx === 0 && dy === 0) || (!diagonals && dx !== 0 && dy !== 0)) continue;
        if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
        visit(cell + dy * width + dx);
      }
    }
  };
}
