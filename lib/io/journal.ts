import { crc32 } from 'node:zlib';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { LossAtlasError } from '../errors.js';
import { FileLock } from './file-lock.js';
import { settingDifferences } from './setting-differences.js';

/** Everything that decides what a run computes, by name. */
export type Fingerprint = Readonly<Record<string, string | number>>;

/** What is resumed, as the file and messages name it. */
export type JournalKind =
  'sweep' | 'evaluation' | 'spectrum' | 'products' | 'basin' | 'eigenvalue-map' | 'track' | 'connection';

const maxHeaderBytes = 1 << 20;
/** A length before each record and a CRC-32 behind it. */
const frameBytes = 8;
/** What is longer is no record of ours, but a damaged length. */
export const maxRecordBytes = 1 << 30;
const readAhead = 1 << 20;

/** Gets each record that is there already, in order; false drops it and all behind it. */
export type TakeRecord = (record: Buffer) => boolean;

/**
 * What a long run has computed, on disk, record by record in order, so that a killed run goes on where it was. The file
 * is a header (magic line, length and CRC-32 of a JSON fingerprint) and records (length, bytes, CRC-32), little-endian.
 * A record that was cut short is overwritten.
 */
export class Journal {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  readonly #start: number;
  #end: number;

  private constructor(path: string, file: FileHandle, start: number, end: number, lock: FileLock) {
    this.path = path;
    this.#file = file;
    this.#start = start;
    this.#end = end;
    this.#lock = lock;
  }

