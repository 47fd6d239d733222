import { bytesAt, SourcePart, type ByteSource } from '../byte-source.js';
import { unpickle, type PickleFail, type PickleValue } from '../pickle.js';
import { pythonGlobals } from '../pickle-globals.js';
import { numpyGlobals } from '../pickle-numpy.js';
import type { ZipArchive } from '../zip.js';
import { Storages, torchGlobals } from './storages.js';
import { itemSizeOf, TensorMaker } from './tensor.js';

function allowed(maker: TensorMaker): Map<string, PickleValue> {
  return new Map([...pythonGlobals(), ...numpyGlobals(maker), ...torchGlobals()]);
}

/** What becomes of classes and functions that are not on the allow-list. */
export type UnknownGlobals = 'refuse' | 'opaque';

/** The value of a zip archive of torch.save (PyTorch 1.6 and later). */
export function readTorchZip(
  archive: ZipArchive,
  pickleName: string,
  fileSize: number,
  source: string,
  unknown: UnknownGlobals,
  fail: PickleFail,
): PickleValue {
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = `${folder}byteorder`;
  const isNamed = archive.members.has(byteOrder);
  if (isNamed && Buffer.from(archive.read(byteOrder)).toString('latin1') !== 'little')
    fail('it was saved on a machine with another byte order, which is not supported');
  const maker = new TensorMaker(fileSize);
  const storages = new Storages(maker, (key, dtype, length) => {
    const member = archive.members.get(`${folder}data/${key}`);
    if (member === undefined) return fail(`the data of storage '${key}' are missing`);
    if (member.size < length * itemSizeOf(dtype))
      return fail(`storage '${key}' has ${member.size} bytes, too few for ${length} ${dtype}`);
    // What is packed is unpacked whole.
    if (member.method !== 0 && member.size !== length * itemSizeOf(dtype))
      return fail(`storage '${key}' has ${member.size} bytes, too many for ${length} ${dtype}`);
    return archive.open(member.name);
  });
  const persistent = storages.resolve.bind(storages);
  return unpickle(archive.read(pickleName), { source, globals: allowed(maker), unknown, persistent }).value;
}

const protocolVersion = 1001;

/**
 * The value of a file of torch.save before PyTorch 1.6: pickles of a magic number, a version, the system, the
 * object and the keys of its storages; then each storage, its length first.
 */
export function readTorchLegacy(
  file: ByteSource,
  source: string,
  unknown: UnknownGlobals,
  fail: PickleFail,
): PickleValue {
  const none = new Map<string, PickleValue>();
  const magic = unpickle(file, { source, globals: none });
  const version = unpickle(file, { source, globals: none, start: magic.end });
  if (version.value !== protocolVersion) fail('it has an unknown version of the format before PyTorch 1.6');
  const system = unpickle(file, { source, globals: none, start: version.end });
  if (!(system.value instanceof Map) || system.value.get('little_endian') !== true)
    fail('it was saved on a machine with another byte order, which is not supported');
  const maker = new TensorMaker(file.size);
  const storages = new Storages(maker, (key, dtype, length) => {
    if (length * itemSizeOf(dtype) <= file.size) return null;
    return fail(`storage '${key}' of ${length} ${dtype} is larger than the file`);
  });
  const persistent = storages.resolve.bind(storages);
  const object = unpickle(file, { source, globals: allowed(maker), unknown, persistent, start: system.end });
  const keys = unpickle(file, { source, globals: none, start: object.end });
  if (!Array.isArray(keys.value)) return fail('its list of storages is damaged');
  let at = keys.end;
  for (const key of keys.value) {
    const storage = typeof key === 'string' ? storages.byKey.get(key) : undefined;
    if (typeof key !== 'string' || storage === undefined)
      return fail('its list of storages names one that no tensor has');
    const start = at + 8;
    const end = start + storage.length * itemSizeOf(storage.dtype);
    if (end > file.size) return fail(`storage '${key}' is truncated`);
    if (Buffer.from(bytesAt(file, at, 8)).readBigUInt64LE() !== BigInt(storage.length))
      return fail(`storage '${key}' has not the length that its tensors say`);
    storage.source = new SourcePart(file, start, end - start);
    at = end;
  }
  for (const [key, storage] of storages.byKey)
    if (storage.source === null) fail(`the data of storage '${key}' are missing`);
  return object.value;
}
