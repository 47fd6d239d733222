import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { LossAtlasError } from '../errors.js';
import { nameOf, OpenedCheckpoint } from '../evaluation/opened-checkpoint.js';
import type { EvaluatedCheckpoint } from '../evaluation/evaluate-checkpoints.js';
import { concurrently } from '../io/concurrent.js';
import { checkpointNames } from '../io/checkpoint/checkpoint-folder.js';
import type { Model } from '../model/model.js';
import { Solution } from '../model/solution.js';
import type { Track, TrackCheckpoint } from '../results.js';
import { Steps } from '../steps.js';
import { checkpointEpoch } from './checkpoint-epoch.js';
import { inOrder } from './checkpoint-order.js';
import { FolderWatch } from './folder-watch.js';
import { notesOnGaps } from './gap-notes.js';
import { readingsOf } from './readings.js';
import { keepSnapshots, notesOnSnapshots } from './snapshots.js';
import { checkTrackArguments, type TrackOptions } from './track-options.js';
import { TrackRun } from './track-run.js';

/**
 * Loss, accuracy, λ_max, λ_min, trace, re, KH05 and KH1 with intervals, and density snapshots, for every checkpoint of a
 * training run on every data set; the first data set is what it was trained on (Gabdullin 2024, arXiv 2412.10146, figures
 * 10 to 13). `checkpoints` is a folder, in the order of the epochs in its files or else of their names, or a list.
 *
 *     const track = await trackCheckpoints(model, 'run', [train, test], { resume: 'run.track', seed: 1 });
 *     console.log(trackTable(track));
 *
 * Each row is what `Objective.evaluate` and `analyseHessian(hessian(…), { k: 2, which: 'both-ends' })` give for that
 * checkpoint. With `follow` it waits for checkpoints that are still to come, and never reads one that is half written. A
 * checkpoint whose content has changed is computed anew; without a spectrum, so are those after it when a run is gone on
 * with, since their searches started from it.
 *
 * Throws ERR_INVALID_OPTION, ERR_FILE_NOT_FOUND, ERR_RESUME, ERR_FILE_NOT_WRITABLE; with `onProblem: 'stop'` what
 * `loadSolution` throws; what objectives and their Hessians throw.
 */
export async function trackCheckpoints(
  model: Model,
  checkpoints: string | readonly EvaluatedCheckpoint[],
  datasets: readonly Dataset[],
  options: TrackOptions = {},
): Promise<Track> {
  const startedAt = performance.now();
  checkTrackArguments(model, checkpoints, datasets, options);
  using run = new TrackRun(model, datasets, options);
  const isGiven = typeof checkpoints !== 'string';
  // Of a file that has changed the last row counts.
  const done = new Map<string, TrackCheckpoint>();
  const soFar = async (): Promise<Track> => {
    const { snapshots = 'ends', seed = 0 } = options;
    const placed = [...done.values()].map((checkpoint) => ({
      checkpoint,
      label: checkpoint.label,
      epoch: checkpoint.epoch,
      isReadable: checkpoint.problem === null,
    }));
    const { sorted, order, axis, notes } = inOrder(placed, isGiven);
    const positioned = sorted.map(({ checkpoint }, i) =>
      Object.freeze({ ...checkpoint, position: axis === 'checkpoint' ? i + 1 : (checkpoint.epoch ?? NaN) }),
    );
    return Object.freeze({
      kind: 'track',
      formatVersion: 1,
      datasets: Object.freeze(run.datasets),
      checkpoints: Object.freeze(keepSnapshots(positioned, snapshots)),
      order,
      axis,
      notes: Object.freeze([
        ...notes,
        ...notesOnGaps(run.datasets, positioned),
        ...notesOnSnapshots(positioned, snapshots, axis),
      ]),
      readings: Object.freeze(readingsOf(run.datasets, positioned)),
      seed,
      provenance: await run.provenance(startedAt),
    });
  };
  try {
    if (options.resume !== undefined) await run.open(options.resume);
    const steps = new Steps('track', 0, options);
    const source = isGiven ? listed(checkpoints, options) : inFolder(checkpoints, options);
    for await (const found of source) {
      steps.total = Math.max(steps.total, (done.size + found.numLeft) * run.steps);
      const { key, by, unknown, onProblem = 'record' } = options;
      const opened = await OpenedCheckpoint.open(model, found.at, { key, by, unknown });
      try {
        // Between the two it may have been written anew.
        if (!(await found.isSame())) {
          found.putBack();
          continue;
        }
        if (opened.problem !== null && onProblem === 'stop') throw opened.problem;
        const checkpoint = await run.compute(opened, found.epoch, steps);
        done.set(found.label, Object.freeze({ ...checkpoint, label: found.label }));
      } finally {
        opened.dispose();
      }
      await options.onCheckpoint?.(done.get(found.label)!, await soFar());
      const numGood = [...done.values()].filter(({ problem }) => problem === null).length;
      if (numGood >= (options.follow?.until ?? Infinity)) break;
    }
    steps.finish();
    return await soFar();
  } finally {
    await run.close();
  }
}

