import { bytesAt, type ByteSource } from '../../io/byte-source.js';
import type { PickleFail } from '../../io/pickle.js';
import {
  endLength,
  endSignature,
  wideEndLength,
  wideEndSignature,
  wideLocatorLength,
  wideLocatorSignature,
} from '../../zip-directory.js';

/**
 * libtorch finds the directory and the members of a zip archive by rules of its own: what it could see otherwise than we
 * do is refused. Returns the folder that everything lies in, with its slash.
 */
export function requirePlainZip(file: ByteSource, names: readonly string[], fail: PickleFail): string {
  requireOneDirectory(file, fail);
  const root = /^[^/]+\//.exec(names[0] ?? '')?.[0] ?? fail('its members lie in no folder');
  const seen = new Set<string>();
  for (const name of names) {
    if (!name.startsWith(root)) fail(`'${printable(name)}' lies outside of '${printable(root)}'`);
    // eslint-disable-next-line no-control-regex -- names end at a NUL for C
    if (/[\x00-\x1f\x7f\\\ufffd]/.test(name)) fail(`'${printable(name)}' is no name of a member`);
    const lower = name.toLowerCase();
    if (seen.has(lower)) fail(`it holds '${printable(name)}' twice`);
    seen.add(lower);
  }
  return root;
}

/** One end record, at the very end, and its zip64 form, if there is one, says the same. */
function requireOneDirectory(file: ByteSource, fail: PickleFail): void {
  const length = Math.min(file.size, endLength + wideLocatorLength + wideEndLength);
  const tail = bytesAt(file, file.size - length, length);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const end = length - endLength;
  if (end < 0 || view.getUint32(end, true) !== endSignature)
    fail('something follows the end of the zip archive');
  const locator = end - wideLocatorLength;
  if (locator < 0 || view.getUint32(locator, true) !== wideLocatorSignature) return;
  const wide = locator - wideEndLength;
  const isInPlace =
    wide >= 0 &&
    view.getUint32(wide, true) === wideEndSignature &&
    view.getBigUint64(locator + 8, true) === BigInt(file.size - length + wide);
  const agrees = (narrow: number, all: number, value: bigint) => narrow === all || BigInt(narrow) === value;
  const isSame =
    isInPlace &&
    agrees(view.getUint16(end + 10, true), 0xffff, view.getBigUint64(wide + 32, true)) &&
    agrees(view.getUint32(end + 12, true), 0xffffffff, view.getBigUint64(wide + 40, true)) &&
    agrees(view.getUint32(end + 16, true), 0xffffffff, view.getBigUint64(wide + 48, true));
  if (!isSame) fail('the two directories of the zip archive are not the same');
}

function printable(name: string): string {
  return JSON.stringify(name.slice(0, 100)).slice(1, -1);
}
