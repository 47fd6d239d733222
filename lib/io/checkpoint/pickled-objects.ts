import { LossAtlasError } from '../../errors.js';
import { openSource } from '../file-source.js';
import { OpaqueObject, unpickle, type PickleFail, type PickleValue } from '../pickle.js';
import { ZipArchive } from '../zip.js';
import { bytesAt } from '../byte-source.js';
import { legacyMagic, zipMagic } from './magic.js';

/** Names in the pickle of a checkpoint; nothing of it is called. */
export interface PickledObjects {
  /** The class or function that made the whole, `torchvision.models.resnet.ResNet`; null where it is a container. */
  readonly root: string | null;
  /** Of the objects in the dict at the top, by key. */
  readonly items: ReadonlyMap<string, string>;
  /** All names that the pickle refers to. */
  readonly names: readonly string[];
}

/** Of a file of torch.save, either format, or of a plain pickle. Throws ERR_CHECKPOINT where the pickle is damaged. */
export async function pickledObjects(path: string): Promise<PickledObjects> {
  const file = await openSource(path);
  const source = `'${path}'`;
  const head = Buffer.from(bytesAt(file, 0, Math.min(16, file.size)));
  if (head.subarray(0, zipMagic.length).equals(zipMagic)) {
    const archive = new ZipArchive(file, source, { code: 'ERR_CHECKPOINT' });
    const name = [...archive.members.keys()].find((member) => /^[^/]+\/data\.pkl$/.test(member));
    if (name === undefined) throw new LossAtlasError('ERR_CHECKPOINT', `${source}: it has no data.pkl.`);
    return objectsIn(archive.read(name), source, 0);
  }
  let start = 0;
  if (head.subarray(0, legacyMagic.length).equals(legacyMagic)) {
    // The magic number, the version and the system stand before the object.
    for (let i = 0; i < 3; i++) start = unpickle(file, { source, globals: new Map(), start }).end;
  }
  return objectsIn(file, source, start);
}

function objectsIn(pickle: Parameters<typeof unpickle>[0], source: string, start: number): PickledObjects {
  const names = new Set<string>();
  const get = (name: string) => {
    names.add(name);
    return undefined;
  };
  const { value } = unpickle(pickle, { source, globals: { get }, unknown: 'opaque', persistent, start });
  const items = new Map<string, string>();
  if (value instanceof Map) {
    for (const [key, item] of value)
      if (typeof key === 'string' && item instanceof OpaqueObject) items.set(key, item.name);
  }
  return { root: value instanceof OpaqueObject ? value.name : null, items, names: [...names] };
}

/** Storages, and modules beside which PyTorch before 1.6 kept their source: ('module', class, file, text). */
function persistent(id: PickleValue, fail: PickleFail): PickleValue {
  if (!Array.isArray(id)) return fail('the pickle has a persistent id that is no tuple');
  const [tag, type] = id;
  return tag === 'module' && type instanceof OpaqueObject ? type : new OpaqueObject('storage');
}
