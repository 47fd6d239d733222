/** Variables of the environment by which libtorch's own takes the place of what rounds in another way here. */
const switches = [
  'LOSSATLAS_CONVOLUTION',
  'LOSSATLAS_BATCH_NORM',
  'LOSSATLAS_FOLDING',
  'LOSSATLAS_FIRST_LAYER',
  'LOSSATLAS_FROZEN_PREFIX',
  'LOSSATLAS_POINTS',
  'LOSSATLAS_GRAM_SCHMIDT',
  'LOSSATLAS_WINOGRAD',
] as const;

/** Those that are set; what values depend on to the last bit. */
export function kernelSwitches(): string {
  const narrow = process.env.LOSSATLAS_WINOGRAD === 'avx2' ? ['LOSSATLAS_WINOGRAD=avx2'] : [];
  return [...switches.filter((name) => process.env[name] === 'libtorch'), ...narrow].join(', ');
}
