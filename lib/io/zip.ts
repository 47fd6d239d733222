import { crc32, inflateRawSync } from 'node:zlib';

import { LossAtlasError, type ErrorCode } from '../errors.js';
import {
  localLength,
  localSignature,
  locateZipDirectory,
  parseZipDirectory,
  zipTailLength,
  type ZipFail,
  type ZipMember,
} from '../zip-directory.js';
import { bytesAt, MemorySource, SourcePart, type ByteSource } from './byte-source.js';

/** What one archive may unpack to: 64 times its own size and 64 MB. More is taken for a zip bomb. */
const defaultRatio = 64;
const allowance = 64e6;
/** Checksums of what is not read in one piece are computed over parts of this size. */
const checkedPart = 1 << 20;

export interface ReadZipOptions {
  /** Code of the errors (default ERR_INVALID_DATA). */
  readonly code?: ErrorCode;
  /** Compare the checksums (default true). */
  readonly checksums?: boolean;
  /** What the archive may unpack to in its own sizes, besides 64 MB (default 64). */
  readonly maxRatio?: number;
}

type Fail = (problem: string, cause?: unknown) => never;

/**
 * A zip archive (stored or deflated members, zip64) of which only the directory is read at first. `name` names it in
 * messages. Sizes are checked against the file and the bomb limit before anything is allocated.
 */
export class ZipArchive {
  /** In the order of the directory. */
  readonly members: ReadonlyMap<string, ZipMember>;
  readonly #source: ByteSource;
  readonly #checksums: boolean;
  readonly #fail: Fail;

  constructor(source: ByteSource, name: string, options: ReadZipOptions = {}) {
    const { code = 'ERR_INVALID_DATA', checksums = true, maxRatio = defaultRatio } = options;
    this.#source = source;
    this.#checksums = checksums;
    this.#fail = (problem, cause) => {
      throw new LossAtlasError(code, `${name}: ${problem}.`, { cause });
    };
    const list = listZip(source, this.#fail);
    const total = list.reduce((sum, { size }) => sum + size, 0);
    const limit = maxRatio * source.size + allowance;
    if (total > limit) {
      this.#fail(`unpacks to ${total} bytes, more than ${limit}; save it uncompressed if this is right`);
    }
    const members = new Map<string, ZipMember>();
    for (const member of list) {
      if (members.has(member.name)) this.#fail(`holds '${member.name}' twice`);
      members.set(member.name, member);
    }
    this.members = members;
  }

