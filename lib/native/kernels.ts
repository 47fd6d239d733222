/** Variables of the environment by which libtorch's own takes the place of what rounds in another way here. */
const switches = [
  'LOSSATLAS_CONVOLUTION',
  'LOSSATLAS_BATCH_NORM',
  'LOSSATLAS_FOLDING',
  'LOSSATLAS_FIRST_LAYER',
  'LOSSATLAS_FROZEN_PREFIX',
  'LOSSATLAS_POINTS',
  'LOSSATLAS_GRAM_SCHMIDT',
] as const;

/** Those that are set; what values depend on to the last bit. */
export function kernelSwitches(): string {
  return switches.filter((name) => process.env[name] === 'libtorch').join(', ');
}
