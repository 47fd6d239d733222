import { LossAtlasError } from '../../errors.js';
import { withHdf5 } from '../hdf5.js';
import { readFloats } from './hdf5-values.js';

/** A training path that tomgoldstein/loss-landscape projected on its plane: without losses, so no `Trajectory`. */
export interface Projection {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Share of the path's variance along either axis; null where the files do not say. */
  readonly explainedVariance: Float64Array | null;
}

/**
 * Reads `proj_xcoord` and `proj_ycoord` of a projection file of tomgoldstein/loss-landscape, and
 * `explained_variance_ratio_` from it or from the file of its directions.
 *
 *     const { x, y } = await loadProjection('directions.h5_proj_cos.h5', 'directions.h5');
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA.
 */
export async function loadProjection(path: string, directionFile?: string): Promise<Projection> {
  const { x, y, explainedVariance } = await withHdf5(path, (file) => ({
    x: readFloats(file, 'proj_xcoord', path).data,
    y: readFloats(file, 'proj_ycoord', path).data,
    explainedVariance: file.names().includes(varianceName) ? readFloats(file, varianceName, path).data : null,
  }));
  if (x.length !== y.length) {
    const message = `'${path}': 'proj_xcoord' has ${x.length} entries and 'proj_ycoord' ${y.length}.`;
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  const other =
    explainedVariance !== null || directionFile === undefined
      ? explainedVariance
      : await withHdf5(directionFile, (file) => readFloats(file, varianceName, directionFile).data);
  return Object.freeze({ x, y, explainedVariance: other?.slice(0, 2) ?? null });
}

const varianceName = 'explained_variance_ratio_';
