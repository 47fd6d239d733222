import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { requireOperator, type LinearOperator } from '../operators/linear-operator.js';
import type { Estimate, Provenance, SpectralDensity } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
  isString,
} from '../validate.js';
import { planBasis, type BasisOptions } from './basis-plan.js';
import { criteria, criteriaChecks, type SpectrumCriteriaOptions } from './criteria.js';
import { expandTogether, KrylovSubspace } from './krylov-subspace.js';
import type { ProbeQuadrature } from './quadrature.js';
import { ProbeJournal } from './probe-journal.js';
import { meanEstimate } from './statistics.js';

export interface SpectralDensityOptions
  extends AnalysisOptions, SpectrumCriteriaOptions, Omit<BasisOptions, 'basisSize'> {
  /** Lanczos steps m of a probe; default 100 (Gabdullin 2024), at most n. */
  readonly steps?: number;
  /** Random probes; default 10 (Gabdullin 2024: ten are fairly stable). LLA and PyHessian run 1. */
  readonly probes?: number;
  /**
   * Probes that run side by side, with one call of the operator for all of them, each with a basis of its own; default
   * 16 where the operator is faster for several vectors at once (`batched`), else 1.
   */
  readonly probesPerPass?: number;
  readonly seed?: number;
  /** Number of the first probe in the seed's sequence; default 0. Runs with disjoint ranges are independent. */
  readonly firstProbe?: number;
  /** A file that keeps finished probes; a run that was stopped goes on from it. */
  readonly resume?: string;
}

/**
 * The spectral density of an operator by stochastic Lanczos quadrature: for each Rademacher probe the Ritz values and
 * the squared first entries of T's eigenvectors (Ubaru, Chen & Saad 2017; Ghorbani 2019; Yao 2020, arXiv 1912.07145).
 * With m = n steps the nodes are the exact spectrum that the probe sees. n·Σwλ = vᵀAv of each probe estimates the trace.
 *
 *     const spectrum = await spectralDensity(hessian(loss), { steps: 100, probes: 10, seed: 1 });
 *     console.log(spectrum.criteria.kh05); // { value, low, high, standardError, ratio, tail, … }
 *
 * Throws ERR_OUT_OF_MEMORY before it starts if the memory budget does not hold the basis of a probe.
 */
export async function spectralDensity(
  operator: LinearOperator,
  options: SpectralDensityOptions = {},
): Promise<SpectralDensity> {
  requireOperator('spectralDensity', operator);
  checkOptions('spectralDensity', options, {
    ...analysisChecks,
    ...criteriaChecks,
    steps: isInteger(1),
    probes: isInteger(1),
    probesPerPass: isInteger(1),
    memoryBudget: isPositive,
    basisPlacement: isOneOf('device', 'host'),
    seed: isSeed,
    firstProbe: isInteger(0, 2 ** 40),
    resume: isString,
  });
  const startedAt = performance.now();
  const { steps: wanted = 100, probes = 10, seed = 0, firstProbe = 0 } = options;
  const steps = Math.min(wanted, operator.size);
  // Before anything is computed.
  planBasis(operator.space, options, { wanted: steps, needed: steps });
  const together = await probesTogether(operator, probes, options.probesPerPass);
  const run = { steps, seed, ...planProbes(operator, options, steps, together) };
  const progress = new Steps('spectral density', steps * probes, options);
  const journal =
    options.resume === undefined
      ? null
      : await ProbeJournal.open(options.resume, operator, { steps, seed, firstProbe }, probes);
  const results = [...(journal?.restored ?? [])];
  try {
    progress.restore(steps * results.length);
    while (results.length < probes) {
      // The same probes side by side as in a run without interruption.
      const room = run.together - (results.length % run.together);
      const count = Math.min(room, probes - results.length);
      const streams = Array.from({ length: count }, (_, i) => firstProbe + results.length + i);
      const computed = await runProbes(operator, run, streams, progress);
      await journal?.append(computed);
      results.push(...computed);
    }
  } finally {
    await journal?.close();
  }
  progress.finish();
  const made = { probes: results, steps, seed, firstProbe, probesPerPass: run.together };
  return densityOf(operator, made, options, await operator.provenance(startedAt));
}

interface FinishedProbes extends Pick<SpectralDensity, 'steps' | 'seed' | 'firstProbe' | 'probesPerPass'> {
  readonly probes: readonly ProbeQuadrature[];
}

