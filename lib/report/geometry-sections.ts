import { formatNumber } from '../plot/number-format.js';
import type { BasinVolume } from '../results.js';
import { provenanceTable } from './provenance.js';
import { closed, dataTable, factsTable, interval, type Cell } from './tables.js';

export function basinSection(basin: BasinVolume): string {
  const { quantity, radii, low, high, numEvaluations, logVolume, normalization, ignored, frozen } = basin;
  const facts: [string, Cell][] = [
    ['cutoff', `${quantity} ${formatNumber(basin.cutoff)}`],
    ['loss of the model', basin.modelLoss],
    ['median radius', basin.medianRadius],
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
    factsTable('Basin', facts),
    closed('How it was measured', factsTable('Settings', settings)),
    closed('Rays', dataTable('Rays', ['ray', 'radius', 'between', 'losses'], rows)),
    provenanceTable(basin.provenance),
  ].join('');
}
