import { expect } from 'chai';
import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';

import { LossAtlasError } from '../../../dist/errors.js';
import { fromBrainHalves, fromHalves, toBrainHalves, toHalves } from '../../../dist/io/float16.js';
import { readNpy, writeNpy, type NpyArray, type NpyDtype } from '../../../dist/io/npy.js';
import { mutate, randomOf } from './mutate.js';

const misc = new URL('../../../../shared/data/misc/', import.meta.url);

/** A file as NumPy would write it, but with a header of the test's choice. */
function npyFile(header: string, data: ArrayLike<number> | Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(header, version === 3 ? 'utf8' : 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  return Buffer.concat([magic, length, text, Uint8Array.from(data)]);
}

const headerOf = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

function refuses(bytes: Uint8Array, message: RegExp): void {
  expect(() => readNpy(bytes, 'x.npy'))
    .to.throw(LossAtlasError, message)
    .with.property('code', 'ERR_INVALID_DATA');
}

const float32s = fc.float({ noNaN: false });
const valuesOf: { readonly [D in NpyDtype]: fc.Arbitrary<Extract<NpyArray, { dtype: D }>['data']> } = {
  f2: fc.array(fc.integer({ min: 0, max: 0xffff })).map((bits) => fromHalves(Uint16Array.from(bits))),
  f4: fc.array(float32s).map((values) => Float32Array.from(values)),
  f8: fc.array(fc.double()).map((values) => Float64Array.from(values)),
  i1: fc.int8Array(),
  i2: fc.int16Array(),
  i4: fc.int32Array(),
  i8: fc.bigInt64Array(),
  u1: fc.uint8Array(),
  u2: fc.uint16Array(),
  u4: fc.uint32Array(),
  u8: fc.bigUint64Array(),
  bool: fc.uint8Array({ max: 1 }),
};

const arrays: fc.Arbitrary<NpyArray> = fc.oneof(
  ...Object.entries(valuesOf).map(([dtype, values]: [string, fc.Arbitrary<NpyArray['data']>]) =>
    values.chain((data) =>
      fc
        .constantFrom([data.length], [1, data.length], [data.length, 1, 1])
        .map((shape) => ({ dtype, shape, data }) as NpyArray),
    ),
  ),
);

describe('npy', () => {
  it('round-trips every dtype bit for bit', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        expect(readNpy(writeNpy(array))).to.deep.equal(array);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('keeps the sign of zero and NaN', () => {
    const { data } = readNpy(
      writeNpy({ dtype: 'f8', shape: [3], data: Float64Array.of(-0, NaN, -Infinity) }),
    );
    expect(Object.is(data[0], -0)).to.equal(true);
    expect(data[1]).to.be.NaN;
    expect(data[2]).to.equal(-Infinity);
  });

  it('writes a scalar and an empty array', () => {
    for (const shape of [[], [0], [3, 0, 2]]) {
      const data = new Int32Array(shape.length === 0 ? 1 : 0);
      expect(readNpy(writeNpy({ dtype: 'i4', shape, data }))).to.deep.equal({ dtype: 'i4', shape, data });
    }
  });

  it('reads big endian, Fortran order and versions 2 and 3', () => {
    const bytes = Buffer.alloc(12);
    [1, 2, 3, 4, 5, 6].forEach((value, i) => bytes.writeInt16BE(value, 2 * i));
    for (const version of [1, 2, 3]) {
      const array = readNpy(npyFile(headerOf('>i2', '(2, 3)', 'True'), bytes, version));
      expect(array).to.deep.equal({ dtype: 'i2', shape: [2, 3], data: Int16Array.of(1, 3, 5, 2, 4, 6) });
    }
  });

  it('converts three Fortran dimensions to C order', () => {
    const array = readNpy(
      npyFile(
        headerOf('|u1', '(2, 3, 2)', 'True'),
        Array.from({ length: 12 }, (_, i) => i),
      ),
    );
    // Element (a, b, c) lies at a + 2b + 6c.
    expect([...(array.data as Uint8Array)]).to.deep.equal([0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
  });

  it('reads from the middle of a larger buffer', () => {
    const file = writeNpy({ dtype: 'f8', shape: [2], data: Float64Array.of(0.1, 0.2) });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(readNpy(shifted.subarray(3)).data).to.deep.equal(Float64Array.of(0.1, 0.2));
  });

  it('accepts other spellings of the header', () => {
    const header = `{"shape": (2L,), 'fortran_order':False,'descr':"<u2"}`;
    expect(readNpy(npyFile(header, [1, 0, 2, 0])).data).to.deep.equal(Uint16Array.of(1, 2));
  });

  it('refuses pickles and other dtypes by name', () => {
    refuses(npyFile(headerOf('|O', '(1,)'), [0x80, 0x04]), /x\.npy: object arrays \(dtype O\) are pickles/);
    refuses(npyFile(headerOf('<U3', '(1,)'), []), /dtype '<U3' is not supported/);
    refuses(npyFile(headerOf('<c8', '(1,)'), []), /dtype '<c8' is not supported/);
    refuses(npyFile(headerOf('|f8', '(0,)'), []), /dtype '\|f8' is not supported/);
    refuses(
      npyFile(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}`, []),
      /structured dtype/,
    );
  });

  it('names what is wrong with a damaged file', () => {
    const file = writeNpy({ dtype: 'f4', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
    refuses(file.subarray(0, 5), /5 bytes are too few/);
    refuses(file.subarray(0, 40), /truncated: the npy header ends at 128 of 40/);
    refuses(file.subarray(0, -1), /shape \(2, 2\) of <f4 needs 16 bytes of data, the file has 15/);
    refuses(Buffer.concat([file, Buffer.alloc(1)]), /needs 16 bytes of data, the file has 17/);
    refuses(Buffer.from('PK\u0003\u0004 something else'), /magic string is missing/);
    refuses(npyFile(headerOf('<f4', '(0,)'), [], 4), /version 4\.0 is not supported/);
  });

  it('refuses headers that are no plain dictionary', () => {
    for (const header of [
      '',
      '{}',
      `{'descr': '<f4', 'fortran_order': False}`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (1)}`,
      `{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (1e9,)}`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} or __import__('os')`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}`,
      `{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (1,)}`,
    ]) {
      refuses(npyFile(header, [0, 0, 128, 63]), /x\.npy: the npy header/);
    }
  });

  it('checks sizes before it allocates', () => {
    refuses(npyFile(headerOf('<f8', '(9007199254740991, 9007199254740991)'), []), /too large/);
    refuses(npyFile(headerOf('<f8', '(1000000000, 1000000)'), []), /needs 8000000000000000 bytes/);
    refuses(npyFile(headerOf('<f8', `(${'1, '.repeat(65)})`), []), /65 dimensions/);
  });

  it('refuses to write what does not fit together', () => {
    const data = Float64Array.of(1, 2, 3);
    expect(() => writeNpy({ dtype: 'f8', shape: [2], data })).to.throw(
      LossAtlasError,
      /does not fit 3 values/,
    );
    expect(() => writeNpy({ dtype: 'f4', shape: [3], data } as unknown as NpyArray)).to.throw(
      /needs a Float32Array/,
    );
    expect(() => writeNpy({ dtype: 'c8', shape: [3], data } as unknown as NpyArray)).to.throw(
      /'c8' is not supported/,
    );
  });

  it('throws only LossAtlasError on 200 mutated files', () => {
    const random = randomOf(7);
    const files = [
      writeNpy({ dtype: 'f8', shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) }),
      npyFile(headerOf('>f2', '(3, 2)', 'True'), new Uint8Array(12), 2),
    ];
    for (let run = 0; run < 200; run++) {
      const bytes = mutate(files[run % 2]!, random);
      try {
        readNpy(bytes);
      } catch (error) {
        expect(error, Buffer.from(bytes).toString('hex')).to.be.instanceOf(LossAtlasError);
      }
    }
  });
});

describe('half precision', () => {
  const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);

  it('gives every bit pattern back, those of NaN too', () => {
    expect(toHalves(fromHalves(all))).to.deep.equal(all);
    expect(toBrainHalves(fromBrainHalves(all))).to.deep.equal(all);
    expect(toHalves(Float32Array.of(NaN))).to.deep.equal(Uint16Array.of(0x7e00));
    expect(toBrainHalves(Float32Array.of(NaN))).to.deep.equal(Uint16Array.of(0x7fc0));
    // NaNs whose first bits say nothing must not become infinities.
    const low = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    expect(toHalves(low)).to.deep.equal(Uint16Array.of(0x7e00, 0xfe00));
    expect(toBrainHalves(low)).to.deep.equal(Uint16Array.of(0x7fc0, 0xffc0));
  });

  it('rounds to nearest, ties to even', () => {
    const rounded = (...values: number[]) => [...fromHalves(toHalves(Float32Array.from(values)))];
    expect(rounded(65519, 65520, 2049, 2051)).to.deep.equal([65504, Infinity, 2048, 2052]);
    expect(rounded(2 ** -25, 1.5 * 2 ** -24, 2 ** -24)).to.deep.equal([0, 2 ** -23, 2 ** -24]);
    expect(Object.is(rounded(-(2 ** -30))[0], -0)).to.equal(true);
    const brain = (...values: number[]) => [...fromBrainHalves(toBrainHalves(Float32Array.from(values)))];
    expect(brain(257, 259, 3.4e38, 0.1)).to.deep.equal([256, 260, Infinity, 0.10009765625]);
  });
});

describe('npy files of other tools', () => {
  before(function () {
    if (existsSync(misc)) return;
    console.log('      skipped: no files at ../shared/data/misc');
    this.skip();
  });

  // dtype, shape and values as numpy.load shows them
  const expected: readonly [string, NpyDtype, readonly number[], readonly number[]][] = [
    ['candle_test.npy', 'i8', [10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['djl_0d.npy', 'f8', [], [1]],
    ['djl_1d.npy', 'i8', [1], [1]],
    ['djl_2d.npy', 'i4', [1, 2], [1, 1]],
    ['djl_boolean.npy', 'bool', [1], [1]],
    ['djl_fp16.npy', 'f2', [1], [1]],
    ['djl_fp32.npy', 'f4', [1], [1]],
    ['djl_int8.npy', 'i1', [1], [1]],
    ['djl_uint8.npy', 'u1', [1], [1]],
  ];
  for (const [file, dtype, shape, values] of expected) {
    it(`reads ${file} as NumPy does`, () => {
      const array = readNpy(readFileSync(new URL(file, misc)));
      expect(array.dtype).to.equal(dtype);
      expect(array.shape).to.deep.equal(shape);
      expect(Array.from(array.data, Number)).to.deep.equal(values);
    });
  }
});
