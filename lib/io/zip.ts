import { crc32 } from 'node:zlib';

import { inflateSync } from 'fflate';

import { LossAtlasError } from '../errors.js';

interface Member {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endLength = 22;
const centralLength = 46;
const localLength = 30;

/** What one archive may unpack to: 64 times its own size and 64 MB. More is taken for a zip bomb. */
const maxRatio = 64;
const allowance = 64e6;

/**
 * Unpacks a zip archive (stored or deflated members) in its own order. Sizes are checked against the file
 * and the bomb limit before anything is allocated, checksums after. Throws ERR_INVALID_DATA.
 */
export function readZip(bytes: Uint8Array, source: string): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const members = readDirectory(bytes, view, source);
  const total = members.reduce((sum, member) => sum + member.size, 0);
  const limit = maxRatio * bytes.length + allowance;
  if (total > limit) {
    fail(source, `unpacks to ${total} bytes, more than ${limit}; save it uncompressed if this is right`);
  }
  const files = new Map<string, Uint8Array>();
  for (const member of members) {
    if (files.has(member.name)) fail(source, `holds '${member.name}' twice`);
    files.set(member.name, unpack(bytes, view, member, source));
  }
  return files;
}

function readDirectory(bytes: Uint8Array, view: DataView, source: string): Member[] {
  const end = findEnd(view);
  if (end < 0) fail(source, 'no zip archive, or a truncated one (its end record is missing)');
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const start = view.getUint32(end + 16, true);
  if (count === 0xffff || start === 0xffffffff) fail(source, 'zip64 archives are not supported');
  if (view.getUint16(end + 4, true) !== 0) fail(source, 'split archives are not supported');
  if (start + size > end) fail(source, 'the zip directory does not fit into the file');
  const members: Member[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + centralLength > start + size || view.getUint32(at, true) !== centralSignature) {
      fail(source, `entry ${i + 1} of ${count} of the zip directory is damaged`);
    }
    const nameLength = view.getUint16(at + 28, true);
    const next =
      at + centralLength + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > start + size) fail(source, `entry ${i + 1} of ${count} of the zip directory is damaged`);
    const nameStart = at + centralLength;
    const name = new TextDecoder().decode(bytes.subarray(nameStart, nameStart + nameLength));
    if (view.getUint16(at + 8, true) & 1) fail(source, `'${name}' is encrypted`);
    members.push({
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at = next;
  }
  return members;
}

function findEnd(view: DataView): number {
  const last = view.byteLength - endLength;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    const isEnd = view.getUint32(at, true) === endSignature;
    if (isEnd && at + endLength + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return -1;
}

function unpack(bytes: Uint8Array, view: DataView, member: Member, source: string): Uint8Array {
  const { name, method, offset, packedSize, size } = member;
  if (packedSize === 0xffffffff || size === 0xffffffff) fail(source, 'zip64 archives are not supported');
  if (size > maxRatio * packedSize + allowance) {
    fail(source, `'${name}' unpacks from ${packedSize} to ${size} bytes, which is taken for a zip bomb`);
  }
  if (offset + localLength > bytes.length || view.getUint32(offset, true) !== localSignature) {
    fail(source, `'${name}' has no header where the zip directory says`);
  }
  const start = offset + localLength + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packedSize > bytes.length) fail(source, `'${name}' is truncated`);
  const packed = bytes.subarray(start, start + packedSize);
  if (method !== 0 && method !== 8) fail(source, `'${name}' uses the unsupported zip method ${method}`);
  const data = method === 0 ? packed : inflate(packed, size, name, source);
  if (data.length !== size) {
    const actual = data.length > size ? 'more' : data.length;
    fail(source, `'${name}' unpacks to ${actual} bytes, ${size} are declared`);
  }
  if (crc32(data) !== member.crc) fail(source, `the checksum of '${name}' is wrong: the file is damaged`);
  return data;
}

function inflate(packed: Uint8Array, size: number, name: string, source: string): Uint8Array {
  try {
    // One byte more than declared shows an output that is too long; fflate writes nothing beyond `out`.
    return inflateSync(packed, { out: new Uint8Array(size + 1) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${source}: '${name}' cannot be inflated (${reason}).`;
    throw new LossAtlasError('ERR_INVALID_DATA', message, { cause });
  }
}

function fail(source: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
}
