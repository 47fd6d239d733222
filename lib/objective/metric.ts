import { basename } from 'node:path';
import { hashFile } from '../hash.js';
import { requireTorchScript } from '../model/file-kind.js';
import { readScriptArchive } from '../model/torchscript/archive.js';
import { Model } from '../model/model.js';
import type { MetricHandle } from '../native/addon.js';
import { call, callSync, NativeResource } from '../native/call.js';
import { checkOptions, invalidOption, isString, requireInstance } from '../validate.js';

/** A metric of the user's own. */
export class Metric extends NativeResource<MetricHandle> {
  readonly name: string;
  /** SHA-256 of its file, hexadecimal. */
  readonly hash: string;

  /** Use `loadMetric`. */
  constructor(handle: MetricHandle, name: string, hash: string) {
    super(handle);
    this.name = name;
    this.hash = hash;
  }
}

/**
 * A TorchScript module `(output, target) → number`, a mean over the batch, or one value a sample; it is put beside the
 * loss at every point. `name` (default the file's) is its key in results.
 *
 *     using margin = await loadMetric('margin.pt', model, { name: 'margin' });
 *     using loss = objective(model, data, { metrics: ['top-5', margin] });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_NOT_TORCHSCRIPT, ERR_MODEL_LOAD.
 */
export async function loadMetric(
  path: string,
  model: Model,
  options: { readonly name?: string } = {},
): Promise<Metric> {
  requireInstance('loadMetric: model', model, Model, 'a Model (of loadModel)');
  if (isString(path) !== null) throw invalidOption('loadMetric: path', 'a file path', path);
  checkOptions('loadMetric', options, { name: isString });
  const name = options.name ?? basename(path).replace(/(\.script)?\.pt$/, '');
  if (name === 'error' || name.startsWith('top-')) {
    const expected = "another name than 'error' and 'top-…', which stand for metrics of the library's own";
    throw invalidOption("loadMetric: option 'name' (default the file's)", expected, name);
  }
  await requireTorchScript(path);
  await readScriptArchive(path);
  const hash = await hashFile(path);
  const handle = await call((native) => native.loadMetric(path, model.handle));
  return new Metric(handle, name, hash);
}

/** `error` (1 − accuracy), `top-k` (label among the k largest outputs), or a metric of one's own. */
export type MetricChoice = 'error' | `top-${number}` | Metric;

export function isMetricChoice(value: unknown): string | null {
  const fits =
    value instanceof Metric || value === 'error' || (typeof value === 'string' && topK(value) !== null);
  return fits ? null : "'error', 'top-' and a positive integer, or a Metric (of loadMetric)";
}

/** A list of choices with different names. */
export function isMetricList(value: unknown): string | null {
  const expected = "an array of different metrics: 'error', 'top-5', or a Metric (of loadMetric)";
  if (!Array.isArray(value) || !value.every((item) => isMetricChoice(item) === null)) return expected;
  const names = (value as MetricChoice[]).map(metricName);
  return new Set(names).size === names.length ? null : expected;
}

export function metricName(choice: MetricChoice): string {
  return typeof choice === 'string' ? choice : choice.name;
}

/** The native metric of a choice, if it needs one; `owned` ones are to be disposed of. */
export function metricHandle(
  choice: MetricChoice,
  ignoreIndex: number,
): { readonly handle: MetricHandle; readonly owned: boolean }[] {
  if (choice === 'error') return [];
  if (choice instanceof Metric) return [{ handle: choice.handle, owned: false }];
  const handle = callSync((native) => native.topKMetric(topK(choice)!, ignoreIndex));
  return [{ handle, owned: true }];
}

function topK(name: string): number | null {
  const match = /^top-([1-9]\d{0,5})$/.exec(name);
  return match === null ? null : Number(match[1]);
}
