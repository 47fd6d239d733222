/** One member as the zip's central directory describes it; nothing of it is checked against the file yet. */
export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its local header stands in the file. */
  readonly offset: number;
}

export interface ZipDirectoryPlace {
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

/** Throws the error of whoever reads the archive. */
export type ZipFail = (problem: string) => never;

/** Signatures and lengths of zip's records; lengths are without names and comments. */
export const localSignature = 0x04034b50;
export const localLength = 30;
export const endSignature = 0x06054b50;
export const wideLocatorSignature = 0x07064b50;
export const wideEndSignature = 0x06064b50;
export const centralSignature = 0x02014b50;
export const endLength = 22;
export const wideLocatorLength = 20;
export const wideEndLength = 56;
const centralLength = 46;
const maxDirectoryBytes = 64 * 1024 * 1024;

/** So many bytes at the end of a file hold its end records, the longest comment included. */
export const zipTailLength = endLength + 0xffff + wideLocatorLength + wideEndLength;

/** Finds the directory (plain or zip64) from the last bytes of a file that is `fileSize` long. */
export function locateZipDirectory(tail: Uint8Array, fileSize: number, fail: ZipFail): ZipDirectoryPlace {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const end = findEnd(view);
  if (end < 0) return fail('no zip archive, or a truncated one (its end record is missing)');
  if (view.getUint16(end + 4, true) !== 0) return fail('split archives are not supported');
  let count = view.getUint16(end + 10, true);
  let length = view.getUint32(end + 12, true);
  let offset = view.getUint32(end + 16, true);
  // PyTorch writes zip64 records beside the plain ones; only large files need them.
  if (count === 0xffff || length === 0xffffffff || offset === 0xffffffff) {
    const wide = findWideEnd(view, end, fileSize);
    if (wide < 0) return fail('the zip64 end record is missing or damaged');
    count = Number(view.getBigUint64(wide + 32, true));
    length = Number(view.getBigUint64(wide + 40, true));
    offset = Number(view.getBigUint64(wide + 48, true));
  }
  const isInside = offset + length <= fileSize - tail.length + end;
  if (!isInside || length > maxDirectoryBytes) return fail('the zip directory does not fit into the file');
  if (count * centralLength > length) return fail(`${count} entries do not fit into the zip directory`);
  return { offset, length, count };
}

/** Reads the entries of a directory. */
export function parseZipDirectory(directory: Uint8Array, count: number, fail: ZipFail): ZipMember[] {
  const view = new DataView(directory.buffer, directory.byteOffset, directory.byteLength);
  const decoder = new TextDecoder();
  const members: ZipMember[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const damaged = `entry ${i + 1} of ${count} of the zip directory is damaged`;
    if (at + centralLength > directory.length || view.getUint32(at, true) !== centralSignature) {
      return fail(damaged);
    }
    const nameEnd = at + centralLength + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > directory.length) return fail(damaged);
    const [size, packedSize, offset] = wideSizes(view, at, nameEnd, extraEnd);
    members.push({
      name: decoder.decode(directory.subarray(at + centralLength, nameEnd)),
      method: view.getUint16(at + 10, true),
      isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      crc: view.getUint32(at + 16, true),
      packedSize,
      size,
      offset,
    });
    at = next;
  }
  return members;
}

/** Size, packed size and offset of an entry: 32 bits each, or from its zip64 field where all bits are set. */
function wideSizes(view: DataView, at: number, extra: number, extraEnd: number): [number, number, number] {
  const sizes: [number, number, number] = [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ];
  for (let field = extra; field + 4 <= extraEnd;) {
    const id = view.getUint16(field, true);
    const end = field + 4 + view.getUint16(field + 2, true);
    if (id === 1 && end <= extraEnd) {
      let value = field + 4;
      sizes.forEach((size, i) => {
        if (size !== 0xffffffff || value + 8 > end) return;
        sizes[i] = Number(view.getBigUint64(value, true));
        value += 8;
      });
    }
    field = end;
  }
  return sizes;
}

function findEnd(view: DataView): number {
  const last = view.byteLength - endLength;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    if (at + endLength + view.getUint16(at + 20, true) <= view.byteLength) return at;
  }
  return -1;
}

function findWideEnd(view: DataView, end: number, fileSize: number): number {
  const locator = end - wideLocatorLength;
  if (locator < 0 || view.getUint32(locator, true) !== wideLocatorSignature) return -1;
  const at = Number(view.getBigUint64(locator + 8, true)) - (fileSize - view.byteLength);
  if (at < 0 || at + wideEndLength > locator) return -1;
  return view.getUint32(at, true) === wideEndSignature ? at : -1;
}
