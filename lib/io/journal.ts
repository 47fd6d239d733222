import { crc32 } from 'node:zlib';
import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { LossAtlasError } from '../errors.js';
import { FileLock } from './file-lock.js';

/** Everything that decides what a run computes, by name. */
export type Fingerprint = Readonly<Record<string, string | number>>;

/** What is resumed, as the file and messages name it. */
export type JournalKind = 'sweep' | 'evaluation' | 'spectrum';

const maxHeaderBytes = 1 << 20;
/** A length before each record and a CRC-32 behind it. */
const frameBytes = 8;

/**
 * What a long run has computed, on disk, record by record in order, so that a killed run goes on where it was. The file
 * is a header (magic line, length and CRC-32 of a JSON fingerprint) and records (length, bytes, CRC-32), little-endian.
 * A record that was cut short is overwritten.
 */
export class Journal {
  readonly path: string;
  /** Records that were there already. */
  readonly restored: readonly Buffer[];
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  readonly #start: number;
  #end: number;

  private constructor(
    path: string,
    file: FileHandle,
    start: number,
    end: number,
    restored: readonly Buffer[],
    lock: FileLock,
  ) {
    this.path = path;
    this.#file = file;
    this.#start = start;
    this.#end = end;
    this.restored = restored;
    this.#lock = lock;
  }

  /**
   * Makes the file, or goes on with it; records from the `limit`th on, or from one that `isRecord` refuses, are dropped.
   * Throws ERR_RESUME where the file belongs to another run, ERR_FILE_NOT_WRITABLE.
   */
  static async open(
    path: string,
    kind: JournalKind,
    fingerprint: Fingerprint,
    limit: number,
    isRecord: (record: Buffer) => boolean,
  ): Promise<Journal> {
    const lock = await FileLock.take(path);
    try {
      return await Journal.#openLocked(path, kind, fingerprint, limit, isRecord, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  static async #openLocked(
    path: string,
    kind: JournalKind,
    fingerprint: Fingerprint,
    limit: number,
    isRecord: (record: Buffer) => boolean,
    lock: FileLock,
  ): Promise<Journal> {
    const file = await openFile(path);
    try {
      const bytes = await file.readFile();
      const header = encodeHeader(kind, fingerprint);
      // A header that was cut short holds no records yet.
      if (bytes.length < header.length && header.subarray(0, bytes.length).equals(bytes)) {
        await write(file, path, header, 0);
        await file.truncate(header.length);
        return new Journal(path, file, header.length, header.length, [], lock);
      }
      const start = requireSame(path, bytes, kind, fingerprint);
      const restored = readRecords(bytes.subarray(start), limit, isRecord);
      const end = start + restored.reduce((sum, record) => sum + record.length + frameBytes, 0);
      await file.truncate(end);
      return new Journal(path, file, start, end, restored, lock);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Throws ERR_FILE_NOT_WRITABLE, after which the file is still good. */
  async append(records: readonly Uint8Array[]): Promise<void> {
    const buffer = Buffer.concat(records.map(frame));
    await write(this.#file, this.path, buffer, this.#end);
    this.#end += buffer.length;
  }

  /** A file without a record is taken away: it would only stand in the way of a run with other settings. */
  async close(): Promise<void> {
    await this.#file.close();
    if (this.#end === this.#start) await rm(this.path, { force: true });
    await this.#lock.release();
  }
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

/** Where the records begin. */
function requireSame(path: string, bytes: Buffer, kind: JournalKind, fingerprint: Fingerprint): number {
  const magic = magicOf(kind);
  const foreign = (why: string) =>
    new LossAtlasError(
      'ERR_RESUME',
      `'${path}' ${why}. Nothing was changed; give another file, or remove it to start anew.`,
    );
  const start = magic.length + 8;
  if (bytes.length < start || bytes.toString('latin1', 0, magic.length) !== magic)
    throw foreign(`is no file of ${withArticle(kind)} to resume`);
  const length = bytes.readUInt32LE(magic.length);
  const json = bytes.subarray(start, start + length);
  if (length > maxHeaderBytes || json.length < length || crc32(json) !== bytes.readUInt32LE(magic.length + 4))
    throw foreign('is damaged: its header does not fit its checksum');
  const found = JSON.parse(json.toString('utf8')) as Fingerprint;
  const keys = new Set([...Object.keys(found), ...Object.keys(fingerprint)]);
  const differences = [...keys]
    .filter((key) => found[key] !== fingerprint[key])
    .map((key) => `${key}: ${show(found[key])} in the file, ${show(fingerprint[key])} now`);
  if (differences.length > 0) throw foreign(`belongs to another ${kind} (${differences.join('; ')})`);
  return start + length;
}

function show(value: string | number | undefined): string {
  if (value === undefined) return 'absent';
  const text = String(value);
  if (/^[0-9a-f]{64}$/.test(text)) return `${text.slice(0, 16)}…`;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function withArticle(kind: JournalKind): string {
  return { sweep: 'a sweep', evaluation: 'an evaluation', spectrum: 'a spectral density' }[kind];
}

/** Up to the first record that is cut short or damaged. */
function readRecords(bytes: Buffer, limit: number, isRecord: (record: Buffer) => boolean): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + frameBytes <= bytes.length && records.length < limit;) {
    const length = bytes.readUInt32LE(at);
    const end = at + 4 + length;
    if (end + 4 > bytes.length) break;
    const record = bytes.subarray(at + 4, end);
    if (crc32(record) !== bytes.readUInt32LE(end) || !isRecord(record)) break;
    records.push(record);
    at = end + 4;
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
      `Cannot write '${path}': ${(cause as Error).message}. What was computed so far is in it; make room and run again.`,
      { cause },
    );
  }
}
