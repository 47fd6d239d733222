import { zipSync } from 'fflate';

import { LossAtlasError } from '../errors.js';
import { checkOptions, invalidOption, isBoolean } from '../validate.js';
import { readNpy, writeNpy, type NpyArray } from './npy.js';
import { readZip } from './zip.js';

export interface NpzOptions {
  /** Deflate the members (default false, as `numpy.savez`). */
  readonly compress?: boolean | undefined;
}

/**
 * Reads an .npz archive into its arrays by name. `source` names the data in messages. Refuses zip bombs,
 * pickles and members that are no .npy file. Throws ERR_INVALID_DATA.
 */
export function readNpz(bytes: Uint8Array, source = 'npz data'): Record<string, NpyArray> {
  if (!(bytes instanceof Uint8Array)) throw invalidOption('readNpz: bytes', 'the bytes of a file', bytes);
  const arrays: [string, NpyArray][] = [];
  for (const [name, data] of readZip(bytes, source)) {
    if (!name.endsWith('.npy')) {
      throw new LossAtlasError('ERR_INVALID_DATA', `${source}: the member '${name}' is no .npy file.`);
    }
    arrays.push([name.slice(0, -'.npy'.length), readNpy(data, `${source}, '${name}'`)]);
  }
  return Object.fromEntries(arrays);
}

/** Writes arrays as an .npz archive that NumPy reads; equal input gives equal bytes. Throws ERR_INVALID_DATA. */
export function writeNpz(arrays: Readonly<Record<string, NpyArray>>, options: NpzOptions = {}): Uint8Array {
  checkOptions('writeNpz', options, { compress: isBoolean });
  const members = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, writeNpy(array)] as const);
  // A fixed time stamp: the earliest that zip can hold.
  return zipSync(Object.fromEntries(members), {
    level: options.compress === true ? 6 : 0,
    mtime: new Date(1980, 0, 1),
  });
}
