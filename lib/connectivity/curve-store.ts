import { LossAtlasError } from '../errors.js';
import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { elementsOf, isTensor, type CheckpointTensor } from '../io/checkpoint/tensor.js';
import {
  isDict,
  isList,
  valueAt,
  type CheckpointDict,
  type CheckpointValue,
} from '../io/checkpoint/value.js';
import { writeTorch } from '../io/checkpoint/write-torch.js';
import { FileLock } from '../io/file-lock.js';
import type { TrainingOptimizer } from '../results.js';
import { momentNames } from '../training/optimizer.js';
import { requireSameSettings, type TrainingSettings } from '../training/settings.js';
import { CurveOptimizer } from './curve-optimizer.js';
import type { CurveState } from './curve-trainer.js';

/** What a kill may cost, and as much of the time as writing may take. */
const secondsBetween = 1;
const maxShareOfTime = 0.1;
const format = 'lossatlas curves 1';

/** Curves under training, in a file that `torch.load(path, weights_only=True)` reads; always whole. */
export class CurveStore {
  /** Of earlier runs and of this one, by kind. */
  readonly states = new Map<CurveState['kind'], CurveState>();
  readonly #path: string;
  readonly #settings: TrainingSettings;
  readonly #lock: FileLock;
  #due = performance.now() + 1000 * secondsBetween;

  private constructor(path: string, settings: TrainingSettings, lock: FileLock) {
    this.#path = path;
    this.#settings = settings;
    this.#lock = lock;
  }

  /** `size`: of all control points of a curve. Throws ERR_RESUME where the file belongs to another run. */
  static async open(
    path: string,
    settings: TrainingSettings,
    optimizer: TrainingOptimizer,
    size: number,
  ): Promise<CurveStore> {
    const lock = await FileLock.take(path);
    try {
      const store = new CurveStore(path, settings, lock);
      const curves = await readCurves(path, settings);
      for (const [kind, value] of curves ?? []) {
        if (kind !== 'bezier' && kind !== 'chain') throw noCurves(path);
        store.states.set(kind, decode(path, kind, value, optimizer, size));
      }
      return store;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Now and then. */
  async saveIfDue(): Promise<void> {
    if (performance.now() >= this.#due) await this.save();
  }

  async save(): Promise<void> {
    const start = performance.now();
    const curves = new Map<CheckpointValue, CheckpointValue>();
    for (const [kind, state] of this.states) curves.set(kind, encode(state));
    await writeTorch(
      this.#path,
      new Map<CheckpointValue, CheckpointValue>([
        ['format', format],
        ['settings', new Map(Object.entries(this.#settings))],
        ['curves', curves],
      ]),
    );
    const end = performance.now();
    this.#due = end + Math.max(1000 * secondsBetween, (end - start) / maxShareOfTime);
  }

  async close(): Promise<void> {
    await this.#lock.release();
  }
}

async function readCurves(path: string, settings: TrainingSettings): Promise<CheckpointDict | null> {
  let value: CheckpointValue;
  try {
    const checkpoint = await readCheckpoint(path, { checksums: true });
    await checkpoint.load();
    value = checkpoint.value;
  } catch (error) {
    if (!(error instanceof LossAtlasError)) throw error;
    if (error.code === 'ERR_FILE_NOT_FOUND') return null;
    if (error.code === 'ERR_CHECKPOINT') throw noCurves(path);
    throw error;
  }
  const [found, curves] = [valueAt(value, 'settings'), valueAt(value, 'curves')];
  if (valueAt(value, 'format') !== format || !isDict(found) || !isDict(curves)) throw noCurves(path);
  requireSameSettings(path, found, settings, 'connection');
  return curves;
}

function encode({ optimizer, losses, divergedAt }: CurveState): CheckpointDict {
  const { theta, moments } = optimizer;
  const tensor = (data: Float64Array): CheckpointTensor => ({
    dtype: 'float64',
    shape: [data.length],
    data,
  });
  return new Map<CheckpointValue, CheckpointValue>([
    ['theta', tensor(theta)],
    ['moments', moments.map(tensor)],
    ['losses', tensor(Float64Array.from(losses))],
    ['diverged_at', divergedAt],
  ]);
}

function decode(
  path: string,
  kind: CurveState['kind'],
  value: CheckpointValue,
  optimizer: TrainingOptimizer,
  size: number,
): CurveState {
  const numbers = (key: CheckpointValue | undefined, length?: number): Float64Array => {
    if (!isTensor(key) || key.dtype !== 'float64' || key.shape.length !== 1) throw noCurves(path);
    if (length !== undefined && elementsOf(key.shape) !== length) throw noCurves(path);
    // A copy: training writes into it.
    return Float64Array.from(key.data as Float64Array);
  };
  if (!isDict(value)) throw noCurves(path);
  const [moments, divergedAt] = [value.get('moments'), value.get('diverged_at')];
  if (!isList(moments) || moments.length !== momentNames(optimizer).length) throw noCurves(path);
  if (divergedAt !== null && typeof divergedAt !== 'number') throw noCurves(path);
  const losses = Array.from(numbers(value.get('losses')));
  const theta = numbers(value.get('theta'), size);
  return {
    kind,
    optimizer: new CurveOptimizer(
      optimizer,
      theta,
      losses.length,
      moments.map((moment) => numbers(moment, size)),
    ),
    losses,
    divergedAt,
  };
}

function noCurves(path: string): LossAtlasError {
  return new LossAtlasError(
    'ERR_RESUME',
    `'${path}' holds no curves to resume. Nothing was changed; give another file, or remove it to start anew.`,
  );
}
