import { disposeAll, type ParameterVector } from '../model/parameter-vector.js';
import { requireOperator, type LinearOperator } from '../operators/linear-operator.js';
import type { Eigenpairs, HessianAnalysis } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import {
  analysisChecks,
  checkOptions,
  invalidOption,
  isBoolean,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
} from '../validate.js';
import { planBasis, type BasisOptions } from './basis-plan.js';
import { criteriaChecks, type SpectrumCriteriaOptions } from './criteria.js';
import { RandomStarts, searchPairs } from './eigenpair-search.js';
import { isWhich, numPairs, precisionOf, withVectors, type EigenpairsWithVectors } from './eigenpairs.js';
import type { KrylovSubspace } from './krylov-subspace.js';
import type { ProbeQuadrature } from './quadrature.js';
import { densityOf, expandProbes, probesTogether, probeVector, quadratureOf } from './spectral-density.js';
import { KrylovDeflation } from './trace/deflation.js';
import { exactGradientTrace } from './trace/gradient-trace.js';
import { HutchinsonSamples, refine } from './trace/hutchinson.js';
import type { TraceFigures } from './trace/options.js';
import { defaultMinProbes, defaultRelativeError, traceOf } from './trace/trace.js';

export interface AnalyseHessianOptions
  extends AnalysisOptions, SpectrumCriteriaOptions, Omit<BasisOptions, 'basisSize'> {
  /** Lanczos steps m of a probe; default 100, at most n. As of `spectralDensity`, like the next two. */
  readonly steps?: number;
  /** Random probes; default 10. */
  readonly probes?: number;
  /** Probes that run side by side; default 16 where the operator is faster for several vectors at once, else 1. */
  readonly probesPerPass?: number;
  /** Number of eigenpairs; default 2. As of `eigenpairs`, like the next three. */
  readonly k?: number;
  /** Default `largest-magnitude`. */
  readonly which?: Eigenpairs['which'];
  /** Residual ‖Av − λv‖ relative to the largest |λ|; default 1e-4 (float32) or 1e-8 (float64). */
  readonly tolerance?: number;
  /** Measure every residual by one more product; default where the tolerance comes near rounding. */
  readonly verify?: boolean;
  /**
   * Products at most that the search for eigenpairs makes beyond those of the first probe; 0 takes what the probe has.
   * Default the larger of 300 and 4k.
   */
  readonly maxProducts?: number;
  /**
   * Goes on with further probes of the trace, a product each, until its standard error is this share of |trace|. Default:
   * no further ones, whatever the error is; `trace.converged` then says whether it is 0.05.
   */
  readonly relativeError?: number;
  /** Probes of the trace at most, those of the density among them, where a `relativeError` is given; default 100. */
  readonly maxTraceProbes?: number;
  /**
   * The exact trace instead, by one backward pass for every output of every sample: that of `trace` by method `gradient` with
   * `exact`, for the Hessians that it takes. A recorded operator does not
   * keep it. Default false.
   */
  readonly exactTrace?: boolean;
  readonly seed?: number;
}

