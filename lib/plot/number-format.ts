const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const minus = '−';

/** Tick labels and what was subtracted from all of them ('' if nothing was). */
export interface TickLabels {
  readonly labels: readonly string[];
  readonly offset: string;
}

/** 10ⁿ. */
export function formatPower(exponent: number): string {
  const digits = Array.from(String(Math.abs(exponent)), (digit) => superscripts[Number(digit)]!).join('');
  return `10${exponent < 0 ? '⁻' : ''}${digits}`;
}

/** A number with up to `digits` significant digits, a true minus sign and m×10ⁿ outside 0.001 … 99999. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${minus}∞`;
  if (value === 0) return '0';
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -3 && power < 5) return signed(trimZeros(value.toFixed(Math.max(0, digits - 1 - power))));
  const factor = trimZeros(mantissa);
  if (factor === '1') return formatPower(power);
  return signed(factor === '-1' ? `-${formatPower(power)}` : `${factor}×${formatPower(power)}`);
}

/**
 * Labels of evenly spaced ticks, all with the same number of decimals. Where they would need more than six
 * digits, a common offset is taken off.
 */
export function formatTicks(values: readonly number[]): TickLabels {
  if (values.length < 2) return { labels: values.map((value) => formatNumber(value)), offset: '' };
  const first = values[0]!;
  const last = values.at(-1)!;
  const step = Math.abs(values[1]! - first);
  const largest = Math.max(Math.abs(first), Math.abs(last));
  const digits = exponentOf(largest) - exponentOf(step, 2) + 1;
  if (digits <= 6) return { labels: formatEven(values, largest, step), offset: '' };
  const unit = 10 ** Math.ceil(Math.log10(Math.abs(last - first)) - 1e-9);
  const offset = Math.floor(Math.min(first, last) / unit + 1e-9) * unit;
  // The differences are rounded to the step: what is left of it is cancellation.
  const rests = values.map((value) => Math.round((value - offset) / step) * step);
  const { labels } = formatTicks(rests);
  const offsetDigits = Math.max(1, Math.min(17, exponentOf(offset) - exponentOf(unit) + 1));
  return { labels, offset: formatNumber(offset, offsetDigits) };
}

function formatEven(values: readonly number[], largest: number, step: number): string[] {
  const power = exponentOf(largest);
  const isPlain = power >= -3 && power < 5;
  const decimals = Math.max(0, (isPlain ? 0 : power) - exponentOf(step, 2));
  const factor = isPlain ? '' : `×${formatPower(power)}`;
  return values.map((value) => {
    // Rounding can leave a tick beside zero.
    if (Math.abs(value) < step * 1e-6) return isPlain ? (0).toFixed(Math.min(100, decimals)) : '0';
    const mantissa = isPlain ? value : value / 10 ** Math.max(power, -300) / 10 ** Math.min(0, power + 300);
    return signed(mantissa.toFixed(Math.min(100, decimals))) + factor;
  });
}

/** Decimal exponent after rounding to some digits: few for a step, which comes with cancellation error. */
function exponentOf(value: number, digits = 9): number {
  return value === 0 ? 0 : Number(value.toExponential(digits).split('e')[1]);
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function signed(text: string): string {
  return text.replace('-', minus);
}
