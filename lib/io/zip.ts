import { crc32 } from 'node:zlib';

import { inflateSync } from 'fflate';

import { LossAtlasError, type ErrorCode } from '../errors.js';
import {
  locateZipDirectory,
  parseZipDirectory,
  zipTailLength,
  type ZipFail,
  type ZipMember,
} from '../zip-directory.js';

const localSignature = 0x04034b50;
const localLength = 30;

/** What one archive may unpack to: 64 times its own size and 64 MB. More is taken for a zip bomb. */
const maxRatio = 64;
const allowance = 64e6;

export interface ReadZipOptions {
  /** Code of the errors (default ERR_INVALID_DATA). */
  readonly code?: ErrorCode;
  /** Compare the checksums (default true). */
  readonly checksums?: boolean;
}

/**
 * Unpacks a zip archive (stored or deflated members) in its own order. Sizes are checked against the file
 * and the bomb limit before anything is allocated, checksums after. Stored members are views of `bytes`.
 */
export function readZip(
  bytes: Uint8Array,
  source: string,
  options: ReadZipOptions = {},
): Map<string, Uint8Array> {
  const { code = 'ERR_INVALID_DATA', checksums = true } = options;
  const fail = (problem: string, cause?: unknown): never => {
    throw new LossAtlasError(code, `${source}: ${problem}.`, { cause });
  };
  const members = listZip(bytes, fail);
  const total = members.reduce((sum, member) => sum + member.size, 0);
  const limit = maxRatio * bytes.length + allowance;
  if (total > limit) {
    fail(`unpacks to ${total} bytes, more than ${limit}; save it uncompressed if this is right`);
  }
  const files = new Map<string, Uint8Array>();
  for (const member of members) {
    if (files.has(member.name)) fail(`holds '${member.name}' twice`);
    const data = unpack(bytes, member, fail);
    if (checksums && crc32(data) !== member.crc) {
      fail(`the checksum of '${member.name}' is wrong: the file is damaged`);
    }
    files.set(member.name, data);
  }
  return files;
}

/** The directory of an archive in memory. */
function listZip(bytes: Uint8Array, fail: ZipFail): ZipMember[] {
  const tail = bytes.subarray(Math.max(0, bytes.length - zipTailLength));
  const { offset, length, count } = locateZipDirectory(tail, bytes.length, fail);
  return parseZipDirectory(bytes.subarray(offset, offset + length), count, fail);
}

type Fail = (problem: string, cause?: unknown) => never;

function unpack(bytes: Uint8Array, member: ZipMember, fail: Fail): Uint8Array {
  const { name, method, offset, packedSize, size } = member;
  if (member.isEncrypted) return fail(`'${name}' is encrypted`);
  if (size > maxRatio * packedSize + allowance) {
    return fail(`'${name}' unpacks from ${packedSize} to ${size} bytes, which is taken for a zip bomb`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + localLength > bytes.length || view.getUint32(offset, true) !== localSignature) {
    return fail(`'${name}' has no header where the zip directory says`);
  }
  const start = offset + localLength + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packedSize > bytes.length) return fail(`'${name}' is truncated`);
  const packed = bytes.subarray(start, start + packedSize);
  if (method !== 0 && method !== 8) return fail(`'${name}' uses the unsupported zip method ${method}`);
  const data = method === 0 ? packed : inflate(packed, size, name, fail);
  if (data.length !== size) {
    const actual = data.length > size ? 'more' : data.length;
    return fail(`'${name}' unpacks to ${actual} bytes, ${size} are declared`);
  }
  return data;
}

function inflate(packed: Uint8Array, size: number, name: string, fail: Fail): Uint8Array {
  try {
    // One byte more than declared shows an output that is too long; fflate writes nothing beyond `out`.
    return inflateSync(packed, { out: new Uint8Array(size + 1) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return fail(`'${name}' cannot be inflated (${reason})`, cause);
  }
}