/** An analysis with its eigenvectors, which live on the model's device until `dispose()`. */
export interface HessianAnalysisWithVectors extends HessianAnalysis {
  readonly eigenpairs: EigenpairsWithVectors;
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * Spectral density, criteria, extreme eigenpairs and trace of an operator, all from one set of products:
 *
 * - `density`: what `spectralDensity` gives for these steps, probes and seed, its `criteria` included; bit for bit where as
 *   many probes run side by side (`probesPerPass`).
 * - `eigenpairs`: Ritz pairs of the first probe's Krylov subspace. Where they have not converged, the search goes on in that
 *   subspace, with thick restarts where it is full.
 * - `trace`: with Q the basis of that subspace and P = I − QQᵀ, the mean over the other probes v of
 *   tr QᵀAQ + vᵀPAPv (the deflated estimator of Meyer, Musco, Musco & Woodruff 2021, arXiv 2010.09649). It takes no product:
 *   APv = Av − AQ(Qᵀv), Av is the first of each probe and AQ is known. Q does not depend on v, so there is no bias; standard
 *   error and interval (of 95 %) are those of `trace`, which hold from four probes on: of fewer than five probes the missing
 *   ones cost a product each. With `exactTrace` it is exact, and the first thing that is computed.
 *
 * The `numProducts` of each part are what it took beyond the parts before it. One Krylov basis is kept besides those of the
 * probes that run.
 *
 *     using analysis = await analyseHessian(hessian(loss), { k: 5, relativeError: 0.01, seed: 1 });
 *     const { density, eigenpairs, trace, numProducts } = analysis;
 *     console.log(density.criteria.kh05, eigenpairs.values, trace.value, trace.low, trace.high, numProducts);
 *
 * Throws ERR_INVALID_OPTION, ERR_NOT_AFFINE and ERR_CRITERION (`exactTrace`), ERR_INVALID_DATA where a product is not
 * finite, ERR_OUT_OF_MEMORY before it starts if the memory budget does not hold two bases.
 */
export async function analyseHessian(
  operator: LinearOperator,
  options: AnalyseHessianOptions = {},
): Promise<HessianAnalysisWithVectors> {
  requireOperator('analyseHessian', operator);
  checkAnalysisOptions(options);
  const startedAt = performance.now();
  const run = await planRun(operator, options);
  const { steps, probes, seed, together, search, traceRun } = run;
  // First: what has none is refused before hours of work.
  const exact = options.exactTrace === true ? await exactTraceOf(run, options) : null;
  const numVerifying = search.verify ? search.k : 0;
  const numMissing = exact === null ? Math.max(0, traceRun.maxProbes - (probes - 1)) : 0;
  const total = steps * probes + numVerifying + numMissing;
  const progress = new Steps('hessian analysis', total, options, true);
  const random = new RandomStarts(operator, seed, searchStream);

  using first = await ProbePass.make(run, 0, progress);
  const subspace = first.kept!;
  // A probe that ended early may have fewer pairs.
  const maxProducts = Math.max(search.maxProducts, search.k - subspace.numApplied);
  progress.total += maxProducts;
  const found = await searchPairs(subspace, { ...search, maxProducts }, random, progress);
  try {
    progress.total -= maxProducts - (found.numProducts - numVerifying);
    const deflation = exact === null ? await KrylovDeflation.ofSubspace(subspace, 0, false) : null;
    using samples = deflation === null ? null : new HutchinsonSamples(operator, deflation);
    const addTo = async (pass: ProbePass) => {
      if (samples !== null) await pass.addTo(samples, deflation!);
    };
    await addTo(first);
    const quadratures = [...first.quadratures];
    while (quadratures.length < probes) {
      using pass = await ProbePass.make(run, quadratures.length, progress);
      await addTo(pass);
      quadratures.push(...pass.quadratures);
    }
    // The first probe made the basis: sample i is probe i + 1.
    const figures = exact ?? (await refine({ operator, seed, progress, ...traceRun }, samples!, 1));
    progress.finish();
    const provenance = await operator.provenance(startedAt);
    const made = { probes: quadratures, steps, seed, firstProbe: 0, probesPerPass: together };
    const density = densityOf(operator, made, options, provenance);
    const eigenpairs = withVectors(found, null, seed, provenance);
    const dispose = () => {
      eigenpairs.dispose();
    };
    return Object.freeze({
      kind: 'hessian-analysis',
      formatVersion: 1,
      density,
      eigenpairs,
      trace: traceOf(
        exact === null ? 'deflated' : 'gradient',
        figures,
        traceRun.relativeError,
        seed,
        provenance,
      ),
      numProducts: density.numProducts + found.numProducts + (exact === null ? figures.numProducts : 0),
      seed,
      provenance,
      dispose,
      [Symbol.dispose]: dispose,
    });
  } catch (error) {
    disposeAll(found.vectors);
    throw error;
  }
}

/** Throws ERR_INVALID_OPTION. */
export function checkAnalysisOptions(options: AnalyseHessianOptions): void {
  checkOptions('analyseHessian', options, {
    ...analysisChecks,
    ...criteriaChecks,
    steps: isInteger(1),
    probes: isInteger(1),
    probesPerPass: isInteger(1),
    k: isInteger(1),
    which: isWhich,
    tolerance: isPositive,
    verify: isBoolean,
    maxProducts: isInteger(0),
    relativeError: isPositive,
    maxTraceProbes: isInteger(2),
    exactTrace: isBoolean,
    memoryBudget: isPositive,
    basisPlacement: isOneOf('device', 'host'),
    seed: isSeed,
  });
  const { relativeError, maxTraceProbes, exactTrace = false } = options;
  for (const [name, value] of Object.entries({ relativeError, maxTraceProbes })) {
    const words = "absent with option 'exactTrace', which has no error";
    if (exactTrace && value !== undefined)
      throw invalidOption(`analyseHessian: option '${name}'`, words, value);
  }
  if (maxTraceProbes !== undefined && relativeError === undefined) {
    const words = "absent without option 'relativeError', which alone adds probes";
    throw invalidOption("analyseHessian: option 'maxTraceProbes'", words, maxTraceProbes);
  }
}

async function exactTraceOf(
  { operator, seed, traceRun }: Run,
  options: AnalysisOptions,
): Promise<TraceFigures> {
  // Of its own kind of steps.
  const progress = new Steps('exact trace', 0, options, true);
  const figures = await exactGradientTrace({ operator, seed, progress, ...traceRun });
  progress.finish();
  return figures;
}

/** Of random vectors for the search, far from the streams of the probes. */
const searchStream = 2 ** 41;

type Run = Awaited<ReturnType<typeof planRun>>;

/** What will be done, and in how much memory. */
async function planRun(operator: LinearOperator, options: AnalyseHessianOptions) {
  const { size, space } = operator;
  const { probes = 10, seed = 0, which = 'largest-magnitude', relativeError } = options;
  const steps = Math.min(options.steps ?? 100, size);
  const k = numPairs('analyseHessian', options.k, size);
  const maxProducts = options.maxProducts ?? Math.max(300, 4 * k);
  const search = { k, which, maxProducts, blockSize: 1, ...precisionOf(space, options) };

  const minProbes = Math.max(defaultMinProbes.deflated, probes - 1);
  const maxProbes =
    relativeError === undefined ? minProbes : Math.max(minProbes, options.maxTraceProbes ?? 100);
  const traceRun = { relativeError: relativeError ?? defaultRelativeError, minProbes, maxProbes };

  // One vector more than steps: what the last product has outside goes on the search. A probe's first product needs two.
  const needed = Math.min(size, Math.max(steps + 1, k + 3));
  const wanted = Math.min(size, Math.max(needed, steps + maxProducts + 2));
  const otherRoom = Math.min(size, Math.max(steps, 2));
  const wantedTogether = await probesTogether(operator, probes, options.probesPerPass);
  const wantedOthers = Math.min(wantedTogether, probes - 1);
  const { room, basisPlacement } = planBasis(space, options, {
    wanted: wanted + wantedOthers * otherRoom,
    needed: needed + Math.min(wantedOthers, 1) * otherRoom,
  });
  const numOthers = Math.min(wantedOthers, Math.floor((room - needed) / otherRoom));
  return {
    operator,
    steps,
    probes,
    seed,
    basisPlacement,
    // Only where all probes share a pass does the kept one take the place of another.
    together: numOthers === probes - 1 ? wantedTogether : numOthers,
    keptRoom: Math.min(wanted, room - numOthers * otherRoom),
    otherRoom,
    search,
    traceRun,
  };
}

/** Probes that ran side by side: their quadratures, and what the trace needs of them. */
class ProbePass {
  readonly quadratures: ProbeQuadrature[] = [];
  /** The subspace of the very first probe, in its pass. */
  kept: KrylovSubspace | null = null;
  readonly #run: Run;
  /** A·v of every probe v but the very first. */
  readonly #products: { readonly stream: number; readonly product: ParameterVector }[] = [];

