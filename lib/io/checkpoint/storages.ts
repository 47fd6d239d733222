import { SourcePart, type ByteSource } from '../byte-source.js';
import { OpaqueObject, PickleGlobal, PickleObject, type PickleFail, type PickleValue } from '../pickle.js';
import { isDtype } from './dtype.js';
import { itemSizeOf, type CheckpointDtype, type TensorMaker } from './tensor.js';

/** The names of PyTorch's storages; the untyped ones count bytes. */
export const storageTypes: Readonly<Record<string, CheckpointDtype>> = {
  'torch.DoubleStorage': 'float64',
  'torch.FloatStorage': 'float32',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.LongStorage': 'int64',
  'torch.IntStorage': 'int32',
  'torch.ShortStorage': 'int16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.BoolStorage': 'bool',
  'torch.storage.UntypedStorage': 'uint8',
  'torch.storage.TypedStorage': 'uint8',
};

const dtypeNames = [
  ...['float64', 'double', 'float32', 'float', 'float16', 'half', 'bfloat16', 'bool'],
  ...['int64', 'long', 'int32', 'int', 'int16', 'short', 'int8', 'uint8', 'uint16', 'uint32', 'uint64'],
  ...['complex64', 'complex128'],
];

/** One storage; in the format before PyTorch 1.6 the bytes follow after all that refers to them. */
export interface StoredBytes {
  readonly dtype: CheckpointDtype;
  /** In elements. */
  readonly length: number;
  source: ByteSource | null;
}

/** A storage, or a part of one. */
class Storage extends PickleObject {
  constructor(
    readonly base: StoredBytes,
    readonly start: number,
    readonly length: number,
    private readonly maker: TensorMaker,
    private readonly fail: PickleFail,
  ) {
    super();
  }

  /** `dtype` is of the elements where the storage counts bytes. */
  tensor(
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
    dtype: CheckpointDtype = this.base.dtype,
  ): PickleValue {
    const { base, start, fail } = this;
    const size = itemSizeOf(base.dtype);
    // A view may not reach beyond its own end, which lies within the base.
    const length = Math.floor((this.length * size) / itemSizeOf(dtype));
    const source = () => (start === 0 ? base.source! : (this.part ??= this.viewed()));
    return this.maker.make({ dtype, shape, strides, offset, length, source }, fail);
  }

  private part: ByteSource | undefined;

  private viewed(): ByteSource {
    const { base, start, length } = this;
    const size = itemSizeOf(base.dtype);
    return new SourcePart(base.source!, start * size, length * size);
  }

  /** A storage that was saved by itself is shown as a tensor of one axis. */
  override finish(): PickleValue {
    return this.tensor(0, [this.length], [1]);
  }
}

/** What the pickle of a checkpoint may refer to of PyTorch. */
export function torchGlobals(): Map<string, PickleValue> {
  const globals = new Map<string, PickleValue>();
  const add = (name: string, construct?: PickleGlobal['construct']) =>
    globals.set(name, new PickleGlobal(name, construct));
  for (const name of Object.keys(storageTypes)) add(name);
  for (const name of dtypeNames) add(`torch.${name}`);
  add('torch._utils._rebuild_tensor', rebuildTensor);
  add('torch._utils._rebuild_tensor_v2', rebuildTensor);
  add('torch._utils._rebuild_tensor_v3', rebuildTypedTensor);
  add('torch._utils._rebuild_parameter', ([data], fail) => data ?? fail('a parameter has no data'));
  add('torch.Size', ([sizes], fail) => (isNumbers(sizes) ? [...sizes] : fail('a torch.Size has no sizes')));
  add('torch.device', ([type, index], fail) => {
    if (typeof type !== 'string') return fail('a torch.device has no name');
    return typeof index === 'number' ? `${type}:${index}` : type;
  });
  return globals;
}

/** (storage of bytes, offset, size, stride, gradient wanted, hooks, dtype, metadata): dtypes newer than the storages. */
function rebuildTypedTensor(args: readonly PickleValue[], fail: PickleFail): PickleValue {
  const type = args[6];
  const name = type instanceof PickleGlobal || type instanceof OpaqueObject ? type.name : 'none';
  const dtype = name.slice('torch.'.length);
  if (!isDtype(dtype)) return fail(`a tensor has the dtype '${name.slice(0, 40)}', which is not supported`);
  return rebuildTensor([...args.slice(0, 6), args[7] ?? null], fail, dtype);
}

/** (storage, offset, size, stride, gradient wanted, hooks, metadata) */
function rebuildTensor(
  [storage, offset, shape, strides, , , metadata]: readonly PickleValue[],
  fail: PickleFail,
  dtype?: CheckpointDtype,
): PickleValue {
  const isKnown = storage instanceof Storage && typeof offset === 'number';
  if (!isKnown || !isNumbers(shape) || !isNumbers(strides))
    return fail('a tensor is described in no known way');
  // The bits of a lazy conjugation or negation: the values would be wrong without them.
  if (metadata instanceof Map && metadata.size > 0) return fail('a tensor is conjugated or negated lazily');
  return storage.tensor(offset, shape, strides, dtype);
}

/** The storages of one file by their keys, as persistent ids name them. */
export class Storages {
  readonly byKey = new Map<string, StoredBytes>();

  /** `find` gives the bytes of a key, or null where they follow later. */
  constructor(
    private readonly maker: TensorMaker,
    private readonly find: (key: string, dtype: CheckpointDtype, length: number) => ByteSource | null,
  ) {}

  /** ('storage', type, key, location, length[, view]), where a view is null or (key, offset, length). */
  resolve(id: PickleValue, fail: PickleFail): PickleValue {
    const [tag, type, key, , length, view = null] = Array.isArray(id) ? id : [];
    if (tag !== 'storage' || typeof key !== 'string' || !isCount(length))
      return fail('the pickle has a persistent id that names no storage');
    const dtype = type instanceof PickleGlobal ? storageTypes[type.name] : undefined;
    if (dtype === undefined) return fail(`the storage '${key}' has no known type`);
    let base = this.byKey.get(key);
    if (base === undefined) {
      base = { dtype, length, source: this.find(key, dtype, length) };
      this.byKey.set(key, base);
    }
    if (base.dtype !== dtype || base.length !== length)
      return fail(`the storage '${key}' is described in two ways`);
    if (view === null) return new Storage(base, 0, length, this.maker, fail);
    const [, start, viewLength] = Array.isArray(view) ? view : [];
    if (!isCount(start) || !isCount(viewLength) || start + viewLength > length)
      return fail(`a view does not fit into the storage '${key}'`);
    return new Storage(base, start, viewLength, this.maker, fail);
  }
}

function isCount(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isNumbers(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
