import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { loadIdx } from '../../../dist/data/idx-dataset.js';
import { rejects } from '../../support/errors.js';
import { fuzz, scratchFolder } from './files.js';

/** An IDX file. */
function idx(code: number, shape: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, code, shape.length]);
  shape.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, values]);
}

const pixels = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
const images = idx(8, [4, 2, 3], pixels);
const labels = idx(8, [4], Uint8Array.of(7, 2, 1, 0));

/** One value −2.5 or −2 behind each type code, big-endian. */
const types = [
  [0x09, '80', -128, Int8Array],
  [0x0b, 'fffe', -2, Int16Array],
  [0x0c, 'fffffffe', -2, Int32Array],
  [0x0d, 'c0200000', -2.5, Float32Array],
  [0x0e, 'c004000000000000', -2.5, Float64Array],
] as const;

describe('loadIdx', () => {
  const file = scratchFolder();

  it('images and labels, plain and packed whatever the name says', async () => {
    for (const pack of [(bytes: Buffer) => bytes, (bytes: Buffer) => gzipSync(bytes)]) {
      const data = await loadIdx(await file('images.idx', pack(images)), await file('y.gz', pack(labels)));
      expect(data.name).to.equal('images.idx');
      expect(data.inputs).to.deep.equal([{ data: pixels, shape: [4, 1, 2, 3] }]);
      expect(data.targets).to.deep.equal({ data: Uint8Array.of(7, 2, 1, 0), shape: [4] });
      expect(data.preprocessing).to.equal('');
    }
  });

  it('without the channel, without labels, other numbers of dimensions', async () => {
    const path = await file('images', images);
    expect((await loadIdx(path, null, { channel: false })).inputs[0]!.shape).to.deep.equal([4, 2, 3]);
    expect((await loadIdx(path, null)).targets).to.equal(null);
    const flat = await loadIdx(await file('flat', idx(8, [12, 2], pixels)), null);
    expect(flat.inputs[0]!.shape).to.deep.equal([12, 2]);
    const four = await loadIdx(await file('four', idx(8, [2, 3, 2, 2], pixels)), null);
    expect(four.inputs[0]!.shape).to.deep.equal([2, 3, 2, 2]);
  });

  for (const [code, bytes, value, ArrayType] of types) {
    it(`values of type 0x${code.toString(16)} (${ArrayType.name})`, async () => {
      const one = Buffer.from(bytes, 'hex');
      const path = await file('typed', idx(code, [3], Buffer.concat([Buffer.alloc(2 * one.length), one])));
      const [input] = (await loadIdx(path, null)).inputs;
      expect(input).to.deep.equal({ data: ArrayType.of(0, 0, value), shape: [3] });
      const [last] = (await loadIdx(path, null, { indices: [2] })).inputs;
      expect(last).to.deep.equal({ data: ArrayType.of(value), shape: [1] });
    });
  }

  it('says what is wrong with a file, and with which', async () => {
    const bad = async (bytes: Uint8Array, message: RegExp) => {
      await rejects(async () => loadIdx(await file('bad', bytes), null), 'ERR_INVALID_DATA', /bad'/);
      await rejects(async () => loadIdx(await file('bad', bytes), null), 'ERR_INVALID_DATA', message);
    };
    await bad(new Uint8Array(0), /0 bytes are too few/);
    await bad(images.subarray(0, 10), /10 bytes are too few/);
    await bad(Buffer.from('PNG and so on'), /does not start with two zero bytes/);
    await bad(idx(7, [1], Uint8Array.of(1)), /no type with the code 0x7/);
    await bad(idx(8, [], Uint8Array.of(1)), /no dimension/);
    const long = /\[4, 2, 3\] values of type uint8 make a file of 40 bytes, there are 41/;
    await bad(Buffer.concat([images, Buffer.alloc(1)]), long);
    await bad(images.subarray(0, 39), /file of 40 bytes, there are 39/);
    await bad(idx(14, [2 ** 31, 2 ** 31], pixels), /too large/);
    await bad(gzipSync(images).subarray(0, 30), /cannot be unpacked \(unexpected end of file\)/);
    await bad(gzipSync(images.subarray(0, 30)), /file of 40 bytes, there are 30/);
    await bad(Buffer.from([0x1f, 0x8b, 9, 9, 9, 9]), /cannot be unpacked/);
    const empty = await file('none', idx(8, [0, 2, 2], new Uint8Array(0)));
    await rejects(() => loadIdx(empty, null), 'ERR_EMPTY_DATA', /none'/);
    await rejects(() => loadIdx('nowhere.idx', null), 'ERR_FILE_NOT_FOUND', /nowhere\.idx/);
  });

  it('refuses a bomb: more than the header promises, and a header that promises the impossible', async () => {
    const bomb = await file('bomb', gzipSync(Buffer.concat([images, Buffer.alloc(50e6)])));
    const before = process.memoryUsage().arrayBuffers;
    await rejects(() => loadIdx(bomb, null), 'ERR_INVALID_DATA', /bomb': unpacks to more bytes than the 40/);
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(20e6);
    const huge = await file('huge', gzipSync(idx(8, [60000, 20000, 20000], pixels)));
    await rejects(() => loadIdx(huge, null), 'ERR_INVALID_DATA', /promises 24000000000016 bytes/);
  });

  it('images and labels that do not belong together', async () => {
    const [x, y] = [await file('x', images), await file('y', labels)];
    await rejects(() => loadIdx(y, x), 'ERR_INVALID_DATA', /labels were given for images/);
    const three = await file('three', idx(8, [3], Uint8Array.of(1, 2, 3)));
    await rejects(() => loadIdx(x, three), 'ERR_INVALID_DATA', /three'.*number of samples: 4 and 3/);
    await rejects(() => loadIdx(x, y, { chanel: true } as object), 'ERR_INVALID_OPTION', /'channel'/);
  });

  it('throws only LossAtlasError on damaged files', async () => {
    for (const bytes of [images, gzipSync(images)]) {
      const refused = await fuzz(bytes, 120, async (damaged) => loadIdx(await file('fuzz', damaged), null));
      expect(refused).to.be.above(60);
    }
  });
});
