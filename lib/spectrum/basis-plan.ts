import { LossAtlasError } from '../errors.js';
import type { ParameterSpace } from '../model/parameter-space.js';
import type { BasisPlacement } from './krylov-basis.js';

export interface BasisOptions {
  /** Vectors that the Krylov basis may hold; a full one is restarted. Default: as many as the memory budget allows. */
  readonly basisSize?: number;
  /**
   * Bytes that the basis may take. Default: a quarter of the memory that this process may still take on the host; 4 GB on
   * a GPU.
   */
  readonly memoryBudget?: number;
  /** `host` keeps the basis of a model on a GPU in host memory: more room, one copy a product. Default `device`. */
  readonly basisPlacement?: BasisPlacement;
}

export interface BasisPlan {
  /** Vectors that the basis may hold. */
  readonly room: number;
  readonly basisPlacement: BasisPlacement;
}

/** Bytes of a basis of `size` vectors. */
export function basisBytes(space: ParameterSpace, size: number): number {
  return size * space.size * (space.dtype === 'float64' ? 8 : 4);
}

/**
 * How large a basis may get, known before anything is computed. `wanted`: what would never be restarted; `needed`: what a
 * restart cannot do without. Throws ERR_OUT_OF_MEMORY, ERR_INVALID_OPTION.
 */
export function planBasis(
  space: ParameterSpace,
  options: BasisOptions,
  { wanted, needed }: { readonly wanted: number; readonly needed: number },
): BasisPlan {
  const { basisPlacement = 'device' } = options;
  const isOnHost = basisPlacement === 'host' || space.device === 'cpu';
  const budget = options.memoryBudget ?? (isOnHost ? process.availableMemory() / 4 : 4e9);
  const most = Math.min(wanted, options.basisSize ?? Infinity);
  const room = Math.min(most, Math.floor(budget / basisBytes(space, 1)));
  if (room >= needed) return { room, basisPlacement };
  if (options.basisSize !== undefined && options.basisSize < needed) {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `option 'basisSize' must be at least ${needed} here, but is ${options.basisSize}.`,
    );
  }
  const megabytes = (bytes: number) => `${(bytes / 1e6).toPrecision(3)} MB`;
  const wants = megabytes(basisBytes(space, needed));
  throw new LossAtlasError(
    'ERR_OUT_OF_MEMORY',
    `The smallest basis that will do, ${needed} vectors of ${space.size} numbers, takes ${wants}; the budget is ` +
      `${megabytes(budget)}. Raise memoryBudget, ask for fewer pairs or steps` +
      (isOnHost ? '.' : ", or set basisPlacement: 'host'."),
  );
}
