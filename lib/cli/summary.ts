import {
  criteriaTable,
  evaluationTable,
  hessianType,
  trackTable,
  trainingTable,
  type BasinVolume,
  type BracketedEstimate,
  type DecisionRegions,
  type ExplosionTable,
  type Criteria,
  type EigenvalueMap,
  type Eigenpairs,
  type Estimate,
  type KhCriterion,
  type LandscapeValues,
  type ModeConnection,
  type PathBarrier,
  type Provenance,
  type Result,
  type Sharpness,
  type SpectralDensity,
  type TraceEstimate,
} from '../index.js';
import { barrierText, pathName } from '../plot/connection.js';
import {
  convexText,
  explosionRowName,
  explosionRule,
  isMedianCensored,
  precisionText,
} from '../plot/describe.js';

/** What a person wants to know of a result at once. */
export function summarize(result: Result): string {
  switch (result.kind) {
    case 'loss-line':
    case 'loss-surface':
      return landscapeWords(result).join('\n');
    case 'landscape-atlas':
      return [
        ...provenanceWords(result.surfaces[0]!.provenance),
        ...result.surfaces.map(({ loss, explosion }, i) =>
          row(
            'Panel',
            `${result.titles[i]}: loss ${rangeOf(loss)}${explosion === null ? '' : verdicts[explosion.verdict]}`,
          ),
        ),
      ].join('\n');
    case 'trajectory':
      return row(
        'Path',
        `${result.labels.length} solutions, at most ${figure(Math.max(...result.distance))} from the plane`,
      );
    case 'eigenpairs':
      return [
        ...provenanceWords(result.provenance),
        ...pairWords(result),
        row('Products', String(result.numProducts)),
      ].join('\n');
    case 'preset-eigenpairs':
      return row('λ', Array.from(result.values, (value) => value.toPrecision(6)).join('  '));
    case 'trace':
      return row(
        'Trace',
        traceWords(result) + (result.converged ? '' : '; not as exact as asked for: raise --max-probes'),
      );
    case 'preset-trace':
      return row('Trace', figure(result.value));
    case 'frobenius-norm':
      return row('‖H‖F', interval(result));
    case 'diagonal':
      return row(
        'Diagonal',
        `trace ${figure(result.trace)}, norm ${figure(result.norm)} ${
          Number.isFinite(result.relativeError)
            ? `(± ${(100 * result.relativeError).toPrecision(2)} %)`
            : '(all noise still: raise --max-probes)'
        }`,
      );
    case 'operator-check':
      return [
        row('Symmetric', `${yes(result.isSymmetric)} (${result.asymmetry.toExponential(1)})`),
        row('Repeatable', `${yes(result.isRepeatable)} (${result.variation.toExponential(1)})`),
        ...result.notes.map((note) => row('', note)),
      ].join('\n');
    case 'spectral-density':
      return [
        ...provenanceWords(result.provenance),
        row('Trace', interval(result.trace)),
        ...criteriaWords(result.criteria),
        typeWords(result),
      ].join('\n');
    case 'hessian-analysis': {
      const { density, eigenpairs, trace, numProducts } = result;
      const ofBoth = `${density.numProducts} + ${eigenpairs.numProducts}`;
      const ofParts =
        trace.method === 'gradient'
          ? `density and eigenvalues ${ofBoth}; the trace took ${trace.numProducts} backward passes`
          : `density, eigenvalues and trace ${ofBoth} + ${trace.numProducts}`;
      return [
        ...provenanceWords(result.provenance),
        ...pairWords(eigenpairs),
        row('Trace', traceWords(trace)),
        ...criteriaWords(density.criteria),
        typeWords(density),
        row('Products', `${numProducts}: ${ofParts}`),
      ].join('\n');
    }
    case 'preset-spectral-density': {
      const { criteria } = result;
      const words =
        criteria === null
          ? 'no criteria'
          : `re ${figure(criteria.re)}, KH05 ${figure(criteria.kh05)}, KH1 ${figure(criteria.kh1)}`;
      return [
        ...provenanceWords(result.provenance),
        row('Recipe', result.recipe.name),
        row('Criteria', words),
      ].join('\n');
    }
    case 'eigenvalue-map':
      return mapWords(result).join('\n');
    case 'surface-topology': {
      const { branches, numMinima, numLoops, smad, normalizedSmad, numPoints, numNotFinite } = result;
      // The global one never joins another.
      const deepest = [...branches]
        .sort((a, b) => b.persistence - a.persistence)
        .slice(0, 5)
        .map((b) => `${figure(b.loss)} (persistence ${figure(b.persistence).replace('Infinity', '∞')})`);
      return [
        ...provenanceWords(result.provenance),
        row(
          'Minima',
          `${branches.length} listed of ${numMinima}: ${deepest.join(', ')}${branches.length > 5 ? ', … by persistence' : ''}`,
        ),
        row('Loops', `${result.loops.length} listed of ${numLoops}`),
        row(
          'SMAD',
          branches.every(({ saddleLoss }) => saddleLoss === Infinity)
            ? '0: no saddle joins two of the minima'
            : `${figure(smad)}, ${figure(normalizedSmad)} of the range`,
        ),
        ...(numNotFinite === 0
          ? []
          : [row('Left out', `${numNotFinite} of ${numPoints} points, where the loss is not finite`)]),
      ].join('\n');
    }
    case 'decision-regions': {
      const { numSamples, accuracy, loss, provenance } = result;
      return [
        ...provenanceWords(provenance),
        row('Samples', `${numSamples}: loss ${figure(loss)}, accuracy ${(100 * accuracy).toFixed(2)} %`),
        row('Regions', regionWords(result)),
      ].join('\n');
    }
    case 'weight-histogram':
      return result.solutions
        .map(({ label, mean, standardDeviation, norm, min, max }) =>
          row(
            'Weights',
            `${label}: mean ${figure(mean)}, deviation ${figure(standardDeviation)}, norm ${figure(norm)}, ${figure(min)} to ${figure(max)}`,
          ),
        )
        .join('\n');
    case 'explosion-table':
      return explosionWords(result);
    case 'mode-connection':
      return connectionWords(result).join('\n');
    case 'basin-volume':
      return basinWords(result).join('\n');
    case 'sharpness':
      return sharpnessWords(result).join('\n');
    case 'criteria-comparison':
      return criteriaTable(result);
    case 'evaluation-table':
      return evaluationTable(result);
    case 'track':
      return trackTable(result);
    case 'training-run':
      return trainingTable(result);
  }
}

