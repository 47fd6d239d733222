// The protocol's table: a row a part, our figure and the peers', and what is aimed at, met or missed.
import { digits, floorShare, measured, ratioCell, ratioOf, timeCell, usedTools } from './report.mjs';
import { median, ratio } from './statistics.mjs';
import { rowTargets } from './targets.mjs';
import { toolTitles } from './tools.mjs';

/**
 * @typedef {import('./report.mjs').RunRecord} RunRecord
 * @typedef {import('./report.mjs').CaseRecord} CaseRecord
 * @typedef {import('./protocol.mjs').Row} Row
 * @typedef {import('./tools.mjs').ToolName} ToolName
 *
 * @typedef {object} Verdict on one target of one row
 * @property {string} row
 * @property {string} aim in words
 * @property {number | null} value null where it was not measured
 * @property {boolean | null} isMet
 * @property {string} cell the value in words
 *
 * @typedef {{ row: Row, record: CaseRecord, idle: CaseRecord | null }} Measured
 */

/**
 * The rows whose cases were run, in the order of the protocol.
 *
 * @param {readonly import('./protocol.mjs').Part[]} parts
 * @param {RunRecord} run
 * @returns {Measured[]}
 */
function measuredRows(parts, run) {
  const find = (/** @type {string | undefined} */ name) =>
    run.cases.find((record) => record.case.name === name) ?? null;
  return parts
    .flatMap(({ rows }) => rows)
    .flatMap((row) => {
      const record = find(row.case.name);
      return record === null ? [] : [{ row, record, idle: find(row.idle?.name) }];
    });
}

/**
 * Of products or memory.
 *
 * @param {Measured} measuredRow
 * @param {ToolName} name
 */
function amountOf({ row, record }, name) {
  const outcome = measured(record.outcomes[name]);
  const amounts = outcome?.[row.measure === 'products' ? 'products' : 'megabytes'] ?? [];
  return amounts.length === 0 ? null : median(amounts);
}

/**
 * How many times what we take a peer takes.
 *
 * @param {Measured} measuredRow
 * @param {ToolName} name
 * @returns {{ ratio: number, low: number, high: number } | null} `low` and `high` are NaN where only medians are compared
 */
function timesOurs(measuredRow, name) {
  if (measuredRow.row.measure === 'milliseconds') return ratioOf(measuredRow.record, name, 'ours');
  const [theirs, ours] = [amountOf(measuredRow, name), amountOf(measuredRow, 'ours')];
  return theirs === null || ours === null ? null : { ratio: theirs / ours, low: NaN, high: NaN };
}

/** @param {Measured} measuredRow */
function timesIdle({ record, idle }) {
  const [busy, alone] = [measured(record.outcomes.ours), measured(idle?.outcomes.ours)];
  return busy && alone ? ratio(busy.rounds, alone.rounds) : null;
}

/** @param {{ ratio: number, low: number, high: number }} value */
const inWords = (value) =>
  Number.isNaN(value.low) ? value.ratio.toPrecision(3) : ratioCell({ ...value, fastest: NaN });

/**
 * @param {Measured} measuredRow
 * @param {import('./targets.mjs').RowTarget} target
 * @param {RunRecord} run
 * @returns {Verdict}
 */
function judge(measuredRow, target, run) {
  const { name } = measuredRow.row;
  /**
   * @param {string} aim
   * @param {number | null} value
   * @param {string} cell
   * @param {(value: number) => boolean} isMet
   */
  const verdict = (aim, value, cell, isMet) => ({
    row: name,
    aim,
    value,
    isMet: value === null ? null : isMet(value),
    cell: value === null ? 'not measured' : cell,
  });
  if (target.kind === 'floor') {
    const share = floorShare(measuredRow.record, 'ours', run.ceilings);
    const aim = `≥ ${100 * target.atLeast} % of the floor`;
    return verdict(aim, share, `${(100 * (share ?? NaN)).toFixed(1)} %`, (found) => found >= target.atLeast);
  }
  if (target.kind === 'idle') {
    const times = timesIdle(measuredRow);
    const words = times && inWords(times);
    return verdict(
      `≤ ${target.atMost} × idle`,
      times?.ratio ?? null,
      words ?? '',
      (found) => found <= target.atMost,
    );
  }
  const times = timesOurs(measuredRow, target.peer);
  const aim = `${toolTitles[target.peer]} ≥ ${target.atLeast} ×`;
  const words = times && inWords(times);
  return verdict(aim, times?.ratio ?? null, words ?? '', (found) => found >= target.atLeast);
}

/**
 * @param {readonly import('./protocol.mjs').Part[]} parts
 * @param {RunRecord} run
 * @returns {Verdict[]}
 */
export function protocolVerdicts(parts, run) {
  return measuredRows(parts, run).flatMap((each) =>
    rowTargets[each.row.name].map((target) => judge(each, target, run)),
  );
}

/**
 * @param {Measured} measuredRow
 * @param {ToolName} name
 */
function cellOf(measuredRow, name) {
  const { row, record, idle } = measuredRow;
  const outcome = record.outcomes[name];
  const amount = amountOf(measuredRow, name);
  if (row.measure === 'milliseconds' || !measured(outcome)) {
    const alone = name === 'ours' && idle ? `; idle ${timeCell(idle.outcomes.ours)}` : '';
    return `${timeCell(outcome)}${alone}`;
  }
  if (amount === null) return '–';
  return Number.isInteger(amount) ? String(amount) : digits(amount);
}

/**
 * @param {readonly import('./protocol.mjs').Part[]} parts
 * @param {RunRecord} run
 * @returns {import('./report.mjs').Table}
 */
export function protocolTable(parts, run) {
  const rows = measuredRows(parts, run);
  const peers = usedTools(rows.map(({ record }) => record)).filter((name) => name !== 'ours');
  return {
    words: [
      'Milliseconds: median (lowest–highest) of all repetitions; products: median of the seeds; memory: median of the rounds.',
      'With a peer stands how many times ours its figure is: of times the median (lowest–highest) over the rounds of the ratio of the medians of one round. Floor: the share of our time that the arithmetic takes at the ceiling.',
    ],
    head: ['', 'what', toolTitles.ours, ...peers.map((name) => toolTitles[name]), 'floor', 'targets'],
    rows: rows.map((each) => {
      const isTimed = each.row.measure === 'milliseconds' && each.idle === null;
      const share = isTimed ? floorShare(each.record, 'ours', run.ceilings) : null;
      const verdicts = rowTargets[each.row.name].map((target) => judge(each, target, run));
      return [
        each.row.name,
        each.row.what,
        cellOf(each, 'ours'),
        ...peers.map((name) => {
          const times = timesOurs(each, name);
          return `${cellOf(each, name)}${times ? ` = ${inWords(times)} ×` : ''}`;
        }),
        share === null ? '–' : `${(100 * share).toFixed(1)} %`,
        verdicts
          .map(
            ({ aim, isMet, cell }) => `${aim}: ${isMet === null ? '' : isMet ? 'met, ' : 'MISSED, '}${cell}`,
          )
          .join('; '),
      ];
    }),
  };
}
