const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** Float32 bits by half-precision bits, made when first needed. */
let wideBits: Uint32Array | undefined;

/** Float32 values of half-precision bits, exactly; NaNs keep their bits. */
export function fromHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  wideBits ??= Uint32Array.from({ length: 1 << 16 }, (_, half) => widened(half));
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = wideBits[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** Half-precision bits nearest to float32 values, ties to even; NaNs keep their first bits. */
export function toHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    halves[i] = Number.isNaN(values[i]) ? narrowNaN(bits[i]!) : nearestHalf(values[i]!);
  }
  return halves;
}

/** Float32 values of bfloat16 bits, exactly. */
export function fromBrainHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** bfloat16 bits nearest to float32 values, ties to even; NaNs keep their first bits. */
export function toBrainHalves(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const wide = bits[i]!;
    const half = wide >>> 16;
    if (Number.isNaN(values[i])) halves[i] = (half & 0x7f) === 0 ? half | 0x40 : half;
    else halves[i] = (wide + 0x7fff + (half & 1)) >>> 16;
  }
  return halves;
}

function widened(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  float[0] = fraction * 2 ** -24;
  return (sign | floatBits[0]!) >>> 0;
}

function narrowNaN(bits: number): number {
  const half = ((bits >>> 16) & 0x8000) | 0x7c00 | ((bits >>> 13) & 0x3ff);
  return (half & 0x3ff) === 0 ? half | 0x200 : half;
}

function nearestHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  float[0] = magnitude;
  const exponent = (floatBits[0]! >>> 23) - 127;
  // Rounding up to 2048 carries into the exponent, which is what it should do.
  return sign | (((exponent + 14) << 10) + roundToEven(magnitude * 2 ** (10 - exponent)));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
