import { crc32 } from 'node:zlib';
import {
  centralSignature,
  endSignature,
  localSignature,
  wideEndSignature,
  wideLocatorSignature,
} from '../zip-directory.js';

/** A member to store; `parts` gives its bytes anew each time. */
export interface ZipEntry {
  readonly name: string;
  /** Of all parts together. */
  readonly size: number;
  readonly parts: () => Iterable<Uint8Array>;
}

const limit16 = 0xffff;
const limit32 = 0xffffffff;
/** 1980-01-01, the earliest that zip can hold: equal input gives equal bytes. */
const date = 0x21;
/** PyTorch maps its storages into memory, and lets them begin at multiples of this. */
const alignment = 64;
const paddingId = 0x4246;
const wideId = 1;

interface Written {
  readonly name: Buffer;
  readonly crc: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The bytes of an archive of stored members, in parts as they come: no more than one part is in memory. Contents begin at
 * multiples of 64 bytes; records of zip64 stand where sizes, offsets or the number of members need them.
 */
export function* zipParts(entries: Iterable<ZipEntry>): Generator<Uint8Array> {
  const written: Written[] = [];
  let at = 0;
  for (const entry of entries) {
    let crc = 0;
    for (const part of entry.parts()) crc = crc32(part, crc);
    const member = { name: Buffer.from(entry.name), crc, size: entry.size, offset: at };
    const header = localHeader(member);
    yield header;
    yield* entry.parts();
    written.push(member);
    at += header.length + entry.size;
  }
  const start = at;
  for (const member of written) {
    const entry = centralEntry(member);
    yield entry;
    at += entry.length;
  }
  yield endRecords(written.length, start, at - start);
}

function localHeader({ name, crc, size, offset }: Written): Buffer {
  const wide = size >= limit32 ? wideField([size, size]) : Buffer.alloc(0);
  const before = offset + 30 + name.length + wide.length + 4;
  const padding = Buffer.alloc(4 + ((alignment - (before % alignment)) % alignment));
  padding.writeUInt16LE(paddingId, 0);
  padding.writeUInt16LE(padding.length - 4, 2);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(localSignature, 0);
  writeShared(header, 4, { name, crc, size }, wide.length + padding.length);
  return Buffer.concat([header, name, wide, padding]);
}

function centralEntry({ name, crc, size, offset }: Written): Buffer {
  const wideSizes = size >= limit32 ? [size, size] : [];
  const wideOffset = offset >= limit32 ? [offset] : [];
  const wide = wideField([...wideSizes, ...wideOffset]);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(centralSignature, 0);
  entry.writeUInt16LE(45, 4);
  writeShared(entry, 6, { name, crc, size }, wide.length);
  entry.writeUInt32LE(Math.min(offset, limit32), 42);
  return Buffer.concat([entry, name, wide]);
}

/** What both headers have, from the version needed on. */
function writeShared(
  to: Buffer,
  at: number,
  { name, crc, size }: Omit<Written, 'offset'>,
  extra: number,
): void {
  to.writeUInt16LE(45, at);
  // Names are UTF-8.
  to.writeUInt16LE(0x800, at + 2);
  to.writeUInt16LE(date, at + 8);
  to.writeUInt32LE(crc, at + 10);
  to.writeUInt32LE(Math.min(size, limit32), at + 14);
  to.writeUInt32LE(Math.min(size, limit32), at + 18);
  to.writeUInt16LE(name.length, at + 22);
  to.writeUInt16LE(extra, at + 24);
}

function wideField(values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(wideId, 0);
  field.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => field.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
  return field;
}

function endRecords(count: number, start: number, length: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(endSignature, 0);
  end.writeUInt16LE(Math.min(count, limit16), 8);
  end.writeUInt16LE(Math.min(count, limit16), 10);
  end.writeUInt32LE(Math.min(length, limit32), 12);
  end.writeUInt32LE(Math.min(start, limit32), 16);
  if (count < limit16 && length < limit32 && start < limit32) return end;
  const wide = Buffer.alloc(56);
  wide.writeUInt32LE(wideEndSignature, 0);
  wide.writeBigUInt64LE(44n, 4);
  wide.writeUInt16LE(45, 12);
  wide.writeUInt16LE(45, 14);
  [count, count, length, start].forEach((value, i) => wide.writeBigUInt64LE(BigInt(value), 24 + 8 * i));
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(wideLocatorSignature, 0);
  locator.writeBigUInt64LE(BigInt(start + length), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([wide, locator, end]);
}
