import { loadResult } from '../../index.js';
import { throwIfAborted } from '../../steps.js';
import type { CommandSpec } from '../command.js';
import { Output } from '../output.js';
import { openResults } from './saved-results.js';

export const runPlot: CommandSpec['run'] = async ({ values, signal }) => {
  const results = await openResults(values);
  const trajectory =
    values.trajectory === undefined
      ? {}
      : { trajectory: await loadResult(values.trajectory as string, 'trajectory') };
  if (values.together === true) {
    const output = new Output({ formats: [], ...values }, 'together');
    await output.prepare();
    await output.saveTogether(results);
    await output.finish([]);
    return;
  }
  for (const { label, result } of results) {
    throwIfAborted(signal);
    const output = new Output({ formats: [], ...values }, label);
    await output.prepare();
    await output.save(result, '', trajectory);
    await output.finish([]);
  }
};
