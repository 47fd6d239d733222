import { bytesAt, SourcePart, type ByteSource } from '../byte-source.js';
import type { PickleFail } from '../pickle.js';
import { elementsOf, itemSizeOf, TensorMaker, type CheckpointDtype, type StoredTensor } from './tensor.js';

/** By the names of the format. */
export const safetensorsDtypes: ReadonlyMap<unknown, CheckpointDtype> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U64', 'uint64'],
  ['U32', 'uint32'],
  ['U16', 'uint16'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

/** The format's own limit. */
const maxHeader = 100_000_000;

/** One tensor of a safetensors file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** Bytes of the file before its first value. */
  readonly offset: number;
  /** Values. */
  readonly length: number;
}

/** The tensors of a safetensors file, in the order of their data. */
export function readSafetensors(file: ByteSource, fail: PickleFail): Map<string, StoredTensor> {
  const maker = new TensorMaker(file.size);
  return new Map(
    listSafetensors(file, fail).map(({ name, dtype, shape, offset, length }) => {
      const part = new SourcePart(file, offset, length * itemSizeOf(dtype));
      return [name, maker.make({ dtype, shape, length, source: () => part }, fail)];
    }),
  );
}

/** What a safetensors file holds, in the order of the data. */
export function listSafetensors(file: ByteSource, fail: PickleFail): SafetensorsEntry[] {
  if (file.size < 8) fail('it is no safetensors file, or a truncated one: its header is not within it');
  const headerLength = Number(Buffer.from(bytesAt(file, 0, 8)).readBigUInt64LE());
  const dataStart = 8 + headerLength;
  if (dataStart > file.size)
    fail('it is no safetensors file, or a truncated one: its header is not within it');
  if (headerLength > maxHeader) fail(`its header has ${headerLength} bytes, more than ${maxHeader}`);
  const found: SafetensorsEntry[] = [];
  for (const [name, entry] of Object.entries(parse(bytesAt(file, 8, headerLength), fail))) {
    if (name === '__metadata__') continue;
    const { dtype: code, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
    const dtype = safetensorsDtypes.get(code);
    if (dtype === undefined) return fail(`'${name}' has the unsupported dtype ${JSON.stringify(code)}`);
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
      return fail(`'${name}' has no shape or no offsets`);
    const [begin, end] = offsets as [number, number];
    const length = elementsOf(shape);
    if (begin > end || end > file.size - dataStart)
      return fail(`the data of '${name}' lie outside of the file`);
    if (end - begin !== length * itemSizeOf(dtype))
      return fail(`'${name}' has ${end - begin} bytes, which do not fit shape (${shape.join(', ')})`);
    found.push({ name, dtype, shape, offset: dataStart + begin, length });
  }
  // JavaScript moves names that are numbers to the front of an object.
  return found.sort((a, b) => a.offset - b.offset);
}

function parse(header: Uint8Array, fail: PickleFail): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header.buffer, header.byteOffset, header.length).toString('utf8'));
  } catch {
    return fail('its header is no JSON');
  }
  return isObject(value) ? value : fail('its header is no object');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
