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
  const found = {
    checkpoint: row.model,
    weights: row.pointHash,
    model: row.provenance.modelHash,
    'name of the data': row.data,
    data: row.provenance.dataHash,
    mode: row.mode,
    batches: settings.batches,
    'batch-size': known.batchSize,
    steps: settings.steps,
    probes: settings.probes,
    seed: known.seed,
    confidence: settings.confidence,
    'tail-threshold': settings.tailThreshold,
  };
  const wanted = {
    checkpoint: model!.label,
    weights: (await model!.at?.hash()) ?? null,
    model: model!.model.hash,
    'name of the data': data!.name,
    data: data!.hash,
    mode: modes[0],
    batches,
    'batch-size': batchSize,
    steps,
    probes,
    seed,
    confidence,
    'tail-threshold': tailThreshold,
  };
  const differences = settingDifferences(found, wanted);
  if (differences.length === 0) return known;
  const message = `'${path}' belongs to another comparison (${differences.join('; ')}). Nothing was changed; give another file, or remove it to start anew.`;
  throw new LossAtlasError('ERR_RESUME', message);
}
