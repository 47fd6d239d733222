import type { PickleFail } from '../pickle.js';
import { elementsOf, itemSizeOf, TensorMaker, type CheckpointDtype, type StoredTensor } from './tensor.js';

const dtypes: ReadonlyMap<unknown, CheckpointDtype> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

/** One tensor of a safetensors file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: CheckpointDtype;
  readonly shape: readonly number[];
  /** Bytes of the file. */
  readonly begin: number;
  readonly end: number;
}

/** The tensors of a safetensors file, in the order of their data. */
export function readSafetensors(bytes: Uint8Array, fail: PickleFail): Map<string, StoredTensor> {
  const maker = new TensorMaker(bytes.length);
  const entries = listSafetensors(bytes, bytes.length, fail);
  return new Map(
    entries.map(({ name, dtype, shape, begin, end }) => {
      const part = bytes.subarray(begin, end);
      const layout = { dtype, shape, length: elementsOf(shape), bytes: () => part };
      return [name, maker.make(layout, fail)];
    }),
  );
}

/** How many first bytes of a safetensors file its header takes, or NaN where it has none; they lie in its first 8. */
export function safetensorsHeaderSize(start: Uint8Array): number {
  if (start.length < 8) return NaN;
  return 8 + Number(new DataView(start.buffer, start.byteOffset, start.byteLength).getBigUint64(0, true));
}

/** What a safetensors file of `fileSize` bytes holds, from its first bytes, in the order of the data. */
export function listSafetensors(start: Uint8Array, fileSize: number, fail: PickleFail): SafetensorsEntry[] {
  const dataStart = safetensorsHeaderSize(start);
  if (!(dataStart <= start.length)) fail('its header is truncated');
  const found: SafetensorsEntry[] = [];
  for (const [name, entry] of Object.entries(parse(start.subarray(8, dataStart), fail))) {
    if (name === '__metadata__') continue;
    const { dtype: code, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
    const dtype = dtypes.get(code);
    if (dtype === undefined) return fail(`'${name}' has the unsupported dtype ${JSON.stringify(code)}`);
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
      return fail(`'${name}' has no shape or no offsets`);
    const [begin, end] = offsets as [number, number];
    if (begin > end || end > fileSize - dataStart)
      return fail(`the data of '${name}' lie outside of the file`);
    if (end - begin !== elementsOf(shape) * itemSizeOf(dtype))
      return fail(`'${name}' has ${end - begin} bytes, which do not fit shape (${shape.join(', ')})`);
    found.push({ name, dtype, shape, begin: dataStart + begin, end: dataStart + end });
  }
  // JavaScript moves names that are numbers to the front of an object.
  return found.sort((a, b) => a.begin - b.begin);
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