/** A process has descriptors for some hundreds, and the folder may have more. */
const filesAtOnce = 16;

/** A checkpoint whose turn it is. */
interface Turn {
  readonly at: EvaluatedCheckpoint;
  readonly label: string;
  readonly epoch: number | null;
  /** With this one; of a folder that is followed, as far as is known. */
  readonly numLeft: number;
  readonly isSame: () => Promise<boolean>;
  readonly putBack: () => void;
}

const isStill = { isSame: () => Promise.resolve(true), putBack: () => undefined };

async function* listed(
  checkpoints: readonly EvaluatedCheckpoint[],
  { epochs, unknown }: TrackOptions,
): AsyncGenerator<Turn> {
  for (const [i, at] of checkpoints.entries()) {
    const epoch = epochs?.[i] ?? (at instanceof Solution ? null : (await epochIn(at, unknown)).epoch);
    yield { at, label: nameOf(at), epoch, numLeft: checkpoints.length - i, ...isStill };
  }
}

async function* inFolder(folder: string, { follow, unknown, signal }: TrackOptions): AsyncGenerator<Turn> {
  if (follow !== undefined) {
    const watch = new FolderWatch(folder, unknown, follow, signal);
    for (let found = await watch.next(); found !== null; found = await watch.next()) {
      const { name, epoch, isSame } = found;
      const putBack = () => {
        watch.putBack(name);
      };
      yield { at: join(folder, name), label: name, epoch, numLeft: 1, isSame, putBack };
    }
    return;
  }
  const names = await checkpointNames(folder);
  if (names.length === 0)
    throw new LossAtlasError(
      'ERR_FILE_NOT_FOUND',
      `The folder '${folder}' has no file that is a checkpoint by name. With option 'follow' it would be waited for.`,
    );
  const epochs: Awaited<ReturnType<typeof epochIn>>[] = [];
  await concurrently(names, filesAtOnce, async (label, i) => {
    epochs[i] = await epochIn(join(folder, label), unknown);
  });
  const { sorted } = inOrder(
    names.map((label, i) => ({ label, ...epochs[i]! })),
    false,
  );
  for (const [i, { label, epoch }] of sorted.entries())
    yield { at: join(folder, label), label, epoch, numLeft: sorted.length - i, ...isStill };
}

/** What is wrong with a file is said when it is opened. */
async function epochIn(
  path: string,
  unknown: TrackOptions['unknown'],
): Promise<{ readonly epoch: number | null; readonly isReadable: boolean }> {
  try {
    return { epoch: await checkpointEpoch(path, { unknown }), isReadable: true };
  } catch (error) {
    if (!(error instanceof LossAtlasError)) throw error;
    return { epoch: null, isReadable: false };
  }
}
