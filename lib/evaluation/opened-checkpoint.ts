import { LossAtlasError, type ErrorCode } from '../errors.js';
import { hashFile } from '../hash.js';
import { unreadable } from '../io/read-file.js';
import { loadSolution, type LoadSolutionOptions } from '../model/load-solution.js';
import type { Model } from '../model/model.js';
import { Solution } from '../model/solution.js';

/** As rows name it: the path as it was given, or the label. */
export function nameOf(checkpoint: string | Solution): string {
  return typeof checkpoint === 'string' ? checkpoint : checkpoint.label;
}

/** Errors that say something of the checkpoint, and nothing of the run. */
const ofTheFile: readonly ErrorCode[] = [
  'ERR_FILE_NOT_FOUND',
  'ERR_FILE_UNREADABLE',
  'ERR_CHECKPOINT',
  'ERR_CHECKPOINT_MISMATCH',
  'ERR_LAYOUT_MISMATCH',
  'ERR_MODEL_LOAD',
  'ERR_NO_PARAMETERS',
];

/** A checkpoint on the model's device, or what is wrong with it. */
export class OpenedCheckpoint {
  readonly name: string;
  /** SHA-256; empty where the file could not be read. */
  readonly hash: string;
  readonly solution: Solution | null;
  readonly problem: LossAtlasError | null;
  readonly #owned: boolean;

  private constructor(name: string, hash: string, content: Solution | LossAtlasError, owned: boolean) {
    this.name = name;
    this.hash = hash;
    this.solution = content instanceof Solution ? content : null;
    this.problem = content instanceof Solution ? null : content;
    this.#owned = owned;
  }

  /** Rejects only for what is no fault of the file. */
  static async open(
    model: Model,
    checkpoint: string | Solution,
    options: Pick<LoadSolutionOptions, 'key' | 'by' | 'unknown'>,
  ): Promise<OpenedCheckpoint> {
    if (checkpoint instanceof Solution)
      return new OpenedCheckpoint(checkpoint.label, await checkpoint.hash(), checkpoint, false);
    let hash = '';
    try {
      hash = await hashFile(checkpoint).catch((cause: unknown) => {
        throw unreadable(checkpoint, cause);
      });
      return new OpenedCheckpoint(checkpoint, hash, await loadSolution(model, checkpoint, options), true);
    } catch (error) {
      if (!(error instanceof LossAtlasError && ofTheFile.includes(error.code))) throw error;
      return new OpenedCheckpoint(checkpoint, hash, error, true);
    }
  }

  dispose(): void {
    if (this.#owned) this.solution?.dispose();
  }
}
