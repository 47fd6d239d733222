import { LossAtlasError } from '../errors.js';
import type { NdArray, TypedArray } from '../types.js';
import { isBoolean, isInteger, type Check } from '../validate.js';

export interface ImageOptions {
  /**
   * [N, 3, H, W] becomes [N, 1, H, W] by ITU-R 601: 0.299 R + 0.587 G + 0.114 B. Bytes are rounded to the nearest as
   * Pillow's convert('L') does, halves up; floats are not rounded.
   */
  readonly grayscale?: boolean;
  /**
   * [height, width], bilinear as torch.nn.functional.interpolate(mode='bilinear', align_corners=False,
   * antialias=False): half-pixel centres, borders repeated, and no smoothing before a reduction. The result is float.
   */
  readonly resize?: readonly [height: number, width: number];
  /** So many zeros on each side, before scaling. */
  readonly pad?: number;
}

const isSize = isInteger(1, 65536);
export const imageChecks = {
  grayscale: isBoolean,
  resize: (v) =>
    Array.isArray(v) && v.length === 2 && v.every((size) => isSize(size) === null)
      ? null
      : '[height, width] in pixels',
  pad: isInteger(0, 65536),
} as const satisfies Record<keyof ImageOptions, Check>;

/** Applies the options in their order and says in words what was done. */
export function editImages(
  inputs: readonly NdArray[],
  options: ImageOptions,
  source: string,
): { inputs: readonly NdArray[]; done: readonly string[] } {
  const { grayscale = false, resize, pad = 0 } = options;
  const done: string[] = [];
  const edit = (name: string, words: string, change: (image: NdArray) => NdArray) => {
    // Of several inputs, those of other dimensions are no images.
    const isImage = ({ shape }: NdArray) => shape.length === 4;
    if (!inputs.some(isImage)) {
      const shapes = inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
      fail(source, `'${name}' needs images [N, C, H, W], the inputs are ${shapes}`);
    }
    inputs = inputs.map((input) => (isImage(input) ? change(input) : input));
    done.push(words);
  };
  if (grayscale) {
    edit('grayscale', 'grayscale (ITU-R 601)', (image) => toGrayscale(image, source));
  }
  if (resize !== undefined) {
    edit('resize', `resize to ${resize.join('×')} (bilinear)`, (image) => toSize(image, resize, source));
  }
  if (pad > 0) edit('pad', `pad ${pad}`, (image) => padded(image, pad));
  return { inputs, done };
}

function toGrayscale({ data, shape }: NdArray, source: string): NdArray {
  const [numImages = 0, numChannels, height = 0, width = 0] = shape;
  if (numChannels !== 3) fail(source, `'grayscale' needs images of 3 channels, there are ${numChannels}`);
  const out = emptyLike(data, data.length / 3);
  const values = numbersOf(data, 'grayscale', source);
  const isByte = data.BYTES_PER_ELEMENT === 1;
  const isWhole = !(data instanceof Float32Array || data instanceof Float64Array);
  const plane = height * width;
  for (let n = 0; n < numImages; n++) {
    for (let i = 0; i < plane; i++) {
      const at = 3 * n * plane + i;
      const [red, green, blue] = [values[at]!, values[at + plane]!, values[at + 2 * plane]!];
      let gray: number;
      // Pillow's weights, of 16 bits.
      if (isByte) gray = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
      else gray = 0.299 * red + 0.587 * green + 0.114 * blue;
      out[n * plane + i] = isWhole ? Math.round(gray) : gray;
    }
  }
  return { data: out, shape: [numImages, 1, height, width] };
}

function toSize({ data, shape }: NdArray, [toHeight, toWidth]: readonly [number, number], source: string) {
  const [numImages = 0, numChannels = 0, height = 0, width = 0] = shape;
  if (height === 0 || width === 0) fail(source, `images of ${height}×${width} pixels cannot be resized`);
  const values = numbersOf(data, 'resize', source);
  const length = numImages * numChannels * toHeight * toWidth;
  const out = data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  const rows = taps(height, toHeight);
  const columns = taps(width, toWidth);
  let to = 0;
  for (let image = 0; image < numImages * numChannels; image++) {
    const start = image * height * width;
    for (const row of rows) {
      const upper = start + row.low * width;
      const lower = start + row.high * width;
      for (const { low, high, weight } of columns) {
        const top = values[upper + low]! * (1 - weight) + values[upper + high]! * weight;
        const bottom = values[lower + low]! * (1 - weight) + values[lower + high]! * weight;
        out[to++] = top * (1 - row.weight) + bottom * row.weight;
      }
    }
  }
  return { data: out, shape: [numImages, numChannels, toHeight, toWidth] };
}

/** Along one axis: between which two pixels each new one lies, and how near to the second. */
function taps(from: number, to: number): readonly { low: number; high: number; weight: number }[] {
  return Array.from({ length: to }, (_, i) => {
    const position = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(position), from - 1);
    return { low, high: Math.min(low + 1, from - 1), weight: Math.min(position - low, 1) };
  });
}

function padded({ data, shape }: NdArray, pad: number): NdArray {
  const [numImages = 0, numChannels = 0, height = 0, width = 0] = shape;
  const [toHeight, toWidth] = [height + 2 * pad, width + 2 * pad];
  const out = emptyLike(data, numImages * numChannels * toHeight * toWidth);
  for (let row = 0; row < numImages * numChannels * height; row++) {
    const toRow = Math.floor(row / height) * toHeight + pad + (row % height);
    // Of one type, bigints too.
    (out as Uint8Array).set(
      (data as Uint8Array).subarray(row * width, (row + 1) * width),
      toRow * toWidth + pad,
    );
  }
  return { data: out, shape: [numImages, numChannels, toHeight, toWidth] };
}

function emptyLike(data: TypedArray, length: number): TypedArray {
  return new (data.constructor as new (length: number) => TypedArray)(length);
}

function numbersOf(data: TypedArray, option: string, source: string): Exclude<TypedArray, BigInt64Array> {
  if (!(data instanceof BigInt64Array)) return data;
  return fail(source, `'${option}' cannot be applied to 64-bit integers; give bytes or floats`);
}

function fail(source: string, problem: string): never {
  throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`);
}
