import { LossAtlasError } from '../errors.js';
import { isTensor, TensorMaker } from '../io/checkpoint/tensor.js';
import { pythonGlobals } from '../io/pickle-globals.js';
import { numpyGlobals } from '../io/pickle-numpy.js';
import { unpickle, type PickleValue } from '../io/pickle.js';
import { numPixels, type CifarClasses, type CifarFile } from './cifar-record.js';

/** A pickle of protocol 2 or later; no label of the binary version is so large. */
export function isCifarPickle(file: Uint8Array): boolean {
  return file[0] === 0x80 && file[1]! >= 2 && file[1]! <= 5;
}

/**
 * A file of the Python version, `data_batch_1` or `train`: a pickled dict of `data` [N, 3072] and `labels`, or
 * `fine_labels` and `coarse_labels`. Of Python 2, whose strings are bytes, or written again by Python 3.
 */
export function readCifarPickle(
  bytes: Uint8Array,
  path: string,
  wanted: CifarClasses | undefined,
): CifarFile {
  const source = `'${path}'`;
  const fail = (problem: string): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
  };
  const globals = new Map([...pythonGlobals(), ...numpyGlobals(new TensorMaker(bytes.length))]);
  const advice = 'A file of CIFAR holds NumPy arrays, lists, numbers and strings only';
  const { value } = unpickle(bytes, { source, globals, code: 'ERR_INVALID_DATA', advice });
  if (!(value instanceof Map)) return fail('the pickle is no dict of CIFAR');
  const fields = new Map([...value].map(([key, item]) => [nameOf(key), item]));
  const data = fields.get('data');
  if (!isTensor(data) || data.dtype !== 'uint8' || data.shape.length !== 2 || data.shape[1] !== numPixels) {
    return fail(`the pickle has no array 'data' of [N, ${numPixels}] bytes; is it one of CIFAR's batches?`);
  }
  const classes = fields.has('fine_labels') ? 100 : 10;
  if (wanted !== undefined && wanted !== classes) fail(`is CIFAR-${classes}, and not CIFAR-${wanted}`);
  const [count] = data.shape as [number];
  const labelsOf = (name: string): readonly number[] => {
    const list = numbersOf(fields.get(name));
    if (list === null) return fail(`the pickle has no list '${name}'`);
    if (list.length !== count) fail(`${count} images have ${list.length} '${name}'`);
    const wrong = list.findIndex((label) => !Number.isInteger(label) || label < 0 || label > 255);
    if (wrong >= 0)
      fail(`record ${wrong}: the label ${list[wrong]!} of '${name}' is none of CIFAR-${classes}`);
    return list;
  };
  const labels = labelsOf(classes === 100 ? 'fine_labels' : 'labels');
  const coarse = classes === 100 ? labelsOf('coarse_labels') : null;
  const pixels = data.data as Uint8Array;
  return {
    classes,
    records: labels.map((label, number) => ({
      path,
      number,
      label,
      coarse: coarse?.[number] ?? 0,
      pixels: pixels.subarray(number * numPixels, (number + 1) * numPixels),
    })),
  };
}

/** Python 3 keeps the keys as bytes where it reads them so. */
function nameOf(key: PickleValue): string {
  if (key instanceof Uint8Array) return Buffer.from(key).toString('latin1');
  return typeof key === 'string' ? key : '';
}

function numbersOf(value: PickleValue | undefined): readonly number[] | null {
  if (isTensor(value)) return value.shape.length === 1 ? Array.from(value.data, Number) : null;
  return Array.isArray(value) && value.every((item) => typeof item === 'number') ? value : null;
}
