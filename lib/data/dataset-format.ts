import { extname } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { isGzip } from '../io/gunzip.js';
import { parseIdxHeader } from '../io/idx.js';
import type { FileStart } from '../io/read-file.js';
import { cifarRecordSize } from './cifar-file.js';
import { isCifarPickle } from './cifar-pickle.js';

/** What `loadDataset` knows, and in words. */
export const datasetFormats = {
  npy: 'NumPy .npy',
  npz: 'NumPy .npz',
  hdf5: 'HDF5',
  safetensors: 'safetensors',
  idx: 'IDX (MNIST), plain or gzip',
  cifar: 'CIFAR-10 or -100, binary (.bin) or Python batches',
  libsvm: 'libsvm text',
  csv: '.csv or .tsv text',
  images: 'a folder of images by class',
} as const;

export type DatasetFormat = keyof typeof datasetFormats;

/** First bytes that are looked at. */
export const probeLength = 64 << 10;

/** By content; by the ending of the name where the content says little (CSV, CIFAR's records). Null: none that is known. */
export function findFormat(path: string, start: FileStart): DatasetFormat | null {
  const { bytes, size, isFolder } = start;
  if (isFolder) return 'images';
  const extension = extname(path).toLowerCase();
  const begins = (text: string) => bytes.toString('latin1', 0, text.length) === text;
  if (begins('\x93NUMPY')) return 'npy';
  if (begins('PK\x03\x04')) return 'npz';
  // Behind a user block the signature stands at 512·2^k.
  if (hasSignature(bytes) || extension === '.h5' || extension === '.hdf5') return 'hdf5';
  if (isSafetensors(bytes, size)) return 'safetensors';
  if (isGzip(bytes)) return idxSize(unpackedStart(bytes)) === null ? null : 'idx';
  if (idxSize(bytes) === size) return 'idx';
  // A checkpoint of torch.save before 1.6 is a pickle of a long integer.
  if (isCifarPickle(bytes) && bytes[2] !== 0x8a) return 'cifar';
  const isRecords = size > 0 && (size % cifarRecordSize(10) === 0 || size % cifarRecordSize(100) === 0);
  if (extension === '.bin' && isRecords) return 'cifar';
  if (isText(bytes)) {
    if (isLibsvm(bytes.toString('latin1'))) return 'libsvm';
    if (extension === '.csv' || extension === '.tsv') return 'csv';
  }
  return null;
}

function hasSignature(bytes: Buffer): boolean {
  const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
  for (let at = 0; at < bytes.length; at = at === 0 ? 512 : 2 * at) {
    if (bytes.subarray(at, at + signature.length).equals(signature)) return true;
  }
  return false;
}

function isSafetensors(bytes: Buffer, size: number): boolean {
  return bytes.length > 8 && bytes[8] === 0x7b && bytes.readBigUInt64LE(0) <= BigInt(size);
}

/** Of the file that the header describes, or null where it is none. */
function idxSize(bytes: Uint8Array): number | null {
  try {
    return parseIdxHeader(bytes, '')?.size ?? null;
  } catch {
    return null;
  }
}

function unpackedStart(bytes: Buffer): Uint8Array {
  try {
    // The file goes on after these bytes.
    return gunzipSync(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}

function isText(bytes: Buffer): boolean {
  return bytes.length > 0 && !bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32));
}

/** The first line of more than a label is a label and index:value pairs. The last word may be cut off. */
function isLibsvm(text: string): boolean {
  const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
  for (const line of text.split('\n')) {
    const [label, ...pairs] = line.split('#', 1)[0]!.trim().split(/\s+/);
    if (label === undefined || label === '') continue;
    if (!number.test(label)) return false;
    if (pairs.length === 0) continue;
    return pairs.slice(0, Math.max(1, pairs.length - 1)).every((pair) => /^(?:\d+|qid):[^:]+$/.test(pair));
  }
  return false;
}
