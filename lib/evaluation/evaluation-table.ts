import { alignColumns, escapeCell } from '../markdown.js';
import type { EvaluationTable } from '../results.js';
import { invalidOption } from '../validate.js';

/** An evaluation as a Markdown table, accuracy in per cent; problems are listed below it. */
export function evaluationTable(table: EvaluationTable): string {
  if ((table as EvaluationTable | null)?.kind !== 'evaluation-table')
    throw invalidOption('evaluationTable: table', 'a result of evaluateCheckpoints', table);
  const head = ['checkpoint', 'data', 'samples', 'loss', 'accuracy %', ...table.metrics];
  const rows = table.rows.map((row) => [
    escapeCell(row.checkpoint),
    escapeCell(row.data),
    String(row.numSamples),
    row.problem === null ? row.loss.toPrecision(6) : '–',
    row.accuracy === null ? '–' : (100 * row.accuracy).toFixed(2),
    ...Array.from(row.metrics, (value) => (Number.isNaN(value) ? '–' : value.toPrecision(6))),
  ]);
  const seen = new Set<string>();
  const problems = table.rows.flatMap(({ checkpoint, problem }) => {
    if (problem === null || seen.has(checkpoint)) return [];
    seen.add(checkpoint);
    return [`- ${checkpoint}: ${problem}`];
  });
  return [...alignColumns([head, ...rows]), ...(problems.length > 0 ? ['', ...problems] : [])].join('\n');
}
