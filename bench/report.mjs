// What a run found, as a record for JSON and as a table for people.
import { unitNames } from './cases.mjs';
import { gates, isInFloat32, limitOf } from './gate.mjs';
import { ratio, summarize } from './statistics.mjs';
import { gpuTargets } from './targets.mjs';
import { toolNames, toolTitles } from './tools.mjs';

/**
 * @typedef {import('./tools.mjs').ToolName} ToolName
 *
 * @typedef {object} Outcome of one tool on one case
 * @property {number[][]} rounds milliseconds a unit
 * @property {number[]} megabytes at the peak, by round
 * @property {number[]} products Hessian-vector products by repetition of all rounds, where they are what counts
 * @property {number[][]} residuals ‖Hv − λv‖ / |λ1| by round, of each pair
 * @property {number} deviation from the reference, the largest of all rounds
 * @property {boolean} busy a sample that counts was taken while other processes were busy
 * @property {string | null} failure why there are no times; null where there are
 *
 * @typedef {object} CaseRecord
 * @property {import('./cases.mjs').Case} case
 * @property {string} data
 * @property {number | null} flops that a unit cannot do without
 * @property {Partial<Record<ToolName, Outcome>>} outcomes
 *
 * @typedef {object} RunRecord
 * @property {string} date
 * @property {string} machine
 * @property {string} device
 * @property {number} threads
 * @property {number} rounds
 * @property {number | null} repetitions in one process; null: as the cases say
 * @property {number} loadAverage at the start
 * @property {import('./bare.mjs').Ceilings} ceilings
 * @property {Record<string, string>} versions
 * @property {string[]} skipped what was left out, and why
 * @property {CaseRecord[]} cases
 */

/** @type {readonly (readonly [ToolName, ToolName])[]} */
const ratios = [
  ['ours', 'graphs'],
  ['ours', 'bare'],
  ['torch', 'ours'],
  ['pyhessian', 'ours'],
  ['curvlinops', 'ours'],
  ['lla', 'ours'],
  ['losslandscapes', 'ours'],
  ['li2018', 'ours'],
];

/** @type {Readonly<Record<import('./targets.mjs').CaseTarget['rival'], string>>} */
const rivals = { bare: 'the bare loop', pyhessian: 'PyHessian' };

/**
 * A table with what its cells mean.
 *
 * @typedef {object} Table
 * @property {readonly string[]} words
 * @property {readonly string[]} head
 * @property {readonly (readonly string[])[]} rows
 */

/** @param {Outcome | undefined} outcome */
export function measured(outcome) {
  return outcome !== undefined && outcome.failure === null && outcome.rounds.length > 0 ? outcome : null;
}

/**
 * @param {CaseRecord} record
 * @param {ToolName} numerator
 * @param {ToolName} denominator
 */
export function ratioOf({ outcomes }, numerator, denominator) {
  const [a, b] = [measured(outcomes[numerator]), measured(outcomes[denominator])];
  return a && b ? ratio(a.rounds, b.rounds) : null;
}

/** @param {Outcome} outcome */
function perSecond(outcome) {
  return 1000 / summarize(outcome.rounds).median;
}

/**
 * @param {RunRecord} run
 * @param {readonly object[]} verdicts
 */
export function toJson(run, verdicts) {
  const list = run.cases.map((record) => ({
    name: record.case.name,
    unit: unitNames[record.case.work],
    data: record.data,
    tools: Object.fromEntries(
      Object.entries(record.outcomes).map(([name, outcome]) => [
        name,
        outcome.failure === null
          ? { ...summarize(outcome.rounds), unit: 'milliseconds', perSecond: perSecond(outcome), ...outcome }
          : { failure: outcome.failure },
      ]),
    ),
    ratios: Object.fromEntries(ratios.map(([a, b]) => [`${a}/${b}`, ratioOf(record, a, b)])),
    target: record.case.target,
  }));
  return JSON.stringify({ ...run, cases: list, verdicts }, null, 2);
}

/**
 * Three digits, and no fewer than the whole number has.
 *
 * @param {number} value
 */