  /** Makes the file, or goes on with it. Throws ERR_RESUME where the file belongs to another run, ERR_FILE_NOT_WRITABLE. */
  static async open(
    path: string,
    kind: JournalKind,
    fingerprint: Fingerprint,
    take: TakeRecord,
  ): Promise<Journal> {
    const lock = await FileLock.take(path);
    try {
      return await Journal.#openLocked(path, kind, fingerprint, take, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** What decided the results in the file; null where there is no such file, or none that can be read. */
  static async fingerprintIn(path: string, kind: JournalKind): Promise<Fingerprint | null> {
    let file: FileHandle;
    try {
      // Nobody need be at the other end of a pipe.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return null;
    }
    try {
      if (!(await file.stat()).isFile()) return null;
      const header = decodeHeader(await readBytes(file, 0, maxHeaderBytes), kind);
      return typeof header === 'string' ? null : header.fingerprint;
    } finally {
      await file.close();
    }
  }

  static async #openLocked(
    path: string,
    kind: JournalKind,
    fingerprint: Fingerprint,
    take: TakeRecord,
    lock: FileLock,
  ): Promise<Journal> {
    const file = await openFile(path);
    try {
      const reader = new JournalReader(file, (await file.stat()).size);
      const header = encodeHeader(kind, fingerprint);
      const head = await reader.read(0, maxHeaderBytes);
      // A header that was cut short holds no records yet.
      if (head.length < header.length && header.subarray(0, head.length).equals(head)) {
        await write(file, path, header, 0, 'Nothing is in it yet');
        await file.truncate(header.length);
        return new Journal(path, file, header.length, header.length, lock);
      }
      const start = requireSame(path, head, kind, fingerprint);
      const end = await takeRecords(reader, start, take);
      await file.truncate(end);
      return new Journal(path, file, start, end, lock);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Throws ERR_FILE_NOT_WRITABLE, after which the file is still good. */
  async append(records: readonly Uint8Array[]): Promise<void> {
    const buffer = Buffer.concat(records.map(frame));
    const kept = this.#end === this.#start ? 'Nothing is in it yet' : 'What was computed so far is in it';
    await write(this.#file, this.path, buffer, this.#end, kept);
    this.#end += buffer.length;
  }

  /** The record of that number in a file whose records all have `recordBytes`. */
  async readRecord(index: number, recordBytes: number): Promise<Buffer> {
    const start = this.#start + index * (recordBytes + frameBytes) + 4;
    const record = await readBytes(this.#file, start, recordBytes);
    if (record.length === recordBytes) return record;
    throw new LossAtlasError('ERR_RESUME', `'${this.path}' was cut while it was in use. Run again.`);
  }

  /** A file without a record is taken away: it would only stand in the way of a run with other settings. */
  async close(): Promise<void> {
    await this.#file.close();
    if (this.#end === this.#start) await rm(this.path, { force: true });
    await this.#lock.release();
  }
}

/** Reads ahead, so that small records cost no call each, and large ones no more memory than their own. */
class JournalReader {
  readonly size: number;
  readonly #file: FileHandle;
  #window = Buffer.alloc(0);
  #windowStart = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Fewer bytes at the end of the file. */
  async read(start: number, length: number): Promise<Buffer> {
    const end = Math.min(start + length, this.size);
    if (start < this.#windowStart || end > this.#windowStart + this.#window.length) {
      this.#window = await readBytes(
        this.#file,
        start,
        Math.min(Math.max(length, readAhead), this.size - start),
      );
      this.#windowStart = start;
    }
    return this.#window.subarray(start - this.#windowStart, end - this.#windowStart);
  }
}

/** Fewer bytes at the end of the file. */
async function readBytes(file: FileHandle, start: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  for (let bytesRead = -1; done < length && bytesRead !== 0; done += bytesRead)
    ({ bytesRead } = await file.read(buffer, done, length - done, start + done));
  return buffer.subarray(0, done);
}

function frame(record: Uint8Array): Buffer {
  const out = Buffer.alloc(record.length + frameBytes);
  out.writeUInt32LE(record.length, 0);
  out.set(record, 4);
  out.writeUInt32LE(crc32(record), record.length + 4);
  return out;
}

function magicOf(kind: JournalKind): string {
  return `lossatlas ${kind} 2\n`;
}

function encodeHeader(kind: JournalKind, fingerprint: Fingerprint): Buffer {
  const json = Buffer.from(JSON.stringify(fingerprint), 'utf8');
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(json.length, 0);
  numbers.writeUInt32LE(crc32(json), 4);
  return Buffer.concat([Buffer.from(magicOf(kind), 'latin1'), numbers, json]);
}

/** What the header says and where it ends; a text: what is wrong with it. */
function decodeHeader(
  bytes: Buffer,
  kind: JournalKind,
): { readonly fingerprint: Fingerprint; readonly end: number } | string {
  const magic = magicOf(kind);
  const start = magic.length + 8;
  if (bytes.length < start || bytes.toString('latin1', 0, magic.length) !== magic)
    return `is no file of ${words[kind]} to resume`;
  const length = bytes.readUInt32LE(magic.length);
  const json = bytes.subarray(start, start + length);
  if (length > maxHeaderBytes || json.length < length || crc32(json) !== bytes.readUInt32LE(magic.length + 4))
    return 'is damaged: its header does not fit its checksum';
  try {
    return { fingerprint: Object(JSON.parse(json.toString('utf8'))) as Fingerprint, end: start + length };
  } catch {
    return 'is damaged: its header is no JSON';
  }
}

/** Where the records begin. */
function requireSame(path: string, bytes: Buffer, kind: JournalKind, fingerprint: Fingerprint): number {
  const foreign = (why: string) =>
    new LossAtlasError(
      'ERR_RESUME',
      `'${path}' ${why}. Nothing was changed; give another file, or remove it to start anew.`,
    );
  const header = decodeHeader(bytes, kind);
  if (typeof header === 'string') throw foreign(header);
  const { fingerprint: found, end } = header;
  const differences = settingDifferences(found, fingerprint);
  if (differences.length > 0) throw foreign(`belongs to ${others[kind]} (${differences.join('; ')})`);
  return end;
}

const words: Readonly<Record<JournalKind, string>> = {
  sweep: 'a sweep',
  evaluation: 'an evaluation',
  spectrum: 'a spectral density',
  products: 'products',
  basin: 'a basin volume',
  'eigenvalue-map': 'an eigenvalue map',
  track: 'a track',
  connection: 'the values along a path',
};
const others: Readonly<Record<JournalKind, string>> = {
  sweep: 'another sweep',
  evaluation: 'another evaluation',
  spectrum: 'another spectrum',
  products: 'products of another matrix',
  basin: 'another basin',
  'eigenvalue-map': 'another eigenvalue map',
  track: 'another track',
  connection: 'another connection',
};

/** Up to the first record that is cut short, damaged or dropped: where it begins. */
async function takeRecords(reader: JournalReader, start: number, take: TakeRecord): Promise<number> {
  for (let at = start; ;) {
    const prefix = await reader.read(at, 4);
    if (prefix.length < 4) return at;
    const length = prefix.readUInt32LE(0);
    if (length > maxRecordBytes || at + length + frameBytes > reader.size) return at;
    const framed = await reader.read(at + 4, length + 4);
    if (framed.length < length + 4) return at;
    const record = framed.subarray(0, length);
    if (crc32(record) !== framed.readUInt32LE(length) || !take(record)) return at;
    at += length + frameBytes;
  }
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

/** `kept`: what of the run is in the file if this fails. */
async function write(
  file: FileHandle,
  path: string,
  data: Buffer,
  position: number,
  kept: string,
): Promise<void> {
  try {
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
      done += bytesWritten;
    }
  } catch (cause) {
    throw new LossAtlasError(
      'ERR_FILE_NOT_WRITABLE',
      `Cannot write '${path}': ${(cause as Error).message}. ${kept}; make room and run again.`,
      { cause },
    );
  }
}
