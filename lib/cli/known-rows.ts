import { stat } from 'node:fs/promises';
import { loadJson, LossAtlasError, type CriteriaComparison } from '../index.js';
import { settingDifferences } from '../io/setting-differences.js';
import type { CompareCriteriaOptions, ComparedModel, Dataset } from '../index.js';

/**
 * The rows of an interrupted comparison; undefined where there is none. Rows come in order, so the first one tells whether
 * they are of this comparison. Throws ERR_RESUME where they are not: they would be overwritten.
 */
export async function readKnownRows(
  path: string,
  [model]: readonly ComparedModel[],
  [data]: readonly Dataset[],
  options: CompareCriteriaOptions,
): Promise<CriteriaComparison | undefined> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const known = await loadJson(path, 'criteria-comparison');
  const [row] = known.rows;
  if (row === undefined) return known;
  const { modes = ['eval'], batches = 4, batchSize = known.batchSize, steps = 100, probes = 10 } = options;
  const { seed = 0, confidence = 0.95, tailThreshold = 0.01 } = options;
  const { settings } = row.criteria;
  const pairs: Readonly<Record<string, readonly [found: unknown, wanted: unknown]>> = {
    checkpoint: [row.model, model!.label],
    weights: [row.pointHash, (await model!.at?.hash()) ?? null],
    model: [row.provenance.modelHash, model!.model.hash],
    'name of the data': [row.data, data!.name],
    data: [row.provenance.dataHash, data!.hash],
    mode: [row.mode, modes[0]],
    batches: [settings.batches, batches],
    'batch-size': [known.batchSize, batchSize],
    // Of a small model there are no more.
    steps: [settings.steps, Math.min(steps, model!.model.size)],
    probes: [settings.probes, probes],
    seed: [known.seed, seed],
    confidence: [settings.confidence, confidence],
    'tail-threshold': [settings.tailThreshold, tailThreshold],
  };
  const side = (i: 0 | 1) => Object.fromEntries(Object.entries(pairs).map(([name, pair]) => [name, pair[i]]));
  const differences = settingDifferences(side(0), side(1));
  if (differences.length === 0) return known;
  const message = `'${path}' belongs to another comparison (${differences.join('; ')}). Nothing was changed; give another file, or remove it to start anew.`;
  throw new LossAtlasError('ERR_RESUME', message);
}
