import { basename, extname } from 'node:path';
import { loadJson, LossAtlasError, type LabelledResult, type Result } from '../../index.js';
import type { CommandSpec } from '../command.js';
import type { Values } from '../options/table.js';
import { Output } from '../output.js';

export const runPlot: CommandSpec['run'] = async ({ values }) => {
  const results = await openResults(values);
  const trajectory =
    values.trajectory === undefined
      ? {}
      : { trajectory: await loadJson(values.trajectory as string, 'trajectory') };
  if (values.together === true) {
    const output = new Output({ formats: [], ...values }, 'together');
    await output.prepare();
    await output.saveTogether(results);
    await output.finish([]);
    return;
  }
  for (const { label, result } of results) {
    const output = new Output({ formats: [], ...values }, label);
    await output.prepare();
    await output.save(result, '', trajectory);
    await output.finish([]);
  }
};

/** Saved results under their names, or those of `--labels`. */
export async function openResults(values: Values): Promise<LabelledResult[]> {
  const paths = values.results as readonly string[];
  const labels = values.labels as readonly string[] | undefined;
  if (labels !== undefined && labels.length !== paths.length)
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `Option 'labels' must name all of the ${paths.length} results.`,
    );
  const results: LabelledResult[] = [];
  for (const [i, file] of paths.entries()) {
    const result: Result = await loadJson(file);
    results.push({ label: labels?.[i] ?? basename(file, extname(file)), result });
  }
  return results;
}
