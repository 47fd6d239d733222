import { alignColumns, escapeCell } from '../markdown.js';
import type { CriteriaComparison, CriteriaRow, Estimate } from '../results.js';
import { whyNotRead } from '../spectrum/why-not-read.js';
import { invalidOption } from '../validate.js';

/**
 * A comparison as a Markdown table, in the columns of Gabdullin 2024's Table 4: accuracy in per cent, KH1, KH05 and re,
 * each with half the width of its interval, and below it what changed.
 */
export function criteriaTable(comparison: CriteriaComparison): string {
  if ((comparison as CriteriaComparison | null)?.kind !== 'criteria-comparison')
    throw invalidOption('criteriaTable: comparison', 'a result of compareCriteria', comparison);
  const head = ['model', 'mode', 'data', 'loss', 'accuracy %', 'KH1', 'KH05', 're'];
  const lines = comparison.rows.map((row) => [
    escapeCell(row.model),
    row.mode,
    escapeCell(row.data),
    row.loss.toPrecision(4),
    row.accuracy === null ? '–' : (100 * row.accuracy).toFixed(2),
    show(row.criteria.kh1),
    show(row.criteria.kh05),
    // Its interval is not symmetric.
    `${row.criteria.re.value.toPrecision(3)} [${row.criteria.re.low.toPrecision(2)}, ${row.criteria.re.high.toPrecision(2)}]`,
  ]);
  const changes = comparison.rows.flatMap((row) =>
    row.change === null ? [] : [describeChange(row, comparison.rows)],
  );
  const table = alignColumns([head, ...lines]);
  return [...table, ...(changes.length > 0 ? ['', ...changes] : [])].join('\n');
}

function describeChange(row: CriteriaRow, rows: readonly CriteriaRow[]): string {
  const { model, mode, data, change } = row;
  const { from, accuracy, kh05, kh1, re, paperReading } = change!;
  const points = accuracy === null ? '' : `accuracy ${signed(100 * accuracy, 2)} points, `;
  const words = {
    agrees: 'as the paper reads it: KH05 moves against accuracy',
    disagrees: 'against the paper’s reading: KH05 moves with accuracy',
    undecided: 'undecided: the interval of KH05’s change holds 0, or accuracy stays',
    'not-read': `not read, since ${whyNotRead(row, rows)}: the paper’s reading is of such spectra alone, and a ViT its exception`,
  };
  const parts = [`KH05 ${changeOf(kh05)}`, `KH1 ${changeOf(kh1)}`, `re ${changeOf(re)}`].join(', ');
  return `- ${model} (${mode}), ${from} → ${data}: ${points}${parts}; ${words[paperReading]}.`;
}

function changeOf(estimate: Estimate): string {
  const half = (estimate.high - estimate.low) / 2;
  return `${signed(estimate.value, 3)}${Number.isNaN(half) ? '' : ` ± ${half.toPrecision(2)}`}`;
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
}

function show(estimate: Estimate): string {
  const half = (estimate.high - estimate.low) / 2;
  return `${estimate.value.toPrecision(3)}${Number.isNaN(half) ? '' : ` ± ${half.toPrecision(2)}`}`;
}
