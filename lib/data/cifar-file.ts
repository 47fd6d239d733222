import { LossAtlasError } from '../errors.js';
import { readWholeFile } from '../io/read-file.js';
import { isCifarPickle, readCifarPickle } from './cifar-pickle.js';
import { numPixels, type CifarClasses, type CifarFile, type CifarRecord } from './cifar-record.js';

/** A file of either version; `classes` undefined: as it says itself, or 10. */
export async function readCifarFile(path: string, classes: CifarClasses | undefined): Promise<CifarFile> {
  const file = await readWholeFile(path);
  if (isCifarPickle(file)) return readCifarPickle(file, path, classes);
  return readBinary(file, path, classes ?? 10);
}

/** Bytes of a record of the binary version: CIFAR-100 has the coarse label, the fine one and the pixels. */
export function cifarRecordSize(classes: CifarClasses): number {
  return numPixels + (classes === 100 ? 2 : 1);
}

function readBinary(file: Uint8Array, path: string, classes: CifarClasses): CifarFile {
  const length = cifarRecordSize(classes);
  if (file.length % length !== 0) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}': ${file.length} bytes are no whole number of CIFAR-${classes} records of ${length} bytes: ` +
        `after ${Math.floor(file.length / length)} of them ${file.length % length} bytes are left.${hintOf(file, classes)}`,
    );
  }
  const records = Array.from({ length: file.length / length }, (_, number): CifarRecord => {
    const bytes = file.subarray(number * length, (number + 1) * length);
    const [coarse, label] = classes === 100 ? [bytes[0]!, bytes[1]!] : [0, bytes[0]!];
    return { path, number, label, coarse, pixels: bytes.subarray(length - numPixels) };
  });
  return { classes, records };
}

function hintOf(file: Uint8Array, classes: CifarClasses): string {
  const other = classes === 10 ? 100 : 10;
  if (file.length % cifarRecordSize(other) === 0) return ` Is it CIFAR-${other}?`;
  if (file[0] === 0x1f && file[1] === 0x8b) return ' It is packed (gzip); unpack it first.';
  return '';
}
