import { LossAtlasError } from '../../errors.js';
import { hostIsLittle, swapBytes } from '../checkpoint/dtype.js';

const headerLength = 8;
/** Of the tag of an array; VTK's are far shorter. */
const maxTag = 1000;

/** An array of a VTK XML file: base64 of its length in bytes (UInt64) and its values, exact. */
export function binaryArray(name: string, values: Float64Array | BigInt64Array, numComponents = 1): string {
  const type = values instanceof Float64Array ? 'Float64' : 'Int64';
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const attributes = `type="${type}" Name="${name}" NumberOfComponents="${numComponents}" format="binary"`;
  return `<DataArray ${attributes}>${encode(hostIsLittle ? bytes : swapped(bytes))}</DataArray>`;
}

/** A text as an array of one string, which ends with a zero. */
export function textArray(name: string, text: string): string {
  const body = encode(Buffer.from(`${text}\0`));
  return `<DataArray type="String" Name="${name}" NumberOfTuples="1" format="binary">${body}</DataArray>`;
}

/**
 * The bytes of the binary arrays of a file that `binaryArray` and `textArray` made, by name, each decoded when it is asked
 * for. The calls throw ERR_INVALID_DATA.
 */
export function readArrays(xml: string, source: string): Map<string, () => Uint8Array<ArrayBuffer>> {
  if (!xml.includes('<VTKFile')) {
    throw new LossAtlasError('ERR_INVALID_DATA', `${source} is no VTK XML file: it has no <VTKFile>.`);
  }
  const arrays = new Map<string, () => Uint8Array<ArrayBuffer>>();
  // No part of it can run on over another tag: linear in the length of the file.
  for (const [, tag = '', body = ''] of xml.matchAll(/<DataArray ([^<>]*)>([^<>]*)<\/DataArray>/g)) {
    if (tag.length > maxTag || !/\bformat="binary"/.test(tag)) continue;
    const name = / Name="([^"]*)"/.exec(` ${tag}`)?.[1];
    if (name !== undefined && !arrays.has(name)) arrays.set(name, () => decode(body, `${source}, '${name}'`));
  }
  return arrays;
}

function encode(bytes: Buffer): string {
  const header = Buffer.alloc(headerLength);
  header.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([header, bytes]).toString('base64');
}

function decode(body: string, source: string): Uint8Array<ArrayBuffer> {
  const all = Buffer.from(body, 'base64');
  const length = all.length < headerLength ? -1n : all.readBigUInt64LE();
  if (length !== BigInt(all.length - headerLength)) {
    const message = `${source}: the array is damaged: it holds ${all.length} bytes, which are not what its header says.`;
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  // A copy of its own, for aligned numbers.
  const bytes = new Uint8Array(all.subarray(headerLength));
  return hostIsLittle || bytes.length % 8 !== 0 ? bytes : new Uint8Array(swapped(Buffer.from(bytes)));
}

/** Values of 8 bytes in the other order. */
function swapped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  swapBytes(copy, 8);
  return copy;
}
