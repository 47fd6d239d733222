import { crc32 } from 'node:zlib';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { LossAtlasError } from '../errors.js';
import { FileLock } from '../io/file-lock.js';

/** Everything that decides a sweep's values, by name. */
export type Fingerprint = Readonly<Record<string, string | number>>;

const magic = 'lossatlas sweep 1\n';
const maxHeaderBytes = 1 << 20;

/**
 * The values of a sweep on disk, point by point in order, so that a killed run goes on where it was. The file is a header
 * (magic line, length and CRC of a JSON fingerprint) and one record a point: `width` float64 and their CRC-32,
 * little-endian. A record that was cut short is overwritten.
 */
export class Journal {
  readonly path: string;
  /** Values of the points that were there already. */
  readonly restored: readonly Float64Array[];
  readonly #file: FileHandle;
  readonly #width: number;
  readonly #lock: FileLock;
  #end: number;

  private constructor(
    path: string,
    file: FileHandle,
    width: number,
    end: number,
    restored: readonly Float64Array[],
    lock: FileLock,
  ) {
    this.path = path;
    this.#file = file;
    this.#width = width;
    this.#end = end;
    this.restored = restored;
    this.#lock = lock;
  }

  /** Makes the file, or goes on with it. Throws ERR_RESUME where it belongs to another sweep. */
  static async open(
    path: string,
    fingerprint: Fingerprint,
    numPoints: number,
    width: number,
  ): Promise<Journal> {
    const lock = await FileLock.take(path);
    try {
      return await Journal.#openLocked(path, fingerprint, numPoints, width, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  static async #openLocked(
    path: string,
    fingerprint: Fingerprint,
    numPoints: number,
    width: number,
    lock: FileLock,
  ): Promise<Journal> {
    const file = await openFile(path);
    try {
      const bytes = await file.readFile();
      const header = encodeHeader(fingerprint);
      // A header that was cut short holds no values yet.
      if (bytes.length < header.length && header.subarray(0, bytes.length).equals(bytes)) {
        await write(file, path, header, 0);
        await file.truncate(header.length);
        return new Journal(path, file, width, header.length, [], lock);
      }
      const start = requireSame(path, bytes, fingerprint);
      const restored = readRecords(bytes.subarray(start), width).slice(0, numPoints);
      const end = start + restored.length * recordBytes(width);
      await file.truncate(end);
      return new Journal(path, file, width, end, restored, lock);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Appends the values of the next points. Throws ERR_FILE_NOT_WRITABLE, after which the file is still good. */
  async append(values: readonly Float64Array[]): Promise<void> {
    const size = recordBytes(this.#width);
    const buffer = Buffer.alloc(values.length * size);
    values.forEach((point, i) => {
      const record = buffer.subarray(i * size, (i + 1) * size);
      point.forEach((value, k) => record.writeDoubleLE(value, 8 * k));
      record.writeUInt32LE(crc32(record.subarray(0, size - 4)), size - 4);
    });
    await write(this.#file, this.path, buffer, this.#end);
    this.#end += buffer.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock.release();
  }
}

function recordBytes(width: number): number {
  return 8 * width + 4;
}

function encodeHeader(fingerprint: Fingerprint): Buffer {
  const json = Buffer.from(JSON.stringify(fingerprint), 'utf8');
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(json.length, 0);
  numbers.writeUInt32LE(crc32(json), 4);
  return Buffer.concat([Buffer.from(magic, 'latin1'), numbers, json]);
}

/** Where the records begin. */
function requireSame(path: string, bytes: Buffer, fingerprint: Fingerprint): number {
  const foreign = (why: string) =>
    new LossAtlasError(
      'ERR_RESUME',
      `'${path}' ${why}. Nothing was changed; give another file, or remove it to start anew.`,
    );
  const start = magic.length + 8;
  if (bytes.length < start || bytes.toString('latin1', 0, magic.length) !== magic)
    throw foreign('is no file of a sweep to resume');
  const length = bytes.readUInt32LE(magic.length);
  const json = bytes.subarray(start, start + length);
  if (length > maxHeaderBytes || json.length < length || crc32(json) !== bytes.readUInt32LE(magic.length + 4))
    throw foreign('is damaged: its header does not fit its checksum');
  const found = JSON.parse(json.toString('utf8')) as Fingerprint;
  const keys = new Set([...Object.keys(found), ...Object.keys(fingerprint)]);
  const differences = [...keys]
    .filter((key) => found[key] !== fingerprint[key])
    .map((key) => `${key}: ${show(found[key])} in the file, ${show(fingerprint[key])} now`);
  if (differences.length > 0) throw foreign(`belongs to another sweep (${differences.join('; ')})`);
  return start + length;
}

function show(value: string | number | undefined): string {
  if (value === undefined) return 'absent';
  const text = String(value);
  if (/^[0-9a-f]{64}$/.test(text)) return `${text.slice(0, 16)}…`;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Up to the first record that is cut short or damaged. */
function readRecords(bytes: Buffer, width: number): Float64Array[] {
  const size = recordBytes(width);
  const records: Float64Array[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    const record = bytes.subarray(at, at + size);
    if (crc32(record.subarray(0, size - 4)) !== record.readUInt32LE(size - 4)) break;
    records.push(Float64Array.from({ length: width }, (_, k) => record.readDoubleLE(8 * k)));
  }
  return records;
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new Error('it is no regular file');
  } catch (cause) {
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `The file to resume from, '${path}', cannot be opened: ${(cause as Error).message}`,
      { cause },
    );
  }
}

async function write(file: FileHandle, path: string, data: Buffer, position: number): Promise<void> {
  try {
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
      done += bytesWritten;
    }
  } catch (cause) {
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `Cannot write '${path}': ${(cause as Error).message}. The values up to here are in it; make room and run again.`,
      { cause },
    );
  }
}