function pairWords({ values, residuals, allConverged }: Eigenpairs): string[] {
  const advice = allConverged ? '' : '; not all converged: raise --max-products';
  return [
    row('λ', Array.from(values, (value) => value.toPrecision(6)).join('  ')),
    row('Residuals', `at most ${Math.max(...residuals).toExponential(1)}${advice}`),
  ];
}

function landscapeWords(result: LandscapeValues): string[] {
  const { loss, modelLoss, modelAccuracy, explosion, checks, precision, provenance } = result;
  const accuracy = modelAccuracy === null ? '' : `, accuracy ${(100 * modelAccuracy).toFixed(2)} %`;
  const center =
    checks.centerDifference === null ? [] : [`centre − model = ${figure(checks.centerDifference)}`];
  const cosine = checks.cosine === null ? [] : [`cosine of the axes ${figure(checks.cosine)}`];
  const curvature = checks.curvature.map(
    ({ secondDifference, quadraticForm }, i) =>
      `curvature along ${['α', 'β'][i]!} ${figure(secondDifference)} by differences, ${figure(quadraticForm)} by a Hessian product`,
  );
  const bad = checks.numNonFinite === 0 ? [] : [`${checks.numNonFinite} of ${loss.length} points not finite`];
  return [
    ...provenanceWords(provenance),
    ...(modelLoss === null ? [] : [row('Loss', `${figure(modelLoss)}${accuracy}`)]),
    row('Range', rangeOf(loss)),
    ...(precision === null ? [] : [row('Precision', precisionText(precision))]),
    row('Checks', [...center, ...cosine, ...curvature, ...bad].join(', ') || 'none'),
    ...(explosion === null ? [] : [row('Explosion', explosion.text)]),
  ];
}

function provenanceWords(provenance: Provenance | null): string[] {
  if (provenance === null) return [];
  const { model, data, numSamples, mode, numParameters, dtype, device, point } = provenance;
  const weights = point === 'model' || point === model ? '' : `, weights of ${point}`;
  return [
    row('Model', `${model}: ${numParameters} parameters, ${dtype} on ${device}${weights}`),
    row('Data', `${data}: ${numSamples} samples, ${mode} mode`),
  ];
}

