import { LossAtlasError } from '../../errors.js';
import type { Hdf5Data, Hdf5File } from '../hdf5.js';

/** An array is no larger than four times its file and this. */
const allowance = 64e6;

/** All numbers of an array in the file's order, as float64. Throws ERR_INVALID_DATA. */
export function readFloats(
  file: Hdf5File,
  name: string,
  path: string,
): { shape: readonly number[]; data: Float64Array } {
  const { shape, data } = readAll(file, name, path);
  return { shape, data: data instanceof Float64Array ? data : Float64Array.from(data, Number) };
}

/** The bytes of a one-dimensional array of them. Throws ERR_INVALID_DATA. */
export function readBytes(file: Hdf5File, name: string, path: string): Uint8Array {
  const { data } = readAll(file, name, path);
  if (data instanceof Uint8Array) return data;
  throw new LossAtlasError('ERR_INVALID_DATA', `'${path}': '${name}' should hold bytes (uint8).`);
}

function readAll(
  file: Hdf5File,
  name: string,
  path: string,
): { shape: readonly number[]; data: Float64Array | ArrayLike<number | bigint> } {
  const array = file.array(name);
  const [numRows = 0] = array.shape;
  const bytes = array.shape.reduce((product, size) => product * size, 8);
  if (array.shape.length === 0 || bytes > 4 * file.size + allowance) {
    const message = `'${path}': '${name}' has the shape (${array.shape.join(', ')}), which no result of a file of ${file.size} bytes has.`;
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  const data: Hdf5Data = bytes === 0 ? new Float64Array(0) : array.rows(numRows, null);
  return { shape: array.shape, data };
}
