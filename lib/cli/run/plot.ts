import { loadResult, LossAtlasError } from '../../index.js';
import { figuresOf } from '../../report/draw-result.js';
import { throwIfAborted } from '../../steps.js';
import type { CommandSpec } from '../command.js';
import { Output } from '../output.js';
import { refuseOptions } from '../refuse-options.js';
import { openResults } from './saved-results.js';

export const runPlot: CommandSpec['run'] = async ({ values, signal }) => {
  if (values.together === true) refuseOptions(values, ['trajectory'], 'for figures of one surface');
  const results = await openResults(values);
  for (const { label, result } of results) {
    if (Object.keys(figuresOf(result)).length === 0)
      throw new LossAtlasError(
        'ERR_INVALID_OPTION',
        `'${label}' is ${result.kind === 'evaluation-table' ? 'an' : 'a'} ${result.kind}, which has no figures; 'report' shows it.`,
      );
  }
  if (!results.some(({ result }) => result.kind === 'loss-surface'))
    refuseOptions(values, ['trajectory'], 'for figures of surfaces');
  const trajectory =
    values.trajectory === undefined
      ? {}
      : { trajectory: await loadResult(values.trajectory as string, 'trajectory') };
  if (values.together === true) {
    const output = new Output({ formats: [], ...values }, 'together');
    await output.within(async () => {
      await output.saveTogether(results);
      await output.finish([]);
    });
    return;
  }
  const { name, ...others } = values;
  for (const { label, result } of results) {
    throwIfAborted(signal);
    // One name for several would let them take each other's place.
    const own =
      name === undefined ? label : results.length === 1 ? (name as string) : `${name as string}-${label}`;
    const output = new Output({ formats: [], ...others }, own);
    await output.within(async () => {
      await output.save(result, '', trajectory);
      await output.finish([]);
    });
  }
};