function mapWords(map: EigenvalueMap): string[] {
  const { smallest, largest, search, provenance } = map;
  const ratio = smallest.map((low, k) => Math.abs(low / largest[k]!));
  const words = [
    ...provenanceWords(provenance),
    row('λ min', rangeOf(smallest)),
    row('λ max', rangeOf(largest)),
    row('Ratio', `|λ min / λ max| ${rangeOf(ratio)}; ${convexText(map)}`),
  ];
  if (search === null) return words;
  const { totalProducts, numNotConverged, cold, residuals } = search;
  const numFinite = smallest.filter(Number.isFinite).length;
  const numOpen = numNotConverged - (smallest.length - numFinite);
  const share =
    cold === null
      ? ''
      : `; from the neighbour ${(100 * cold.share).toFixed(0)} % of those from random vectors (at ${cold.cells.length} points)`;
  return [
    ...words,
    ...(numFinite === 0
      ? []
      : [
          row(
            'Residuals',
            `at most ${figure(largestFinite(residuals))}: each λ has an eigenvalue no further away`,
          ),
        ]),
    row('Products', `${totalProducts}, ${figure(totalProducts / smallest.length)} a point${share}`),
    ...(numOpen <= 0 ? [] : [row('Open', `${numOpen} points did not converge: raise --max-products`)]),
    ...(numFinite === smallest.length
      ? []
      : [
          row(
            'Left out',
            `${smallest.length - numFinite} of ${smallest.length} points, where the loss is not finite`,
          ),
        ]),
  ];
}

/** What share of the plane each class has. */
function regionWords({ predicted, classNames }: DecisionRegions): string {
  const share = (c: number) =>
    predicted.reduce((sum, value) => sum + Number(value === c), 0) / predicted.length;
  return classNames.map((name, c) => `${name} ${(100 * share(c)).toFixed(1)} %`).join(', ');
}

function explosionWords(table: ExplosionTable): string {
  const { rows } = table;
  const lines = rows.map((item) => {
    const { explosion } = item.surface;
    const name = `${explosionRowName(item)}, ${item.normalization}`.padEnd(28);
    if (explosion === null) return name;
    const { verdict, maxToCenterRatio, shareAboveCap } = explosion;
    const open = item.axesConverged ? '' : '; its axes did not converge';
    return `${name} ${verdict.padEnd(9)} × ${figure(maxToCenterRatio).padEnd(11)} ${(100 * shareAboveCap).toFixed(0)} % above the cap${open}`;
  });
  return [
    ...provenanceWords(rows[0]!.surface.provenance).slice(0, 1),
    row('Rule', explosionRule(table)),
    ...lines,
  ].join('\n');
}

function connectionWords({ from, to, distance, paths, provenance }: ModeConnection): string[] {
  const percent = (share: number) => (100 * share).toFixed(2);
  const accuracyWords = (barrier: PathBarrier | null) =>
    barrier === null
      ? ''
      : `; accuracy at least ${percent(barrier.worst)} %, ${percent(barrier.height)} points below the ends`;
  return [
    // Weights are those of the ends.
    ...provenanceWords({ ...provenance, point: 'model' }),
    row('Ends', `${from} and ${to}, ${figure(distance)} apart`),
    ...paths.flatMap((path) => {
      const diverged = path.training?.divergedAt ?? null;
      const length = path.kind === 'linear' ? '' : `, ${figure(path.length / distance)} times as long`;
      const noted = diverged === null ? '' : `; its training diverged at step ${diverged}: lower --lr`;
      return [
        row('Path', `${pathName(path)}${length}${noted}`),
        ...path.evaluations.map(({ data, barrier, accuracyBarrier }) =>
          row(
            '',
            `${data}: ${barrierText(barrier)}, loss at most ${figure(barrier.worst)}${accuracyWords(accuracyBarrier)}`,
          ),
        ),
      ];
    }),
  ];
}

function basinWords(basin: BasinVolume): string[] {
  const { quantity, cutoff, modelLoss, modelAccuracy, radii, numCensored, numEvaluations, maxRadius } = basin;
  const unit = basin.normalization === 'none' ? '' : ` (${basin.normalization}-normalised)`;
  const start = quantity === 'loss' ? modelLoss : modelAccuracy!;
  const bound = numCensored === 0 ? '' : '; a lower bound';
  const few = basin.effectiveSampleSize < 5 ? ': too few for the interval to mean much' : '';
  return [
    ...provenanceWords(basin.provenance),
    row('Cutoff', `${quantity} ${figure(cutoff)}, from ${figure(start)} at the model`),
    row(
      'Radius',
      `${isMedianCensored(basin) ? 'at least ' : ''}${figure(basin.medianRadius)}${unit}, median of ${radii.length} rays`,
    ),
    row('Range', `${rangeOf(radii)}${numCensored === 0 ? '' : ' and more'}`),
    row('Volume', `log ${interval(basin.logVolume)} in ${basin.dimension} dimensions${bound}`),
    row('Weight', `as of ${figure(basin.effectiveSampleSize)} rays${few}`),
    ...(numCensored === 0
      ? []
      : [row('Censored', `${numCensored} rays inside as far as ${figure(maxRadius)}`)]),
    row('Losses', `${figure(numEvaluations.reduce((sum, n) => sum + n, 0) / radii.length)} of each ray`),
  ];
}