  /**
   * A member's content by position. Stored ones stay in the file; deflated ones are unpacked by the first read. The
   * checksum is compared by the first read too.
   */
  open(name: string): ByteSource {
    const member = this.members.get(name) ?? this.#fail(`has no member '${name}'`);
    const packed = locate(this.#source, member, this.#fail);
    const content =
      member.method === 0
        ? packed
        : new Deflated(member.size, () => inflate(bytesAt(packed, 0, packed.size), member, this.#fail));
    if (!this.#checksums) return content;
    return new Checked(content, member.crc, () =>
      this.#fail(`the checksum of '${name}' is wrong: the file is damaged`),
    );
  }

  /** A member's whole content; of a stored one in memory a view. */
  read(name: string): Uint8Array {
    const content = this.open(name);
    return content instanceof Checked ? content.whole() : bytesAt(content, 0, content.size);
  }
}

/** Unpacks all of an archive in memory, in its own order. Stored members are views of `bytes`. */
export function readZip(
  bytes: Uint8Array,
  source: string,
  options: ReadZipOptions = {},
): Map<string, Uint8Array> {
  const archive = new ZipArchive(new MemorySource(bytes), source, options);
  return new Map([...archive.members.keys()].map((name) => [name, archive.read(name)]));
}

/** A deflated member, unpacked when first asked for. */
class Deflated implements ByteSource {
  #content: MemorySource | null = null;

  constructor(
    readonly size: number,
    private readonly unpack: () => Uint8Array,
  ) {}

  get content(): MemorySource {
    return (this.#content ??= new MemorySource(this.unpack()));
  }

  read(into: Uint8Array, start: number): void {
    this.content.read(into, start);
  }

  readAsync(into: Uint8Array, start: number): Promise<void> {
    return this.content.readAsync(into, start);
  }
}

/** A member whose checksum the first read compares. */
class Checked implements ByteSource {
  #isChecked = false;

  constructor(
    private readonly content: ByteSource,
    private readonly crc: number,
    private readonly fail: () => never,
  ) {}

  get size(): number {
    return this.content.size;
  }

  whole(): Uint8Array {
    const plain = this.content instanceof Deflated ? this.content.content : this.content;
    const bytes = bytesAt(plain, 0, plain.size);
    this.#compare(crcOf(bytes));
    return bytes;
  }

  read(into: Uint8Array, start: number): void {
    const isWhole = this.#prepare(into);
    this.content.read(into, start);
    if (isWhole) this.#compare(crcOf(into));
  }

  async readAsync(into: Uint8Array, start: number): Promise<void> {
    const isWhole = this.#prepare(into);
    await this.content.readAsync(into, start);
    if (isWhole) this.#compare(crcOf(into));
  }

  /** Whether the bytes to come are all of them; of a part, the checksum is compared first. */
  #prepare(into: Uint8Array): boolean {
    if (this.#isChecked) return false;
    if (into.length === this.size) return true;
    let crc = 0;
    for (let at = 0; at < this.size; at += checkedPart) {
      crc = crc32(bytesAt(this.content, at, Math.min(checkedPart, this.size - at)), crc);
    }
    this.#compare(crc);
    return false;
  }

  #compare(crc: number): void {
    if (crc !== this.crc) this.fail();
    this.#isChecked = true;
  }
}

/** Of arrays beyond 4 GB too, which zlib does not take at once. */
function crcOf(bytes: Uint8Array): number {
  const part = 1 << 30;
  let crc = 0;
  for (let at = 0; at < bytes.length; at += part) crc = crc32(bytes.subarray(at, at + part), crc);
  return crc;
}

function listZip(source: ByteSource, fail: ZipFail): ZipMember[] {
  const tailStart = Math.max(0, source.size - zipTailLength);
  const tail = bytesAt(source, tailStart, source.size - tailStart);
  const { offset, length, count } = locateZipDirectory(tail, source.size, fail);
  return parseZipDirectory(bytesAt(source, offset, length), count, fail);
}

/** The bytes of a member as they lie in the file. */
function locate(source: ByteSource, member: ZipMember, fail: Fail): ByteSource {
  const { name, method, offset, packedSize, size } = member;
  if (member.isEncrypted) return fail(`'${name}' is encrypted`);
  if (size > defaultRatio * packedSize + allowance) {
    return fail(`'${name}' unpacks from ${packedSize} to ${size} bytes, which is taken for a zip bomb`);
  }
  const noHeader = `'${name}' has no header where the zip directory says`;
  if (offset + localLength > source.size) return fail(noHeader);
  const header = bytesAt(source, offset, localLength);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(0, true) !== localSignature) return fail(noHeader);
  const start = offset + localLength + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + packedSize > source.size) return fail(`'${name}' is truncated`);
  if (method !== 0 && method !== 8) return fail(`'${name}' uses the unsupported zip method ${method}`);
  if (method === 0 && packedSize !== size) return fail(wrongSize(member, packedSize));
  return source instanceof MemorySource
    ? new MemorySource(source.bytes.subarray(start, start + packedSize))
    : new SourcePart(source, start, packedSize);
}

function inflate(packed: Uint8Array, member: ZipMember, fail: Fail): Uint8Array {
  const { name, size } = member;
  let content: Uint8Array;
  try {
    // The output grows with what there is; a byte more than declared shows one that is too long.
    content = inflateRawSync(packed, { maxOutputLength: size + 1 });
  } catch (cause) {
    const isTooLong = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLong) return fail(wrongSize(member, 'more'), cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    return fail(`'${name}' cannot be inflated (${reason})`, cause);
  }
  return content.length === size
    ? content
    : fail(wrongSize(member, content.length > size ? 'more' : content.length));
}

function wrongSize({ name, size }: ZipMember, actual: number | 'more'): string {
  return `'${name}' unpacks to ${actual} bytes, ${size} are declared`;
}
