import { cpus } from 'node:os';
import { hashOf } from '../hash.js';
import { Journal, type Fingerprint } from '../io/journal.js';
import type { LinearOperator } from '../operators/linear-operator.js';
import { curvatureIn } from '../operators/shifted.js';
import { invalidOption } from '../validate.js';
import type { ProbeQuadrature } from './quadrature.js';

/** What decides the probes besides the operator. */
export interface ProbeSettings {
  readonly steps: number;
  readonly seed: number;
  readonly firstProbe: number;
}

/** Finished probes of stochastic Lanczos quadrature, on disk. */
export class ProbeJournal {
  readonly #journal: Journal;

  private constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Goes on with the first `probes` of a file, or makes it. Throws ERR_RESUME where its probes are of another matrix or
   * other settings, ERR_INVALID_OPTION for operators of one's own, whose identity nobody knows, ERR_FILE_NOT_WRITABLE.
   */
  static async open(
    path: string,
    operator: LinearOperator,
    settings: ProbeSettings,
    probes: number,
  ): Promise<ProbeJournal> {
    const fingerprint = await fingerprintOf(operator, settings);
    const isProbe = (record: Buffer) => record.length > 0 && record.length % 24 === 0;
    return new ProbeJournal(await Journal.open(path, 'spectrum', fingerprint, probes, isProbe));
  }

  get restored(): ProbeQuadrature[] {
    return this.#journal.restored.map(decode);
  }

  async append(probes: readonly ProbeQuadrature[]): Promise<void> {
    await this.#journal.append(probes.map(encode));
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

/** Nodes, weights and residual bounds, little-endian. */
function encode({ nodes, weights, residualBounds }: ProbeQuadrature): Buffer {
  const record = Buffer.alloc(24 * nodes.length);
  [...nodes, ...weights, ...residualBounds].forEach((value, i) => record.writeDoubleLE(value, 8 * i));
  return record;
}

function decode(record: Buffer): ProbeQuadrature {
  const count = record.length / 24;
  const part = (index: number) =>
    Float64Array.from({ length: count }, (_, i) => record.readDoubleLE(8 * (index * count + i)));
  return { nodes: part(0), weights: part(1), residualBounds: part(2) };
}

async function fingerprintOf(operator: LinearOperator, settings: ProbeSettings): Promise<Fingerprint> {
  const curvature = curvatureIn(operator)?.curvature;
  if (curvature === undefined)
    throw invalidOption(
      "spectralDensity: option 'resume'",
      'absent for an operator of your own, whose identity a file cannot tell',
      'a path',
    );
  const { theta, buffers } = await curvature.place();
  const arrays: (Float64Array | string)[] = [await theta.toArray()];
  for (const { name } of buffers?.model.buffers ?? []) arrays.push(name, await buffers!.toArray(name));
  const { modelHash, dataHash, criterion, options, mode, dtype, device, numThreads, versions } =
    await operator.provenance(performance.now());
  return {
    matrix: operator.label,
    model: modelHash,
    point: hashOf(arrays),
    data: dataHash,
    criterion,
    mode,
    batchSize: options.batchSize,
    labelSmoothing: options.labelSmoothing,
    ignoreIndex: options.ignoreIndex,
    delta: options.delta,
    dropoutSeed: options.seed,
    output: options.output,
    ...settings,
    dtype,
    device,
    // Rounding depends on them.
    numThreads,
    libtorch: versions.libtorch,
    cpu: cpus()[0]?.model ?? '',
    lossatlas: versions.lossatlas,
  };
}