function sharpnessWords(result: Sharpness): string[] {
  const { keskar, sam, asam, average, adaptiveAverage, counts } = result;
  const count = (estimate: BracketedEstimate | null, known: number | null) => {
    if (known !== null) return String(known);
    if (estimate === null) return 'unknown';
    const { bracket, determined, value } = estimate;
    return determined
      ? interval(estimate)
      : `between ${figure(bracket.low)} and ${figure(bracket.high)} (${figure(value)} by quadrature; more is not determined by its steps)`;
  };
  return [
    ...provenanceWords(result.provenance),
    row('Loss', `${figure(result.modelLoss)}, gradient norm ${figure(result.gradientNorm)}`),
    ...keskar.map(({ epsilon, subspaceSize, value, isStationary }) =>
      row(
        'Keskar',
        `${figure(value)} for ε = ${epsilon} ${subspaceSize === null ? 'in the full space' : `in a random subspace of ${subspaceSize}`}` +
          (isStationary ? '' : '; the ascent was still rising') +
          // Its formula divides by it.
          (1 + result.modelLoss > 0 ? '' : '; 1 + loss is not positive: it says nothing'),
      ),
    ),
    row('SAM', `${figure(sam.value)} for ρ = ${sam.rho}, on average ${interval(average)}`),
    row('ASAM', `${figure(asam.value)} for ρ = ${asam.rho}, on average ${interval(adaptiveAverage)}`),
    ...counts.map(({ threshold, above, below, knownAbove, knownBelow }) =>
      row('Count', `above ${threshold}: ${count(above, knownAbove)}; below: ${count(below, knownBelow)}`),
    ),
    ...(counts.every(({ knownAbove, knownBelow }) => knownAbove !== null && knownBelow !== null)
      ? []
      : [row('', 'Exact are counts of which the --eigenpairs of one end reach across the threshold.')]),
  ];
}

/** Where the criteria say nothing of generalisation, that is said too. */
function typeWords(density: SpectralDensity): string {
  const { type, reason } = hessianType(density);
  const words = `${type} (by a rule of our own: ${reason})`;
  const caution = '; KH and re are not read as signs of generalisation there';
  return row('Type', words + (type === 'mainly-positive' ? '' : caution));
}

/** What was computed exactly has no samples. */
function traceWords(trace: TraceEstimate): string {
  return trace.samples.length === 0 ? `${figure(trace.value)} (exact)` : interval(trace);
}

function criteriaWords(criteria: Criteria): string[] {
  const { re, kh05, kh1, settings } = criteria;
  const open = (isDetermined: boolean, what: string) =>
    isDetermined ? '' : `; ${what} not determined by ${settings.steps} steps`;
  const ofKh = ({ ratio, tail }: KhCriterion) =>
    open(ratio.determined, 'its ratio') + open(tail.determined, 'its tail');
  const bracket = `between ${figure(re.bracket.low)} and ${figure(re.bracket.high)},`;
  return [
    // A ratio of nothing to nothing.
    row(
      're',
      Number.isNaN(re.value)
        ? 'undefined: there is no curvature'
        : interval(re) + open(re.determined, bracket),
    ),
    row('KH05', interval(kh05) + ofKh(kh05)),
    row('KH1', interval(kh1) + ofKh(kh1)),
  ];
}

const figure = (value: number) => String(Number(value.toPrecision(5)));
const interval = ({ value, low, high }: Estimate) =>
  Number.isNaN(low) && Number.isNaN(high)
    ? `${figure(value)} (of one probe: no interval)`
    : `${figure(value)} (${figure(low)} to ${figure(high)})`;
const yes = (is: boolean) => (is ? 'yes' : 'no');
const row = (name: string, words: string) => `${name.padEnd(9)} ${words}`;
const verdicts = { none: '', grows: ', grows without exploding', explodes: ', explodes' } as const;

const largestFinite = (values: Float64Array) =>
  values.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0);

function rangeOf(values: Float64Array): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return 'no finite value';
  return `${figure(finite.reduce((a, b) => Math.min(a, b)))} to ${figure(finite.reduce((a, b) => Math.max(a, b)))}`;
}
