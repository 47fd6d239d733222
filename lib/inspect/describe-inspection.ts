import { elementsOf } from '../io/checkpoint/strides.js';
import type { DimensionRange } from '../model/exported-program/inputs.js';
import type { InspectedInput, InspectedTensor, Inspection } from './inspection.js';

/** A longer list is shown by its beginning and end, with the count of what is left out. */
const maxRows = 24;

/**
 * An inspection for people: what the file is, its tensors, inputs and optimizer, and what to do.
 *
 *     console.log(describeInspection(await inspect('resnet20.pt')));
 */
export function describeInspection(inspection: Inspection): string {
  const { path, bytes, what, format, problem, optimizer, candidates, unread, notes, advice } = inspection;
  const size = bytes === null ? 'folder' : sizeText(bytes);
  const lines = [`${path}: ${what}`, `  ${[format, size].filter(Boolean).join(', ')}`];
  if (problem !== null) lines.push(`  damaged or refused: ${problem}`);
  lines.push(...inputLines(inspection));
  lines.push(...tensorLines('parameters', inspection.parameters));
  lines.push(...tensorLines('buffers', inspection.buffers));
  lines.push(...tensorLines('arrays', inspection.arrays));
  if (optimizer !== null) {
    const { key, kind, numParameters, step, learningRate, fits } = optimizer;
    const parts = [
      key === '' ? '' : `at '${key}'`,
      `of ${numParameters} parameters`,
      step === null ? '' : `step ${step}`,
      learningRate === null ? '' : `learning rate ${learningRate}`,
      fits === null ? '' : `fits the weights${fits === '' ? '' : ` at '${fits}'`} in their order`,
    ];
    lines.push(`  optimizer: ${kind}, ${parts.filter(Boolean).join(', ')}`);
  }
  if (candidates.length > 0) {
    lines.push('  dicts of tensors:');
    const rows = candidates.map(({ key, numTensors, numElements }) => [
      key === '' ? '(top level)' : key,
      `${numTensors} tensors`,
      `${numElements} numbers`,
    ]);
    lines.push(...table(shortened(rows, (left) => [`… ${left} more`])));
  }
  if (unread.length > 0)
    lines.push(
      `  refers to code that is never run: ${shortened(unread, (left) => `… ${left} more`).join(', ')}`,
    );
  lines.push(...notes.map((note) => `  ${note}`));
  if (advice.length > 0) lines.push('  what to do:', ...advice.map((line) => `    ${line}`));
  return lines.map(printable).join('\n');
}

function inputLines({ inputs, output }: Inspection): string[] {
  if (inputs.length === 0 && output === null) return [];
  const rows = inputs.map((input) => [
    input.name,
    input.type,
    input.shape === undefined ? '' : `${inputShape(input)} ${input.dtype ?? ''}`,
    input.optional ? 'optional' : '',
  ]);
  const head = inputs.length === 0 ? '  no inputs' : '  inputs:';
  return [
    head,
    ...table(shortened(rows, (left) => [`… ${left} more`])),
    ...(output === null ? [] : [`  output: ${output}`]),
  ];
}

function inputShape({ shape = [] }: InspectedInput): string {
  const one = (size: number | DimensionRange) =>
    typeof size === 'number' ? String(size) : `${size.low}–${size.high === Infinity ? 'any' : size.high}`;
  return `[${shape.map(one).join(', ')}]`;
}

function tensorLines(title: string, tensors: readonly InspectedTensor[]): string[] {
  if (tensors.length === 0) return [];
  const numElements = tensors.reduce((sum, { shape }) => sum + Math.abs(elementsOf(shape)), 0);
  const rows = tensors.map(({ name, shape, dtype }) => [
    name === '' ? '(unnamed)' : name,
    `[${shape.map((n) => (n < 0 ? '?' : n)).join(', ')}]`,
    dtype,
  ]);
  const count = title === 'arrays' ? '' : `, ${numElements} numbers`;
  return [`  ${title}: ${tensors.length}${count}`, ...table(shortened(rows, (left) => [`… ${left} more`]))];
}

function shortened<T>(items: readonly T[], rest: (left: number) => T): T[] {
  if (items.length <= maxRows) return [...items];
  const half = maxRows / 2;
  return [...items.slice(0, half), rest(items.length - 2 * half), ...items.slice(-half)];
}

/** Columns of even width. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, c) => (widths[c] = Math.max(widths[c] ?? 0, cell.length)));
  return rows.map((row) => `    ${row.map((cell, c) => cell.padEnd(widths[c]!)).join('  ')}`.trimEnd());
}

function sizeText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 1e7 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
}

/** Names of a file may hold what would steer a terminal. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
