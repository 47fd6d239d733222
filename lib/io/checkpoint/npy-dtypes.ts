import type { NpyDtype } from '../npy.js';
import type { CheckpointDtype } from './dtype.js';

/** PyTorch's names of NumPy's types. */
export const npyDtypes: Readonly<Record<NpyDtype, CheckpointDtype>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  bool: 'bool',
};
