import { LossAtlasError } from '../../errors.js';
import { SourcePart } from '../byte-source.js';
import { readNpyLayout } from '../npy.js';
import type { PickleFail } from '../pickle.js';
import type { ZipArchive } from '../zip.js';
import { npyDtypes } from './npy-dtypes.js';
import { columnMajor, elementsOf } from './strides.js';
import { TensorMaker, type StoredTensor } from './tensor.js';

/** The arrays of an .npz archive by name. */
export function readNpzFile(
  archive: ZipArchive,
  source: string,
  fail: PickleFail,
): Map<string, StoredTensor> {
  const sizes = [...archive.members.values()].map(({ size }) => size);
  // What deflate unpacks to was limited before.
  const maker = new TensorMaker(sizes.reduce((sum, size) => sum + size, 0));
  const tensors = new Map<string, StoredTensor>();
  for (const member of archive.members.keys()) {
    const name = member.slice(0, -'.npy'.length);
    const file = archive.open(member);
    const { dtype, shape, isFortran, isBig, start } = asCheckpointError(() =>
      readNpyLayout(file, `${source}, '${name}'`),
    );
    const data = new SourcePart(file, start, file.size - start);
    tensors.set(
      name,
      maker.make(
        {
          dtype: npyDtypes[dtype],
          shape,
          length: elementsOf(shape),
          isBigEndian: isBig,
          source: () => data,
          ...(isFortran && { strides: columnMajor(shape) }),
        },
        fail,
      ),
    );
  }
  return tensors;
}

function asCheckpointError<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof LossAtlasError) throw new LossAtlasError('ERR_CHECKPOINT', cause.message, { cause });
    throw cause;
  }
}
