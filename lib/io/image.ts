import { LossAtlasError } from '../errors.js';

export interface DecodedImage {
  /** Red, green and blue plane; of a gray image three times the same. */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Those of sharp that hold pixels and nothing that could refer to other files. */
const formats = ['jpeg', 'png', 'webp', 'tiff', 'gif'];
/** Pixels may take so many times the size of the file, and the allowance. */
const maxRatio = 4;
const allowance = 64e6;

/**
 * The pixels of an image file, as Pillow's convert('RGB') gives them: no colour profile, no rotation by EXIF and no
 * transparency is applied; of several pages the first. Needs the optional package sharp, which the first call loads.
 * Throws ERR_MISSING_PACKAGE, ERR_INVALID_DATA.
 */
export async function decodeImage(bytes: Uint8Array, source: string): Promise<DecodedImage> {
  const sharp = await loadSharp();
  const fail = (problem: string, cause?: unknown): never => {
    throw new LossAtlasError('ERR_INVALID_DATA', `${source}: ${problem}.`, { cause });
  };
  const damaged = (cause: unknown): never =>
    fail(`no image that is known, or a damaged one (${reasonOf(cause)})`, cause);
  // The header is read first, and nothing is decoded before its sizes are checked here.
  const limit = maxRatio * bytes.length + allowance;
  const image = sharp(bytes, { ignoreIcc: true, failOn: 'error', limitInputPixels: false });
  const { format, width, height, depth, space } = await image.metadata().catch(damaged);
  if (!formats.includes(format))
    fail(`images of the format '${format}' are not read (${formats.join(', ')})`);
  if (3 * width * height > limit)
    fail(`${width}×${height} pixels are more than a file of ${bytes.length} bytes may unpack to`);
  if (depth !== 'uchar') fail(`its values are of type ${depth}, not bytes`);
  if (space === 'cmyk') fail('its colours are CMYK; convert it to RGB');
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true }).catch(damaged);
  return { pixels: planes(data, info.channels, width * height), height, width };
}

/** From pixel after pixel to plane after plane; an alpha channel, the last of two or four, is left out. */
function planes(data: Uint8Array, numChannels: number, size: number): Uint8Array {
  const out = new Uint8Array(3 * size);
  for (let channel = 0; channel < 3; channel++) {
    let from = numChannels < 3 ? 0 : channel;
    for (let i = 0; i < size; i++, from += numChannels) out[channel * size + i] = data[from]!;
  }
  return out;
}

type Sharp = (typeof import('sharp'))['default'];
let loaded: Sharp | undefined;

async function loadSharp(): Promise<Sharp> {
  try {
    loaded ??= (await import('sharp')).default;
    return loaded;
  } catch (cause) {
    const why = reasonOf(cause).split('\n', 1)[0]!;
    throw new LossAtlasError(
      'ERR_MISSING_PACKAGE',
      `Images are decoded by the optional package sharp, which cannot be loaded: npm install sharp (${why}).`,
      { cause },
    );
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
