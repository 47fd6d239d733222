import { LossAtlasError } from '../errors.js';
import type { LossSurface, SurfaceBranch, SurfaceLoop, SurfaceTopology } from '../results.js';
import { checkOptions, invalidOption, isNumber } from '../validate.js';
import { branches, gridNeighbours, type Branch } from './filtration.js';

export interface SurfaceTopologyOptions {
  /** Minima and loops of less persistence are left out, of `smad` too: ripples of rounding. Default 0. */
  readonly minPersistence?: number;
}

type Grid = Pick<LossSurface, 'x' | 'y' | 'loss'>;

/**
 * Minima, saddles and their persistence, the merge tree and the loops of a surface's sublevel sets.
 *
 *     const { branches, smad } = surfaceTopology(surface, { minPersistence: 0.01 });
 *
 * Throws ERR_INVALID_OPTION, ERR_INVALID_DATA for a surface without a finite loss.
 */
export function surfaceTopology(surface: LossSurface, options: SurfaceTopologyOptions = {}): SurfaceTopology {
  requireSurface(surface);
  checkOptions('surfaceTopology', options, { minPersistence: isNumber(0) });
  const { minPersistence = 0 } = options;
  const { loss } = surface;
  const finite = loss.filter((value) => Number.isFinite(value));
  if (finite.length === 0)
    throw new LossAtlasError('ERR_INVALID_DATA', 'surfaceTopology: the surface has no finite loss.');
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const all = componentsOf(surface);
  const listed = simplified(all, loss, minPersistence);
  const loops = loopsOf(surface);
  const smad = saddleMinimumDistance(listed, loss);
  return Object.freeze({
    kind: 'surface-topology',
    formatVersion: 1,
    branches: Object.freeze(listed.map((branch) => describeBranch(branch, surface))),
    loops: Object.freeze(loops.filter(({ persistence }) => persistence > 0 && persistence >= minPersistence)),
    minPersistence,
    numMinima: all.filter((branch) => persistenceOf(branch, loss) > 0).length,
    numLoops: loops.filter(({ persistence }) => persistence > 0).length,
    smad,
    normalizedSmad: high > low ? smad / (high - low) : 0,
    low,
    high,
    numPoints: loss.length,
    numNotFinite: loss.length - finite.length,
    axes: surface.axes,
    provenance: surface.provenance,
  });
}

function requireSurface(surface: LossSurface): void {
  if ((surface as LossSurface | null)?.kind !== 'loss-surface')
    throw invalidOption('surfaceTopology: surface', 'a loss surface (of lossSurface or loadResult)', surface);
  const { x, y, loss } = surface;
  if (loss.length === x.length * y.length) return;
  throw new LossAtlasError(
    'ERR_INVALID_DATA',
    `surfaceTopology: ${loss.length} losses are not those of ${x.length} × ${y.length} points.`,
  );
}

function componentsOf({ x, y, loss }: Grid): Branch[] {
  const values = loss.map((value) => (Number.isFinite(value) ? value : NaN));
  return branches(values, gridNeighbours(x.length, y.length, true));
}

function persistenceOf({ minimum, saddle }: Branch, loss: Float64Array): number {
  return saddle === -1 ? Infinity : loss[saddle]! - loss[minimum]!;
}

/**
 * Without the branches of little persistence, and of none: a flat minimum is one. Whatever joins such a branch has even
 * less, so that no parent goes before its children.
 */
function simplified(all: readonly Branch[], loss: Float64Array, minPersistence: number): Branch[] {
  const isListed = all.map((branch) => {
    const persistence = persistenceOf(branch, loss);
    return persistence > 0 && persistence >= minPersistence;
  });
  const places = isListed.map((_, i) => isListed.slice(0, i).filter(Boolean).length);
  return all
    .filter((_, i) => isListed[i])
    .map((branch) => ({ ...branch, parent: branch.parent === -1 ? -1 : places[branch.parent]! }));
}

/** Mean over the leaves of the merge tree of the height of the edge above them. */
function saddleMinimumDistance(listed: readonly Branch[], loss: Float64Array): number {
  const first = listed.map(({ saddle }) => (saddle === -1 ? Infinity : loss[saddle]!));
  for (const { parent, saddle } of listed) {
    if (parent !== -1) first[parent] = Math.min(first[parent]!, loss[saddle]!);
  }
  const gaps = listed
    .map(({ minimum }, i) => first[i]! - loss[minimum]!)
    .filter((gap) => Number.isFinite(gap));
  return gaps.length === 0 ? 0 : gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
}

function describeBranch({ minimum, saddle, parent, size }: Branch, { x, y, loss }: Grid): SurfaceBranch {
  const [i, j] = [minimum % x.length, Math.floor(minimum / x.length)];
  const isOpen = saddle === -1;
  return Object.freeze({
    x: x[i]!,
    y: y[j]!,
    loss: loss[minimum]!,
    saddleX: isOpen ? NaN : x[saddle % x.length]!,
    saddleY: isOpen ? NaN : y[Math.floor(saddle / x.length)]!,
    saddleLoss: isOpen ? Infinity : loss[saddle]!,
    persistence: isOpen ? Infinity : loss[saddle]! - loss[minimum]!,
    parent,
    share: size / loss.length,
    isAtEdge: i === 0 || j === 0 || i === x.length - 1 || j === y.length - 1,
  });
}

/**
 * By Alexander duality: a loop of the sublevel sets is a component of what is above them that does not reach the
 * outside. The outside is a frame around the grid; it and points that are not finite are above everything.
 */
function loopsOf({ x, y, loss }: Grid): SurfaceLoop[] {
  const width = x.length + 2;
  const height = y.length + 2;
  const negated = new Float64Array(width * height).fill(-Infinity);
  const toFrame = (cell: number) => (Math.floor(cell / x.length) + 1) * width + (cell % x.length) + 1;
  loss.forEach((value, cell) => {
    if (Number.isFinite(value)) negated[toFrame(cell)] = -value;
  });
  const place = (cell: number): [number, number] => [
    x[(cell % width) - 1] ?? NaN,
    y[Math.floor(cell / width) - 1] ?? NaN,
  ];
  return branches(negated, gridNeighbours(width, height, false))
    .filter(({ saddle }) => saddle !== -1)
    .map(({ minimum, saddle }) => {
      const [birth, death] = [-negated[saddle]!, -negated[minimum]!];
      const [birthX, birthY] = place(saddle);
      const [maximumX, maximumY] = place(minimum);
      return Object.freeze({
        birth,
        x: birthX,
        y: birthY,
        death,
        maximumX,
        maximumY,
        persistence: death - birth,
      });
    })
    .filter(({ birth }) => Number.isFinite(birth))
    .sort((a, b) => b.persistence - a.persistence || a.birth - b.birth);
}
