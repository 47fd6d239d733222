// The command line: which cases or parts of the protocol, which tools, how often.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SetupError } from '../scripts/console.mjs';
import { cases, gpuCases, withGrid } from './cases.mjs';
import { casesOf, parts } from './protocol.mjs';
import { toolNames } from './tools.mjs';

/**
 * @typedef {object} Settings
 * @property {import('./protocol.mjs').Part[] | null} parts of the protocol, whose cases they are; null: other cases
 * @property {import('./cases.mjs').Case[]} cases
 * @property {import('./tools.mjs').ToolName[]} tools
 * @property {number} rounds
 * @property {number | null} repetitions for all cases; null: as each says
 * @property {number | null} grid points along each axis of whole surfaces; null: as each case says
 * @property {string} device as lossatlas and PyTorch call it
 * @property {number} threads
 * @property {number} retries
 */

export function parse() {
  // parseArgs knows no option whose value may be left out.
  const args = process.argv.slice(2).map((arg) => arg.replace(/^--json=/, '--json-file='));
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        list: { type: 'boolean', default: false },
        protocol: { type: 'boolean', default: false },
        'without-counts': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        'json-file': { type: 'string' },
        markdown: { type: 'string' },
        'setup-python': { type: 'boolean', default: false },
        tools: { type: 'string', default: toolNames.join(',') },
        rounds: { type: 'string', default: '3' },
        repetitions: { type: 'string' },
        grid: { type: 'string' },
        device: { type: 'string', default: 'cpu' },
        threads: { type: 'string', default: String(availableParallelism()) },
        retries: { type: 'string', default: '2' },
      },
    });
  } catch (error) {
    throw new SetupError('ERR_USAGE', error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string} option
 * @param {string} value
 * @param {number} [least]
 */
function wholeNumber(option, value, least = 1) {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new SetupError('ERR_USAGE', `--${option} wants a whole number from ${least}, not ${value}`);
}

/**
 * What the words name; all where there are none.
 *
 * @template {{ name: string }} T
 * @param {readonly T[]} all
 * @param {readonly string[]} words
 * @param {(name: string, word: string) => boolean} isNamed
 */
function pick(all, words, isNamed) {
  const unknown = words.filter((word) => !all.some(({ name }) => isNamed(name, word)));
  if (unknown.length > 0)
    throw new SetupError('ERR_USAGE', `nothing is named ${unknown.join(', ')}: see --list`);
  return all.filter(({ name }) => words.length === 0 || words.some((word) => isNamed(name, word)));
}

/**
 * @param {ReturnType<typeof parse>} parsed
 * @returns {Settings}
 */
export function toSettings({ values, positionals }) {
  if (values['without-counts'] && !values.protocol)
    throw new SetupError('ERR_USAGE', '--without-counts goes with --protocol');
  const { device } = values;
  if (values.protocol && device !== 'cpu')
    throw new SetupError('ERR_USAGE', '--protocol is of the CPU; name cases, or none for all');
  const wantedParts = values.protocol
    ? pick(parts, positionals, (name, word) => name.toLowerCase() === word.toLowerCase()).filter(
        ({ rows }) => !values['without-counts'] || !rows.some((row) => row.case.counts),
      )
    : null;
  const wanted = wantedParts
    ? casesOf(wantedParts)
    : pick(
        device === 'cpu' ? cases : [...cases, ...gpuCases],
        positionals,
        (name, word) => name === word || name.startsWith(`${word}-`),
      );
  const tools = values.tools.split(',').map((name) => {
    const tool = toolNames.find((known) => known === name);
    if (tool) return tool;
    throw new SetupError('ERR_USAGE', `no tool is named ${name}: there are ${toolNames.join(', ')}`);
  });
  const repetitions =
    values.repetitions === undefined ? null : wholeNumber('repetitions', values.repetitions);
  const grid = values.grid === undefined ? null : wholeNumber('grid', values.grid, 3);
  // LLA's points are ours only where the model is one of them.
  if (grid !== null && grid % 2 === 0) throw new SetupError('ERR_USAGE', '--grid wants an odd number');
  return {
    parts: wantedParts,
    cases: wanted.map((benchCase) => ({
      ...(grid === null ? benchCase : withGrid(benchCase, grid)),
      // Where products are counted a repetition is a seed.
      repetitions: benchCase.counts ? benchCase.repetitions : (repetitions ?? benchCase.repetitions),
    })),
    tools,
    rounds: wholeNumber('rounds', values.rounds),
    repetitions,
    grid,
    device,
    threads: wholeNumber('threads', values.threads),
    retries: wholeNumber('retries', values.retries, 0),
  };
}