  private constructor(run: Run) {
    this.#run = run;
  }

  /** From probe `first` on. */
  static async make(run: Run, first: number, progress: Steps): Promise<ProbePass> {
    const count = Math.min(run.together, run.probes - first);
    const streams = Array.from({ length: count }, (_, i) => first + i);
    const rooms = streams.map((stream) => (stream === 0 ? run.keptRoom : run.otherRoom));
    const subspaces = await expandProbes(run.operator, run, streams, rooms, progress);
    const pass = new ProbePass(run);
    try {
      for (const [i, stream] of streams.entries()) await pass.#take(stream, subspaces[i]!);
      return pass;
    } catch (error) {
      pass.dispose();
      throw error;
    } finally {
      disposeAll(subspaces.filter((subspace) => subspace !== pass.kept));
    }
  }

  async #take(stream: number, subspace: KrylovSubspace): Promise<void> {
    this.quadratures.push(await quadratureOf(subspace));
    if (stream === 0) this.kept = subspace;
    else this.#products.push({ stream, product: await firstProduct(subspace) });
  }

  /** Adds the samples of all probes but the very first, and lets go of their products. */
  async addTo(samples: HutchinsonSamples, deflation: KrylovDeflation): Promise<void> {
    for (let next = this.#products.shift(); next !== undefined; next = this.#products.shift()) {
      using product = next.product;
      using v = await probeVector(this.#run.operator, this.#run.seed, next.stream);
      await samples.add(v, async () => deflation.projectedProduct(v, product));
    }
  }

  dispose(): void {
    disposeAll(this.#products.map(({ product }) => product));
    this.kept?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A·v of the probe v that a subspace starts from: ‖v‖ A q₁. */
async function firstProduct(subspace: KrylovSubspace): Promise<ParameterVector> {
  const norm = Math.sqrt(subspace.operator.size);
  const [product] = await subspace.basis.combine([
    subspace.product(0).coefficients.map((overlap) => norm * overlap),
  ]);
  return product!;
}
