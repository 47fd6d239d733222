import type { Result } from '../io/result-format.js';
import type { Provenance, SpectralDensity, Trajectory } from '../results.js';
import {
  atlasSection,
  explosionSection,
  lineSection,
  mapSection,
  surfaceSection,
  trajectorySection,
} from './landscape-sections.js';
import { basinSection, histogramSection, regionsSection, sharpnessSection } from './geometry-sections.js';
import { connectionSection } from './connection-section.js';
import {
  analysisSection,
  diagonalSection,
  eigenpairsSection,
  estimateSection,
  operatorSection,
  presetSection,
  spectrumSection,
} from './spectrum-sections.js';
import { comparisonSection, evaluationSection, trainingSection } from './table-sections.js';
import { topologySection } from './topology-section.js';
import { trackSection } from './track-section.js';

/** A result in its place of a report. */
export interface Place {
  readonly result: number;
  readonly title: string;
  /** The result that comes after it. */
  readonly next: Result | undefined;
  /** All of the report. */
  readonly all: readonly Result[];
}

const kindNames: Readonly<Record<Result['kind'], string>> = {
  'loss-line': 'Loss along a line',
  'loss-surface': 'Loss surface',
  'landscape-atlas': 'Loss surfaces',
  'eigenvalue-map': 'Eigenvalues over a plane',
  'surface-topology': 'Topology of a surface',
  'mode-connection': 'Paths between two minima',
  'basin-volume': 'Basin volume',
  sharpness: 'Sharpness',
  'decision-regions': 'Decision regions',
  'weight-histogram': 'Weights',
  'explosion-table': 'Value explosion',
  trajectory: 'Trajectory',
  eigenpairs: 'Eigenvalues',
  trace: 'Trace',
  'frobenius-norm': 'Frobenius norm',
  diagonal: 'Diagonal',
  'spectral-density': 'Spectrum',
  'hessian-analysis': 'Spectrum, eigenvalues and trace',
  'criteria-comparison': 'Criteria compared',
  'evaluation-table': 'Evaluation',
  'training-run': 'Training',
  track: 'Training run followed',
  'operator-check': 'Check of the operator',
  'preset-eigenpairs': 'Eigenvalues',
  'preset-trace': 'Trace',
  'preset-spectral-density': 'Spectrum',
};

/** What a result is, in words. */
export function kindName({ kind }: Result): string {
  return kindNames[kind];
}

/** Everything about one result but its title, as HTML. */
export function section(result: Result, place: Place): string {
  switch (result.kind) {
    case 'loss-line':
      return lineSection(result);
    case 'loss-surface':
      return surfaceSection(result, place, pathAfter(place));
    case 'landscape-atlas':
      return atlasSection(result, place);
    case 'eigenvalue-map':
      return mapSection(result);
    case 'surface-topology':
      return topologySection(result);
    case 'mode-connection':
      return connectionSection(result);
    case 'basin-volume':
      return basinSection(result);
    case 'sharpness':
      return sharpnessSection(result);
    case 'decision-regions':
      return regionsSection(result);
    case 'weight-histogram':
      return histogramSection(result);
    case 'explosion-table':
      return explosionSection(result);
    case 'trajectory':
      return trajectorySection(result);
    case 'eigenpairs':
      return eigenpairsSection(result);
    case 'trace':
    case 'frobenius-norm':
      return estimateSection(result);
    case 'diagonal':
      return diagonalSection(result);
    case 'spectral-density':
      return spectrumSection(result, eigenvaluesOf(result, place));
    case 'hessian-analysis':
      return analysisSection(result);
    case 'criteria-comparison':
      return comparisonSection(result);
    case 'evaluation-table':
      return evaluationSection(result);
    case 'training-run':
      return trainingSection(result);
    case 'track':
      return trackSection(result);
    case 'operator-check':
      return operatorSection(result);
    case 'preset-eigenpairs':
    case 'preset-trace':
    case 'preset-spectral-density':
      return presetSection(result);
  }
}

/** Whether a path lies on a plane cannot be read off the two: the one that follows a surface is drawn on it. */
function pathAfter({ next }: Place): Trajectory | undefined {
  return next?.kind === 'trajectory' ? next : undefined;
}

/** Eigenvalues of the same matrix, from another result of the report. */
function eigenvaluesOf({ provenance: own }: SpectralDensity, { all }: Place): Float64Array | undefined {
  const keys = ['modelHash', 'dataHash', 'operator', 'point', 'mode', 'criterion'] as const;
  const settingsOf = ({ options: { metrics: _, batchSize, ...rest }, mode }: Provenance) =>
    // In eval mode batches do not change the loss.
    JSON.stringify(Object.entries({ ...rest, batchSize: mode === 'eval' ? 0 : batchSize }).sort());
  return all
    .filter((other) => other.kind === 'eigenpairs')
    .find(
      ({ provenance }) =>
        keys.every((key) => provenance[key] === own[key]) && settingsOf(provenance) === settingsOf(own),
    )?.values;
}
