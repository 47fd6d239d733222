import { isMedianCensored } from '../plot/describe.js';
import { formatNumber } from '../plot/number-format.js';
import type {
  BasinVolume,
  BracketedEstimate,
  DecisionRegions,
  Sharpness,
  WeightHistogram,
} from '../results.js';
import { drawings } from './drawing.js';
import { provenanceTable } from './provenance.js';
import { closed, dataTable, factsTable, interval, type Cell } from './tables.js';

export function basinSection(basin: BasinVolume): string {
  const { quantity, radii, low, high, numEvaluations, logVolume, normalization, ignored, frozen } = basin;
  const facts: [string, Cell][] = [
    ['cutoff', `${quantity} ${formatNumber(basin.cutoff)}`],
    ['loss of the model', basin.modelLoss],
    [isMedianCensored(basin) ? 'median radius, at least' : 'median radius', basin.medianRadius],
    ['log-volume', `${formatNumber(logVolume.value, 6)} (${interval(logVolume.low, logVolume.high)})`],
    ['dimensions', String(basin.dimension)],
    ['rays', String(radii.length)],
    ['effective number of rays', basin.effectiveSampleSize],
    ['rays that never leave (the volume is a lower bound if any)', String(basin.numCensored)],
  ];
  const settings: [string, Cell][] = [
    ['normalisation', normalization],
    ['does not move', [...ignored, ...frozen].join(', ') || 'nothing'],
    ['width of the brackets', basin.precision],
    ['largest radius', basin.maxRadius],
    ['seed', String(basin.seed)],
    ['losses', String(numEvaluations.reduce((sum, n) => sum + n, 0))],
  ];
  const rows = Array.from(radii, (radius, i): Cell[] => [
    String(basin.firstRay + i),
    radius,
    interval(low[i]!, high[i]!),
    numEvaluations[i]!,
  ]);
  return [
    drawings(basin, {}),
    factsTable('Basin', facts),
    closed('How it was measured', factsTable('Settings', settings)),
    closed('Rays', dataTable('Rays', ['ray', 'radius', 'between', 'losses'], rows)),
    provenanceTable(basin.provenance),
  ].join('');
}

export function sharpnessSection(result: Sharpness): string {
  const { keskar, sam, asam, average, adaptiveAverage, counts } = result;
  const boxes = keskar.map(({ epsilon, subspaceSize, value, maxLoss, isStationary }): Cell[] => [
    subspaceSize === null ? 'full space' : `random subspace of ${subspaceSize}`,
    epsilon,
    value,
    maxLoss,
    isStationary,
  ]);
  const rises: Cell[][] = [
    ['SAM', sam.rho, sam.value, null],
    ['ASAM', asam.rho, asam.value, null],
    ['average', average.rho, average.value, interval(average.low, average.high)],
    [
      'average, in units of the weights',
      adaptiveAverage.rho,
      adaptiveAverage.value,
      interval(adaptiveAverage.low, adaptiveAverage.high),
    ],
  ];
  const shown = (estimate: BracketedEstimate | null, known: number | null): Cell => {
    if (known !== null) return `${known} (known)`;
    if (estimate === null) return null;
    const { value, low, high, bracket, determined } = estimate;
    return determined
      ? `${formatNumber(value)} (${interval(low, high)})`
      : `between ${formatNumber(bracket.low)} and ${formatNumber(bracket.high)}`;
  };
  const rows = counts.map((item): Cell[] => [
    formatNumber(item.threshold),
    shown(item.above, item.knownAbove),
    shown(item.below, item.knownBelow),
    item.massAbove?.value ?? null,
    item.massBelow?.value ?? null,
  ]);
  const head = ['threshold', 'above', 'below', 'mass above', 'mass below'];
  return [
    dataTable('Worst case in a box', ['where', 'ε', 'sharpness', 'largest loss', 'maximum found'], boxes),
    dataTable('Rise of the loss', ['how', 'ρ', 'rise', 'interval'], rises),
    counts.length === 0 ? '' : dataTable('Eigenvalues', head, rows),
    factsTable('Model', [
      ['loss', result.modelLoss],
      ['norm of the gradient', result.gradientNorm],
      ['seed', String(result.seed)],
    ]),
    provenanceTable(result.provenance),
  ].join('');
}

export function regionsSection(regions: DecisionRegions): string {
  return [
    drawings(regions, {}),
    factsTable('Samples', [
      ['samples', String(regions.numSamples)],
      ['loss', regions.loss],
      ['accuracy, %', 100 * regions.accuracy],
    ]),
    provenanceTable(regions.provenance),
  ].join('');
}

export function histogramSection(histogram: WeightHistogram): string {
  const rows = histogram.solutions.map(({ label, mean, standardDeviation, norm, min, max }): Cell[] => [
    label,
    mean,
    standardDeviation,
    norm,
    min,
    max,
  ]);
  const head = ['solution', 'mean', 'standard deviation', 'norm', 'smallest', 'largest'];
  return [
    drawings(histogram, {}),
    dataTable('Weights', head, rows),
    closed(
      'What is counted',
      factsTable('Model', [
        ['model', histogram.model],
        ['model hash', histogram.modelHash],
        ['weights', String(histogram.numWeights)],
        ['parameters', histogram.parameters.join(', ')],
      ]),
    ),
  ].join('');
}
