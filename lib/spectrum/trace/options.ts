import { ParameterVector } from '../../model/parameter-vector.js';
import type { LinearOperator } from '../../operators/linear-operator.js';
import type { Estimate, ParameterTrace, TraceMethod } from '../../results.js';
import type { Steps } from '../../steps.js';
import type { AnalysisOptions } from '../../types.js';
import {
  analysisChecks,
  isBoolean,
  isInteger,
  isOneOf,
  isPositive,
  isSeed,
  type Check,
} from '../../validate.js';
import type { EigenpairsWithVectors } from '../eigenpairs.js';

/** Orthonormal vectors are made of what is given; with `keepBasis` of the whole Krylov basis. */
export type DeflationVectors = EigenpairsWithVectors | readonly ParameterVector[];

export interface TraceOptions extends AnalysisOptions {
  /** Default `hutchinson`. */
  readonly method?: TraceMethod;
  /** Stop when the standard error is this share of |trace|; default 0.05. */
  readonly relativeError?: number;
  /** Default 10 (hutchinson, gradient), 8 (xtrace), 4 (hutch++, deflated); at least 2, xtrace 3. */
  readonly minProbes?: number;
  /** Default 100. */
  readonly maxProbes?: number;
  readonly seed?: number;
  /** `hutch++`: vectors of the sketch, each of which costs two products; default 10, at most n. */
  readonly sketchSize?: number;
  /** `deflated`: the vectors to deflate by; default those of `lanczosSteps`. */
  readonly basis?: DeflationVectors;
  /** `deflated`: Lanczos steps that are run first where no `basis` is given; default 20, at most n. */
  readonly lanczosSteps?: number;
  /**
   * `gradient`: the exact trace, by one backward pass for every output of every sample, one sample at a time where samples
   * do not see each other; default false.
   */
  readonly exact?: boolean;
}

const traceMethods = ['hutchinson', 'hutch++', 'xtrace', 'deflated', 'gradient'] as const;

const isDeflationVectors: Check = (v) => {
  const list: unknown =
    typeof v === 'object' && v !== null && 'kind' in v && v.kind === 'eigenpairs' && 'vectors' in v
      ? v.vectors
      : v;
  return Array.isArray(list) && list.length > 0 && list.every((item) => item instanceof ParameterVector)
    ? null
    : 'the result of eigenpairs, or an array of ParameterVectors';
};

const methodChecks: Readonly<Record<TraceMethod, Readonly<Record<string, Check>>>> = {
  hutchinson: {},
  'hutch++': { sketchSize: isInteger(1) },
  xtrace: { minProbes: isInteger(3), maxProbes: isInteger(3) },
  deflated: { basis: isDeflationVectors, lanczosSteps: isInteger(1) },
  gradient: { exact: isBoolean },
};

/** An option of another method is an unknown option. */
export function traceChecks(method: TraceMethod): Readonly<Record<string, Check>> {
  return {
    ...analysisChecks,
    method: isOneOf(...traceMethods),
    relativeError: isPositive,
    minProbes: isInteger(2),
    maxProbes: isInteger(2),
    seed: isSeed,
    ...(Object.hasOwn(methodChecks, method) ? methodChecks[method] : {}),
  };
}

/** One run of an estimator. */
export interface TraceRun {
  readonly operator: LinearOperator;
  readonly relativeError: number;
  readonly minProbes: number;
  readonly maxProbes: number;
  readonly seed: number;
  readonly progress: Steps;
}

/** What an estimator hands back. */
export interface TraceFigures {
  readonly estimate: Estimate;
  readonly samples: Float64Array;
  readonly perParameter: readonly ParameterTrace[];
  readonly frobeniusNorm: number | null;
  readonly numProducts: number;
}

/** Whether the error is the share of the value that was asked for. */
export function isPrecise({ value, standardError }: Estimate, relativeError: number): boolean {
  return standardError <= relativeError * Math.abs(value);
}
