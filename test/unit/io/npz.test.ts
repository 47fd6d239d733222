import { expect } from 'chai';
import { zipSync } from 'fflate';
import { existsSync, readFileSync } from 'node:fs';

import { LossAtlasError } from '../../../dist/errors.js';
import { writeNpy, type NpyArray } from '../../../dist/io/npy.js';
import { readNpz, writeNpz } from '../../../dist/io/npz.js';
import { mutate, randomOf } from './mutate.js';

const misc = new URL('../../../../shared/data/misc/', import.meta.url);

const arrays: Record<string, NpyArray> = {
  weight: { dtype: 'f4', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  'layer.0/bias': { dtype: 'f8', shape: [2], data: Float64Array.of(NaN, -0) },
  labels: { dtype: 'i8', shape: [3], data: BigInt64Array.of(-1n, 0n, 2n ** 62n) },
  größe: { dtype: 'bool', shape: [], data: Uint8Array.of(1) },
};

function refuses(bytes: Uint8Array, message: RegExp): void {
  expect(() => readNpz(bytes, 'x.npz'))
    .to.throw(LossAtlasError, message)
    .with.property('code', 'ERR_INVALID_DATA');
}

/** The offset of the only entry of the zip directory. */
function directoryOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).lastIndexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
}

function patched(bytes: Uint8Array, change: (view: DataView, directory: number) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  change(new DataView(copy.buffer), directoryOf(copy));
  return copy;
}

describe('npz', () => {
  for (const compress of [false, true]) {
    it(`round-trips arrays, ${compress ? 'deflated' : 'stored'}`, () => {
      expect(readNpz(writeNpz(arrays, { compress }))).to.deep.equal(arrays);
    });
  }

  it('writes equal bytes for equal arrays', () => {
    expect(writeNpz(arrays, { compress: true })).to.deep.equal(writeNpz(arrays, { compress: true }));
  });

  it('holds an empty archive and the name __proto__', () => {
    expect(readNpz(writeNpz({}))).to.deep.equal({});
    const odd = Object.fromEntries([['__proto__', arrays.weight!]]);
    const read = readNpz(writeNpz(odd));
    expect(Object.keys(read)).to.deep.equal(['__proto__']);
  });

  it('refuses unknown options', () => {
    expect(() => writeNpz(arrays, { compres: true } as object)).to.throw(
      LossAtlasError,
      /Did you mean 'compress'/,
    );
  });

  it('refuses members that are no arrays, and pickles', () => {
    refuses(zipSync({ 'notes.txt': new Uint8Array(3) }), /x\.npz: the member 'notes\.txt' is no \.npy file/);
    const pickle = Buffer.from(writeNpy({ dtype: 'i1', shape: [1], data: Int8Array.of(0) }));
    pickle.write("'|O' ", pickle.indexOf("'|i1'"));
    refuses(zipSync({ 'a.npy': pickle }), /x\.npz, 'a\.npy': object arrays \(dtype O\) are pickles/);
  });

  it('names what is wrong with a damaged archive', () => {
    const file = writeNpz({ a: arrays.weight! });
    refuses(new Uint8Array(0), /no zip archive/);
    refuses(file.subarray(0, file.length - 1), /no zip archive, or a truncated one/);
    refuses(file.subarray(0, 100), /no zip archive, or a truncated one/);
    const flipped = patched(file, (view) => {
      view.setUint8(170, view.getUint8(170) ^ 1);
    });
    refuses(flipped, /the checksum of 'a\.npy' is wrong/);
    refuses(
      patched(file, (view, at) => {
        view.setUint16(at + 10, 12, true);
      }),
      /unsupported zip method 12/,
    );
    refuses(
      patched(file, (view, at) => {
        view.setUint16(at + 8, 1, true);
      }),
      /'a\.npy' is encrypted/,
    );
    refuses(
      patched(file, (view, at) => {
        view.setUint32(at + 42, 1e6, true);
      }),
      /has no header where the zip directory says/,
    );
    refuses(
      patched(file, (view, at) => {
        view.setUint32(at + 20, 1e6, true);
      }),
      /'a\.npy' is truncated/,
    );
  });

  it('refuses a zip bomb before it unpacks', () => {
    const file = writeNpz({ a: arrays.weight! }, { compress: true });
    const declaring = (size: number) =>
      patched(file, (view, at) => {
        view.setUint32(at + 24, size, true);
      });
    refuses(declaring(70e6), /unpacks to 70000000 bytes, more than 640\d{5}/);
    refuses(declaring(100), /unpacks to more bytes, 100 are declared/);
    refuses(declaring(5000), /unpacks to 152 bytes, 5000 are declared/);
  });

  it('throws only LossAtlasError on 200 mutated archives', () => {
    const random = randomOf(11);
    const files = [writeNpz(arrays), writeNpz(arrays, { compress: true })];
    for (let run = 0; run < 200; run++) {
      const bytes = mutate(files[run % 2]!, random);
      try {
        readNpz(bytes);
      } catch (error) {
        expect(error, Buffer.from(bytes).toString('hex')).to.be.instanceOf(LossAtlasError);
      }
    }
  });
});

describe('npz files of other tools', () => {
  before(function () {
    if (existsSync(misc)) return;
    console.log('      skipped: no files at ../shared/data/misc');
    this.skip();
  });

  // As numpy.load shows them.
  it('reads candle_test.npz as NumPy does', () => {
    const x = BigInt64Array.from({ length: 10 }, (_, i) => BigInt(i));
    expect(readNpz(readFileSync(new URL('candle_test.npz', misc)))).to.deep.equal({
      x: { dtype: 'i8', shape: [10], data: x },
      x_plus_one: { dtype: 'i8', shape: [10], data: x.map((value) => value + 1n) },
    });
  });

  it('reads djl_list.npz as NumPy does', () => {
    expect(readNpz(readFileSync(new URL('djl_list.npz', misc)))).to.deep.equal({
      bool8: { dtype: 'bool', shape: [1], data: Uint8Array.of(1) },
      arr_0: { dtype: 'i1', shape: [1], data: Int8Array.of(1) },
    });
  });
});
