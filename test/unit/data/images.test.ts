import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { dataset } from '../../../dist/data/from-arrays.js';
import { readNpz } from '../../../dist/io/npz.js';
import { relativeError } from '../../support/numbers.js';
import { throws } from './files.js';

// Of PyTorch and Pillow, by test/fixtures/data.py.
const arrays = readNpz(readFileSync(new URL('../../../test/fixtures/data.npz', import.meta.url)));
const images = arrays.images!.data as Uint8Array;
const floats = arrays.floats!.data as Float64Array;
const shape = arrays.images!.shape;

describe('edits of images', () => {
  const sizes = Object.keys(arrays).flatMap((name) => /^floats\.(\d+)x(\d+)$/.exec(name)?.slice(1) ?? []);

  for (let i = 0; i < sizes.length; i += 2) {
    const size = [Number(sizes[i]), Number(sizes[i + 1])] as const;
    it(`resize to ${size.join('×')} as torch.nn.functional.interpolate`, () => {
      for (const [name, data] of [['images', images] as const, ['floats', floats] as const]) {
        const [input] = dataset({ inputs: { data, shape } }, { resize: size }).inputs;
        const golden = arrays[`${name}.${size.join('x')}`]!;
        expect(input!.shape).to.deep.equal(golden.shape);
        expect(input!.data).to.be.instanceOf(name === 'images' ? Float32Array : Float64Array);
        const limit = name === 'images' ? 1e-7 : 1e-14;
        expect(relativeError(input!.data as Float64Array, golden.data as Float64Array)).to.be.below(limit);
      }
    });
  }

  it("grayscale of bytes as Pillow's convert('L'), to the last bit", () => {
    const colours = arrays.colours!;
    const inputs = { data: colours.data as Uint8Array, shape: [colours.shape[0]!, 3, 1, 1] };
    const data = dataset({ inputs }, { grayscale: true });
    expect(data.inputs[0]!.data).to.deep.equal(arrays.grays!.data);
    expect(data.preprocessing).to.equal('grayscale (ITU-R 601)');
  });

  it('grayscale of floats by the weights, by plane', () => {
    const [input] = dataset({ inputs: { data: floats, shape } }, { grayscale: true }).inputs;
    expect(input!.shape).to.deep.equal([2, 1, 7, 5]);
    const expected = Float64Array.from({ length: 70 }, (_, i) => {
      const at = i < 35 ? i : i + 70;
      return 0.299 * floats[at]! + 0.587 * floats[at + 35]! + 0.114 * floats[at + 70]!;
    });
    expect(input!.data).to.deep.equal(expected);
  });

  it('pads with zeros before scaling, and says all that was done in its order', () => {
    const inputs = { data: Uint8Array.of(1, 2, 3, 4), shape: [1, 1, 2, 2] };
    const { inputs: padded } = dataset({ inputs }, { pad: 1 });
    expect(padded).to.deep.equal([
      { data: Uint8Array.of(0, 0, 0, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0), shape: [1, 1, 4, 4] },
    ]);
    const done = dataset({ inputs }, { std: [2], mean: [1], scale: 3, pad: 1, resize: [1, 1] });
    expect(done.inputs[0]!.data).to.deep.equal(
      Float32Array.of(-0.5, -0.5, -0.5, -0.5, 3.25, -0.5, -0.5, -0.5, -0.5),
    );
    expect(done.preprocessing).to.equal('resize to 1×1 (bilinear); pad 1; scale 3; mean 1; std 2');
  });

  it('edits the images among several inputs, and needs one', async () => {
    const tokens = { data: BigInt64Array.of(1n, 2n), shape: [2, 1] };
    const data = dataset({ inputs: [{ data: images, shape }, tokens] }, { grayscale: true });
    expect(data.inputs.map((input) => input.shape)).to.deep.equal([
      [2, 1, 7, 5],
      [2, 1],
    ]);
    const refuses = async (
      inputs: Parameters<typeof dataset>[0]['inputs'],
      options: object,
      message: RegExp,
    ) => throws(() => dataset({ inputs }, options), 'ERR_INVALID_DATA', message);
    await refuses(tokens, { pad: 1 }, /'pad' needs images \[N, C, H, W\], the inputs are \[2, 1\]/);
    await refuses({ data: images, shape: [6, 1, 7, 5] }, { grayscale: true }, /3 channels, there are 1/);
    await refuses({ data: BigInt64Array.from(images, BigInt), shape }, { resize: [2, 2] }, /64-bit integers/);
  });

  it('checks its options', async () => {
    for (const wrong of [
      { resize: 3 },
      { resize: [0, 2] },
      { pad: -1 },
      { grayscale: 1 },
      { grayscal: true },
    ]) {
      await throws(() => dataset({ inputs: { data: images, shape } }, wrong as object), 'ERR_INVALID_OPTION');
    }
  });
});