/** The result that these probes are. */
export function densityOf(
  { size }: LinearOperator,
  { probes, steps, seed, firstProbe, probesPerPass }: FinishedProbes,
  { confidence = 0.95, tailThreshold = 0.01 }: SpectrumCriteriaOptions,
  provenance: Provenance,
): SpectralDensity {
  const raw = {
    steps,
    nodes: Object.freeze(probes.map((r) => r.nodes)),
    weights: Object.freeze(probes.map((r) => r.weights)),
    residualBounds: Object.freeze(probes.map((r) => r.residualBounds)),
  };
  return Object.freeze({
    kind: 'spectral-density',
    formatVersion: 1,
    size,
    probes: probes.length,
    seed,
    firstProbe,
    probesPerPass,
    ...raw,
    trace: quadratureTrace(size, raw, confidence),
    criteria: criteria(raw, { confidence, tailThreshold }),
    numProducts: probes.reduce((sum, { nodes }) => sum + nodes.length, 0),
    provenance,
  });
}

/** Probes that run side by side, as far as the memory holds their bases. */
export async function probesTogether(
  operator: LinearOperator,
  probes: number,
  probesPerPass?: number,
): Promise<number> {
  const takesBlocks = async () => probes > 1 && ((await operator.takesBlocks?.()) ?? false);
  return Math.min(probes, probesPerPass ?? ((await takesBlocks()) ? 16 : 1));
}

/** n·Σwλ = vᵀAv of each probe, exactly: its mean estimates the trace, with Student's interval. */
export function quadratureTrace(
  n: number,
  { nodes, weights }: Pick<SpectralDensity, 'nodes' | 'weights'>,
  confidence: number,
): Estimate {
  const samples = nodes.map((list, p) => n * list.reduce((sum, node, i) => sum + node * weights[p]![i]!, 0));
  return meanEstimate(samples, confidence);
}

export interface ProbeRun {
  readonly steps: number;
  readonly seed: number;
  readonly together: number;
  readonly basisPlacement: 'device' | 'host';
}

/** As many probes side by side as the memory holds, and at least one. */
function planProbes(
  operator: LinearOperator,
  options: BasisOptions,
  steps: number,
  together: number,
): Pick<ProbeRun, 'together' | 'basisPlacement'> {
  const { room, basisPlacement } = planBasis(operator.space, options, {
    wanted: steps * together,
    needed: steps,
  });
  return { together: Math.max(1, Math.floor(room / steps)), basisPlacement };
}

async function runProbes(
  operator: LinearOperator,
  run: ProbeRun,
  streams: readonly number[],
  progress: Steps,
): Promise<ProbeQuadrature[]> {
  const rooms = streams.map(() => run.steps);
  const subspaces = await expandProbes(operator, run, streams, rooms, progress);
  try {
    const out: ProbeQuadrature[] = [];
    for (const subspace of subspaces) out.push(await quadratureOf(subspace));
    return out;
  } finally {
    disposeAll(subspaces);
  }
}

/** The Krylov subspaces of probes after `steps` Lanczos steps, side by side; `rooms[i]` is the capacity of basis i. */
export async function expandProbes(
  operator: LinearOperator,
  { steps, seed, basisPlacement }: ProbeRun,
  streams: readonly number[],
  rooms: readonly number[],
  progress: Steps,
): Promise<KrylovSubspace[]> {
  const subspaces: KrylovSubspace[] = [];
  try {
    for (const [i, stream] of streams.entries()) {
      using start = await probeVector(operator, seed, stream);
      subspaces.push(await KrylovSubspace.start(operator, [start], rooms[i]!, basisPlacement));
    }
    for (let step = 0; step < steps; step++) {
      // An invariant subspace ends a probe: its nodes are exact then.
      const active = subspaces.filter((subspace) => subspace.numPending > 0);
      if (active.length === 0) break;
      await expandTogether(active, 1, progress.signal);
      progress.advance(active.length);
    }
    return subspaces;
  } catch (error) {
    disposeAll(subspaces);
    throw error;
  }
}

/** Probe `stream` of a seed. */
export async function probeVector(
  { space }: LinearOperator,
  seed: number,
  stream: number,
): Promise<ParameterVector> {
  return space.randomVector('rademacher', seed, stream);
}

export async function quadratureOf(subspace: KrylovSubspace): Promise<ProbeQuadrature> {
  const { values, vectors, residualBounds } = await subspace.ritz();
  const weights = Float64Array.from(vectors, (vector) => vector[0]! ** 2);
  return { nodes: values, weights, residualBounds };
}
