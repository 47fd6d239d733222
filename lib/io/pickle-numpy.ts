import { MemorySource } from './byte-source.js';
import { PickleGlobal, PickleObject, type PickleFail, type PickleValue } from './pickle.js';
import { npyDtypes } from './checkpoint/npy-dtypes.js';
import { columnMajor } from './checkpoint/strides.js';
import { elementsOf, itemSizeOf, type CheckpointDtype, type TensorMaker } from './checkpoint/tensor.js';

const dtypes: ReadonlyMap<string, CheckpointDtype> = new Map([
  ...Object.entries(npyDtypes).filter(([code]) => code !== 'bool'),
  ['b1', 'bool'],
]);

class NumpyDtype extends PickleObject {
  isBigEndian = false;

  constructor(
    readonly code: string,
    readonly dtype: CheckpointDtype,
  ) {
    super();
  }

  override finish(): PickleValue {
    return this.dtype;
  }

  /** (version, byte order, …) */
  override setState(state: PickleValue): boolean {
    if (!Array.isArray(state)) return false;
    this.isBigEndian = state[1] === '>';
    return true;
  }
}

/** An array that `_reconstruct` made empty and whose state follows. */
class NumpyArray extends PickleObject {
  private tensor: PickleValue = null;

  constructor(
    private readonly maker: TensorMaker,
    private readonly fail: PickleFail,
  ) {
    super();
  }

  override finish(): PickleValue {
    return this.tensor;
  }

  /** (version, shape, dtype, in Fortran order, bytes) */
  override setState(state: PickleValue): boolean {
    if (!Array.isArray(state) || state.length !== 5) return false;
    const [, shape, dtype, isFortran, raw] = state;
    if (!isSizes(shape) || !(dtype instanceof NumpyDtype)) return false;
    this.tensor = numpyTensor(this.maker, shape, dtype, isFortran === true, rawBytes(raw), this.fail);
    return true;
  }
}

/** NumPy's scalars become numbers, its arrays tensors. Object arrays are refused. */
export function numpyGlobals(maker: TensorMaker): Map<string, PickleValue> {
  const globals = new Map<string, PickleValue>();
  const add = (name: string, construct?: PickleGlobal['construct']) =>
    globals.set(name, new PickleGlobal(name, construct));
  add('numpy.ndarray');
  add('numpy.dtype', ([code], fail) => {
    if (code instanceof NumpyDtype) return code;
    const dtype = typeof code === 'string' ? dtypes.get(code) : undefined;
    if (typeof code !== 'string' || dtype === undefined) {
      const name = typeof code === 'string' ? code.slice(0, 40) : '?';
      return fail(`it holds data of the NumPy dtype '${name}', which is not supported`);
    }
    return new NumpyDtype(code, dtype);
  });
  for (const core of ['numpy.core', 'numpy._core']) {
    add(`${core}.multiarray._reconstruct`, (_args, fail) => new NumpyArray(maker, fail));
    add(`${core}.multiarray.scalar`, ([dtype, raw], fail) => {
      if (!(dtype instanceof NumpyDtype)) return fail('a NumPy scalar has no dtype');
      const value = numpyTensor(maker, [], dtype, false, rawBytes(raw), fail).data[0]!;
      if (dtype.dtype === 'bool') return value === 1;
      return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    });
  }
  return globals;
}

function numpyTensor(
  maker: TensorMaker,
  shape: readonly number[],
  { dtype, isBigEndian }: NumpyDtype,
  isFortran: boolean,
  raw: Uint8Array | null,
  fail: PickleFail,
) {
  const length = elementsOf(shape);
  if (raw?.length !== length * itemSizeOf(dtype))
    return fail(`a NumPy array of shape (${shape.join(', ')}) has ${raw?.length ?? 'no'} bytes of data`);
  const order = isFortran ? { strides: columnMajor(shape) } : {};
  const source = new MemorySource(raw);
  return maker.make({ dtype, shape, length, isBigEndian, source: () => source, ...order }, fail);
}

/** Python 2 has strings for bytes. */
function rawBytes(raw: PickleValue | undefined): Uint8Array | null {
  if (typeof raw === 'string') return Buffer.from(raw, 'latin1');
  return raw instanceof Uint8Array ? raw : null;
}

function isSizes(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
