import { LossAtlasError } from '../errors.js';
import { npyDtypes } from './checkpoint/npy-dtypes.js';
import { openSource } from './file-source.js';
import { readNpyLayout } from './npy.js';
import { StoredRows } from './stored-rows.js';

/** The array of an .npy file, of which rows are read as they are asked for. Throws ERR_INVALID_DATA and what reading a file throws. */
export async function openNpyRows(path: string): Promise<StoredRows> {
  const source = await openSource(path);
  const { dtype, shape, start, isBig, isFortran } = readNpyLayout(source, `'${path}'`);
  if (isFortran) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}': the array lies in Fortran order, whose samples are spread over the file. Read it with lazy: false, or save numpy.ascontiguousarray of it.`,
    );
  }
  return new StoredRows(path, source, { dtype: npyDtypes[dtype], shape, offset: start, isBigEndian: isBig });
}