export function digits(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** @param {Outcome | undefined} outcome */
export function timeCell(outcome) {
  if (outcome === undefined) return '–';
  if (outcome.failure !== null) return 'failed';
  const { median, min, max } = summarize(outcome.rounds);
  return `${digits(median)} (${digits(min)}–${digits(max)})${outcome.busy ? ' *' : ''}`;
}

/** @param {ReturnType<typeof ratioOf>} value */
export function ratioCell(value) {
  if (value === null) return '–';
  return `${value.ratio.toFixed(2)} (${value.low.toFixed(2)}–${value.high.toFixed(2)})`;
}

/**
 * The tools that any of these cases was asked of.
 *
 * @param {readonly CaseRecord[]} records
 */
export function usedTools(records) {
  return toolNames.filter((name) => records.some(({ outcomes }) => outcomes[name] !== undefined));
}

/**
 * @param {RunRecord} run
 * @returns {Table}
 */
export function caseTable(run) {
  const used = usedTools(run.cases);
  const shown = ratios.filter((pair) => pair.every((name) => used.includes(name)));
  return {
    words: [
      'Milliseconds a grid point (point, surface), a Hessian-vector product (hvp), a Lanczos step (lanczos, slq) or both pairs (eigenpairs): median (lowest–highest).',
      'Ratios: of the medians of one round, where the tools ran one after the other: median (lowest–highest) of the rounds.',
    ],
    head: [
      'case',
      ...used.map((name) => toolTitles[name]),
      ...shown.map(([a, b]) => `${toolTitles[a]} / ${toolTitles[b]}`),
    ],
    rows: run.cases.map((record) => [
      record.case.name,
      ...used.map((name) => timeCell(record.outcomes[name])),
      ...shown.map(([a, b]) => ratioCell(ratioOf(record, a, b))),
    ]),
  };
}

/**
 * Milliseconds of a unit at the machine's ceiling; null where its arithmetic is not known.
 *
 * @param {CaseRecord} record
 * @param {import('./bare.mjs').Ceilings} ceilings
 */
function floorOf({ flops }, { gigaflops }) {
  return flops === null ? null : flops / (gigaflops * 1e6);
}

/**
 * What share of its time a tool would need at the machine's ceiling.
 *
 * @param {CaseRecord} record
 * @param {ToolName} name
 * @param {import('./bare.mjs').Ceilings} ceilings
 */
export function floorShare(record, name, ceilings) {
  const floor = floorOf(record, ceilings);
  const outcome = measured(record.outcomes[name]);
  return floor === null || outcome === null ? null : floor / summarize(outcome.rounds).median;
}

/** @param {RunRecord} run */
function floorNotes({ ceilings, cases }) {
  return cases.flatMap((record) => {
    const floor = floorOf(record, ceilings);
    if (floor === null) return [];
    const shares = toolNames.flatMap((name) => {
      const share = floorShare(record, name, ceilings);
      return share === null ? [] : [`${toolTitles[name]} ${(100 * share).toFixed(0)} %`];
    });
    return shares.length === 0
      ? []
      : [`Share of the floor, ${record.case.name}, ${digits(floor)} ms a unit: ${shares.join(', ')}.`];
  });
}

/**
 * Of the faster of our two ways.
 *
 * @param {RunRecord} run
 */
function gpuNotes({ cases }) {
  return gpuTargets.flatMap(({ name, peer, atLeast }) => {
    const record = cases.find((each) => each.case.name === name);
    const found = /** @type {const} */ (['ours', 'graphs'])
      .map((way) => record && ratioOf(record, peer, way))
      .filter((value) => value !== undefined && value !== null)
      .sort((a, b) => b.ratio - a.ratio)[0];
    if (found === undefined) return [];
    const verdict = found.ratio >= atLeast ? 'met' : 'missed';
    return [`Target of ${name}: ${toolTitles[peer]} at least ${atLeast} ×: ${verdict}, ${ratioCell(found)}.`];
  });
}

/** @param {RunRecord} run */
function makeNotes(run) {
  const notes = run.device === 'cpu' ? [] : gpuNotes(run);
  for (const record of run.cases) {
    const { name, target } = record.case;
    if (target === null || run.device !== 'cpu') continue;
    const { rival, atMost } = target;
    const found = ratioOf(record, 'ours', rival);
    if (found === null) continue;
    const { ratio: value, fastest, low, high } = found;
    const verdict = value <= atMost ? 'met' : 'missed';
    const doubt = low <= atMost && atMost < high ? ', though the rounds lie on both sides of it' : '';
    notes.push(
      `Target of ${name}: at most ${atMost.toFixed(2)} × ${rivals[rival]}: ${verdict}, ${value.toFixed(3)}${doubt} ` +
        `(of the fastest repetitions ${fastest.toFixed(3)}).`,
    );
  }
  notes.push(...floorNotes(run));
  for (const record of run.cases) {
    const counts = toolNames.flatMap((name) => {
      const outcome = measured(record.outcomes[name]);
      if (outcome === null || outcome.products.length === 0) return [];
      const residuals = outcome.residuals.at(-1)?.map((r) => r.toExponential(1));
      const those = residuals === undefined ? '' : ` (residuals ${residuals.join(', ')})`;
      return [`${toolTitles[name]} ${outcome.products.join(', ')}${those}`];
    });
    if (counts.length > 0)
      notes.push(`Hessian-vector products by repetition, ${record.case.name}: ${counts.join('; ')}.`);
  }
  for (const record of run.cases) {
    if (record.case.work !== 'surface') continue;
    const rates = toolNames.flatMap((name) => {
      const outcome = measured(record.outcomes[name]);
      return outcome ? [`${toolTitles[name]} ${digits(perSecond(outcome))}`] : [];
    });
    if (rates.length > 0) notes.push(`Points a second, ${record.case.name}: ${rates.join(', ')}.`);
  }
  for (const [work, { what }] of Object.entries(gates)) {
    const ofWork = run.cases.filter((record) => record.case.work === work);
    /** @param {CaseRecord} record */
    const rule = ({ case: benchCase }) =>
      `at most ${limitOf(benchCase).toExponential(0)} from the bare loop in ${isInFloat32(benchCase) ? 'float32' : 'float64'}`;
    for (const words of new Set(ofWork.map(rule))) {
      const deviations = ofWork
        .filter((record) => rule(record) === words)
        .flatMap(({ outcomes }) => Object.values(outcomes))
        .filter((outcome) => outcome.failure === null)
        .map((outcome) => outcome.deviation);
      if (deviations.length === 0) continue;
      notes.push(
        `Equal first: ${what}, ${words}: at most ${Math.max(...deviations).toExponential(1)} found.`,
      );
    }
  }
  if (run.cases.some(({ outcomes }) => Object.values(outcomes).some(({ busy }) => busy))) {
    notes.push('* measured while other processes were busy, repeatedly: not to be relied on.');
  }
  for (const {
    case: { name },
    outcomes,
  } of run.cases) {
    for (const [tool, { failure }] of Object.entries(outcomes)) {
      if (failure !== null) notes.push(`FAILED: ${tool} on ${name}: ${failure}`);
    }
  }
  const data = new Map(run.cases.map((record) => [record.case.workload, record.data]));
  for (const [workload, images] of data) notes.push(`Data of ${workload}: ${images}.`);
  return [...notes, ...run.skipped.map((line) => `Skipped: ${line}`)];
}

/** @param {RunRecord} run */
function makeHeader({
  date,
  machine,
  device,
  threads,
  rounds,
  repetitions,
  loadAverage,
  ceilings,
  versions,
}) {
  const each = repetitions === null ? '' : ` of ${repetitions} repetitions`;
  return [
    `${date}, ${machine}; ${device === 'cpu' ? '' : `device ${device}, `}${threads} threads, ${rounds} rounds${each}, load average at the start ${loadAverage.toFixed(2)}.`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ') + '.',
    `Ceilings: ${ceilings.gigaflops.toFixed(0)} GFLOP/s in products of matrices, ${ceilings.copyGigabytes.toFixed(1)} GB/s in copies.`,
  ];
}

/**
 * @param {RunRecord} run
 * @param {Table} table
 */
export function toText(run, { words, head, rows }) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...makeHeader(run), ...words, '', ...lines, '', ...makeNotes(run)].join('\n');
}

/**
 * @param {RunRecord} run
 * @param {Table} table
 */
export function toMarkdown(run, { words, head, rows }) {
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replace(/[*|]/g, '\\$&')).join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)];
  const notes = makeNotes(run).map((note) => `- ${note.replaceAll('*', '\\*').replaceAll('\n', ' ')}`);
  return [...makeHeader(run), ...words, '', ...table, '', ...notes].join('\n');
}
