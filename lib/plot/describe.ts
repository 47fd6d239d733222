import type { AxisDescription, LossLine, LossSurface, Provenance } from '../results.js';
import { formatNumber } from './number-format.js';

/** Axis label: the coordinate's symbol and what it runs along. */
export function axisLabel(symbol: string, axis: AxisDescription): string {
  const { label, eigenvalue } = axis;
  const value = eigenvalue === null || label.includes('=') ? '' : `, λ = ${formatNumber(eigenvalue)}`;
  return label === '' ? symbol : `${symbol} (${label}${value})`;
}

/** Model and data, without their folders. */
export function defaultTitle({ model, data }: Provenance): string {
  return [model, data]
    .map(baseName)
    .filter((part) => part !== '')
    .join(' · ');
}

/** One paragraph with what is needed to repeat and to trust a landscape. */
export function defaultCaption(result: LossLine | LossSurface): string {
  const { provenance, checks } = result;
  const axes = result.kind === 'loss-line' ? [result.axis] : result.axes;
  const facts = [
    ...axes.map((axis, i) => describeAxis(axes.length === 1 ? 'direction' : `direction ${i + 1}`, axis)),
    `${provenance.mode} mode`,
    `${provenance.numSamples} samples`,
    provenance.criterion,
    provenance.dtype,
    provenance.device,
    `lossatlas ${provenance.versions.lossatlas}`,
  ];
  if (checks.centerDifference !== null)
    facts.push(`centre − model = ${formatNumber(checks.centerDifference, 2)}`);
  if (checks.cosine !== null) facts.push(`cosine = ${formatNumber(checks.cosine, 2)}`);
  // Lines break between facts, after the dot.
  const unbroken = facts.map((fact) => (fact.length > 48 ? fact : fact.replaceAll(' ', '\u00a0')));
  return unbroken.filter((fact) => fact !== '').join('\u00a0· ');
}

function describeAxis(name: string, axis: AxisDescription): string {
  const facts: string[] = [
    axis.kind,
    axis.normalization === 'none' ? 'not normalised' : `${axis.normalization} norm`,
  ];
  if (axis.order === 1) facts.push('order 1');
  if (axis.ignored.length > 0) facts.push(`without ${axis.ignored.join(' and ')}`);
  if (axis.seed !== null) facts.push(`seed ${axis.seed}`);
  return `${name}: ${facts.join(', ')}`;
}

function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
