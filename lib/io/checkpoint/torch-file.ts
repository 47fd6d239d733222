import { unpickle, type PickleFail, type PickleValue } from '../pickle.js';
import { pythonGlobals } from '../pickle-globals.js';
import { numpyGlobals } from '../pickle-numpy.js';
import { Storages, torchGlobals } from './storages.js';
import { itemSizeOf, TensorMaker } from './tensor.js';

function allowed(maker: TensorMaker): Map<string, PickleValue> {
  return new Map([...pythonGlobals(), ...numpyGlobals(maker), ...torchGlobals()]);
}

/** The value of a zip archive of torch.save (PyTorch 1.6 and later). */
export function readTorchZip(
  members: ReadonlyMap<string, Uint8Array>,
  pickleName: string,
  fileSize: number,
  source: string,
  fail: PickleFail,
): PickleValue {
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = members.get(`${folder}byteorder`);
  if (byteOrder !== undefined && Buffer.from(byteOrder).toString('latin1') !== 'little')
    fail('it was saved on a machine with another byte order, which is not supported');
  const maker = new TensorMaker(fileSize);
  const storages = new Storages(maker, (key, dtype, length) => {
    const bytes = members.get(`${folder}data/${key}`);
    if (bytes === undefined) return fail(`the data of storage '${key}' are missing`);
    if (bytes.length < length * itemSizeOf(dtype))
      return fail(`storage '${key}' has ${bytes.length} bytes, too few for ${length} ${dtype}`);
    return bytes;
  });
  const persistent = storages.resolve.bind(storages);
  return unpickle(members.get(pickleName)!, { source, globals: allowed(maker), persistent }).value;
}

const protocolVersion = 1001;

/**
 * The value of a file of torch.save before PyTorch 1.6: pickles of a magic number, a version, the system, the
 * object and the keys of its storages; then each storage, its length first.
 */
export function readTorchLegacy(bytes: Uint8Array, source: string, fail: PickleFail): PickleValue {
  const none = new Map<string, PickleValue>();
  const magic = unpickle(bytes, { source, globals: none });
  const version = unpickle(bytes, { source, globals: none, start: magic.end });
  if (version.value !== protocolVersion) fail('it has an unknown version of the format before PyTorch 1.6');
  const system = unpickle(bytes, { source, globals: none, start: version.end });
  if (!(system.value instanceof Map) || system.value.get('little_endian') !== true)
    fail('it was saved on a machine with another byte order, which is not supported');
  const maker = new TensorMaker(bytes.length);
  const storages = new Storages(maker, (key, dtype, length) => {
    if (length * itemSizeOf(dtype) <= bytes.length) return null;
    return fail(`storage '${key}' of ${length} ${dtype} is larger than the file`);
  });
  const persistent = storages.resolve.bind(storages);
  const object = unpickle(bytes, { source, globals: allowed(maker), persistent, start: system.end });
  const keys = unpickle(bytes, { source, globals: none, start: object.end });
  if (!Array.isArray(keys.value)) return fail('its list of storages is damaged');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = keys.end;
  for (const key of keys.value) {
    const storage = typeof key === 'string' ? storages.byKey.get(key) : undefined;
    if (typeof key !== 'string' || storage === undefined)
      return fail('its list of storages names one that no tensor has');
    const start = at + 8;
    const end = start + storage.length * itemSizeOf(storage.dtype);
    if (end > bytes.length) return fail(`storage '${key}' is truncated`);
    if (view.getBigUint64(at, true) !== BigInt(storage.length))
      return fail(`storage '${key}' has not the length that its tensors say`);
    storage.bytes = bytes.subarray(start, end);
    at = end;
  }
  for (const [key, storage] of storages.byKey)
    if (storage.bytes === null) fail(`the data of storage '${key}' are missing`);
  return object.value;
}
