import { basename } from 'node:path';
import { hashFile } from '../hash.js';
import { requireTorchScript } from '../model/file-kind.js';
import { readScriptArchive } from '../model/torchscript/archive.js';
import { Model } from '../model/model.js';
import type { LossHandle } from '../native/addon.js';
import { call, NativeResource } from '../native/call.js';
import { checkOptions, invalidOption, isOneOf, isString, requireInstance } from '../validate.js';

const losses = ['cross-entropy', 'nll', 'mse', 'bce-with-logits', 'l1', 'huber', 'model'] as const;
/** PyTorch's losses by name; `model`: the model returns its loss. */
export type LossName = (typeof losses)[number];

/** A loss of the user's own. */
export class Loss extends NativeResource<LossHandle> {
  readonly name: string;
  /** SHA-256 of its file, hexadecimal. */
  readonly hash: string;
  readonly reduction: 'mean' | 'sum';

  /** Use `loadLoss`. */
  constructor(handle: LossHandle, name: string, hash: string, reduction: 'mean' | 'sum') {
    super(handle);
    this.name = name;
    this.hash = hash;
    this.reduction = reduction;
  }
}

export interface LoadLossOptions {
  /** In results; default the file's. */
  readonly name?: string;
  /** What a scalar is over the samples of a batch: their `mean` (default) or their `sum`. */
  readonly reduction?: 'mean' | 'sum';
}

/**
 * A loss of one's own: a TorchScript module `(output, target) → tensor`, a scalar over the batch or one value a sample;
 * `(output)` for data without targets. Tensors of its own, such as class weights, come with it. There is no accuracy and
 * no figure of classes beside it; metrics stand for those.
 *
 *     using focal = await loadLoss('focal.pt', model);
 *     using loss = objective(model, data, { loss: focal });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_NOT_TORCHSCRIPT, ERR_MODEL_LOAD.
 */
export async function loadLoss(path: string, model: Model, options: LoadLossOptions = {}): Promise<Loss> {
  requireInstance('loadLoss: model', model, Model, 'a Model (of loadModel)');
  if (isString(path) !== null) throw invalidOption('loadLoss: path', 'a file path', path);
  checkOptions('loadLoss', options, { name: isString, reduction: isOneOf('mean', 'sum') });
  const { name = basename(path).replace(/(\.script)?\.pt$/, ''), reduction = 'mean' } = options;
  await requireTorchScript(path);
  await readScriptArchive(path);
  const hash = await hashFile(path);
  return new Loss(await call((native) => native.loadLoss(path, model.handle)), name, hash, reduction);
}

export type LossChoice = LossName | Loss;

const isName = isOneOf(...losses);
export function isLossChoice(value: unknown): string | null {
  if (value instanceof Loss) return null;
  const expected = isName(value);
  return expected === null ? null : `${expected}, or a Loss (of loadLoss)`;
}

/** For results. */
export function lossText(choice: LossChoice): string {
  if (typeof choice === 'string') return choice;
  const sums = choice.reduction === 'sum' ? ', sum' : '';
  return `${choice.name} (sha256:${choice.hash.slice(0, 16)}${sums})`;
}

export function hasAccuracy(choice: LossChoice): boolean {
  return choice === 'cross-entropy' || choice === 'nll' || choice === 'bce-with-logits';
}
