import { LossAtlasError } from '../errors.js';
import { npyDtypes } from './checkpoint/npy-dtypes.js';
import { npyLayout } from './npy.js';
import { readFileStart } from './read-file.js';
import { StoredRows } from './stored-rows.js';

/** The longest header that is looked for. */
const maxHeader = 128 << 10;

/** The array of an .npy file, of which rows are read as they are asked for. Throws ERR_INVALID_DATA and what reading a file throws. */
export async function openNpyRows(path: string): Promise<StoredRows> {
  const { bytes, size } = await readFileStart(path, maxHeader);
  const { dtype, shape, offset, isBigEndian, isFortran } = npyLayout(bytes, size, `'${path}'`);
  if (isFortran) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}': the array lies in Fortran order, whose samples are spread over the file. Read it with lazy: false, or save numpy.ascontiguousarray of it.`,
    );
  }
  return StoredRows.open(path, { dtype: npyDtypes[dtype], shape, offset, isBigEndian });
}
