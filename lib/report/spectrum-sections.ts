import { formatNumber } from '../plot/number-format.js';
import type {
  BracketedEstimate,
  Criteria,
  DiagonalEstimate,
  Eigenpairs,
  Estimate,
  FrobeniusNormEstimate,
  HessianAnalysis,
  OperatorCheck,
  PresetEigenpairs,
  PresetSpectralDensity,
  PresetTrace,
  SpectralDensity,
  TraceEstimate,
} from '../results.js';
import { drawings } from './drawing.js';
import { tag, textTag } from './html.js';
import { provenanceTable } from './provenance.js';
import { closed, dataTable, factsTable, interval, type Cell } from './tables.js';

/** `markers`: eigenvalues known by themselves. */
export function spectrumSection(spectrum: SpectralDensity, markers?: Float64Array): string {
  return spectrumPart(spectrum, markers) + provenanceTable(spectrum.provenance);
}

/** The sections of its parts, with the provenance that they share. */
export function analysisSection(analysis: HessianAnalysis): string {
  const { density, eigenpairs, trace, numProducts, provenance } = analysis;
  const facts: [string, Cell][] = [
    ['for the density', String(density.numProducts)],
    ['more for the eigenvalues', String(eigenpairs.numProducts)],
    [
      trace.method === 'gradient' ? 'backward passes for the trace' : 'more for the trace',
      String(trace.numProducts),
    ],
    ['together', String(numProducts)],
  ];
  return [
    spectrumPart(density, eigenpairs.values),
    textTag('h3', 'Eigenvalues'),
    eigenpairsPart(eigenpairs),
    textTag('h3', 'Trace'),
    estimatePart(trace),
    closed('Products with the matrix', factsTable('Products with the matrix', facts)),
    provenanceTable(provenance),
  ].join('');
}

function spectrumPart(spectrum: SpectralDensity, markers?: Float64Array): string {
  const { size, steps, probes, seed, numProducts } = spectrum;
  const facts: [string, Cell][] = [
    ['parameters', String(size)],
    ['Lanczos steps', steps],
    ['probes', probes],
    ['seed', String(seed)],
    ['products with the matrix', String(numProducts)],
    [
      'trace',
      `${formatNumber(spectrum.trace.value, 6)} (${interval(spectrum.trace.low, spectrum.trace.high)})`,
    ],
  ];
  return [
    drawings(spectrum, { figures: ['density'], markers }),
    closed(
      'Density on a linear scale',
      drawings(spectrum, { figures: ['density'], scale: 'linear', markers }),
    ),
    drawings(spectrum, { figures: ['log-density'] }),
    textTag('h3', 'Criteria'),
    criteriaPart(spectrum.criteria),
    closed('How it was estimated', factsTable('Settings', facts)),
  ].join('');
}

/** Criteria with intervals and brackets, and what these mean. */
export function criteriaPart(criteria: Criteria): string {
  const { re, kh05, kh1, negativeMass, negativeCurvatureShare, nearZeroMass, settings } = criteria;
  const bracketed = (name: string, estimate: BracketedEstimate): Cell[] => [
    ...plain(name, estimate).slice(0, 3),
    interval(estimate.bracket.low, estimate.bracket.high),
    estimate.determined ? 'yes' : 'no',
  ];
  const plain = (name: string, { value, low, high }: Estimate): Cell[] => [
    name,
    value,
    interval(low, high),
    null,
    'depends on the steps',
  ];
  const rows = [
    bracketed('re', re),
    ...[kh05, kh1].flatMap((kh) => {
      const name = kh.n === 0.5 ? 'KH05' : `KH${kh.n}`;
      return [plain(name, kh), bracketed(`${name}, ratio`, kh.ratio), bracketed(`${name}, tail`, kh.tail)];
    }),
    bracketed('negative mass', negativeMass),
    bracketed('negative share of |λ|', negativeCurvatureShare),
    bracketed('mass near zero', nearZeroMass),
  ];
  const percent = `${formatNumber(100 * settings.confidence)} % interval`;
  const words =
    `Intervals are over ${settings.probes} probes${settings.batches > 1 ? ` and ${settings.batches} batches` : ''}. ` +
    'A bracket is where the value lies for these very probes, whatever the spectrum between the Ritz values; more Lanczos ' +
    'steps narrow it. Where “determined” says no, the bracket is wider than the interval and than 1 % of the value: the ' +
    `steps (${settings.steps}) do not determine it, and the number should not be compared with others.`;
  const head = ['criterion', 'value', percent, 'bracket', 'determined'];
  return dataTable('Values, intervals and brackets', head, rows) + textTag('p', words, { class: 'words' });
}

export function eigenpairsSection(pairs: Eigenpairs): string {
  return eigenpairsPart(pairs) + provenanceTable(pairs.provenance);
}

function eigenpairsPart(pairs: Eigenpairs): string {
  const rows = Array.from(pairs.values, (value, i): Cell[] => [
    String(i + 1),
    value,
    pairs.residuals[i]!,
    pairs.converged[i]!,
  ]);
  const words = `An eigenvalue lies within its residual ‖Hv − λv‖ of the value. ${pairs.allConverged ? 'All have converged' : 'Not all have converged'} (tolerance ${formatNumber(pairs.tolerance)} · max |λ|).`;
  const facts: [string, Cell][] = [
    ['which', pairs.which],
    ['products with the matrix', String(pairs.numProducts)],
    ['restarts', pairs.numRestarts],
    ['vectors of the Krylov basis', pairs.basisSize],
    ['seed', String(pairs.seed)],
  ];
  return [
    drawings(pairs),
    dataTable('Eigenvalues', ['', 'eigenvalue λ', 'residual', 'converged'], rows),
    textTag('p', words, { class: 'words' }),
    closed('How they were found', factsTable('Settings', facts)),
  ].join('');
}

export function estimateSection(result: TraceEstimate | FrobeniusNormEstimate): string {
  return estimatePart(result) + provenanceTable(result.provenance);
}

function estimatePart(result: TraceEstimate | FrobeniusNormEstimate): string {
  const isTrace = result.kind === 'trace';
  const facts: [string, Cell][] = [
    [isTrace ? 'trace' : '‖H‖ (Frobenius)', result.value],
    ['95 % interval', interval(result.low, result.high)],
    ['standard error', result.standardError],
    ['reached the error that was asked for', result.converged],
    ...(isTrace ? [['method', result.method] as [string, Cell]] : []),
    ...(isTrace && result.samples.length === 0
      ? ([['exact', true]] as [string, Cell][])
      : ([['probes', result.samples.length]] as [string, Cell][])),
    [
      isTrace && result.method === 'gradient' ? 'backward passes' : 'products with the matrix',
      String(result.numProducts),
    ],
    ['seed', String(result.seed)],
  ];
  const parts = isTrace ? result.perParameter : [];
  const rows = parts.map(({ name, value, low, high }): Cell[] => [name, value, interval(low, high)]);
  return [
    factsTable(isTrace ? 'Trace' : 'Norm', facts),
    rows.length === 0
      ? ''
      : closed(
          `Parameter by parameter (${rows.length})`,
          drawings(result),
          dataTable('Diagonal blocks', ['parameter', 'trace', '95 % interval'], rows),
        ),
  ].join('');
}

export function diagonalSection(result: DiagonalEstimate): string {
  const facts: [string, Cell][] = [
    ['trace', result.trace],
    ['‖diagonal‖', result.norm],
    ['relative error', result.relativeError],
    ['reached the error that was asked for', result.converged],
    ['products with the matrix', String(result.numProducts)],
    ['seed', String(result.seed)],
  ];
  return factsTable('Diagonal', facts) + provenanceTable(result.provenance);
}

export function operatorSection(result: OperatorCheck): string {
  const { curvature } = result;
  const facts: [string, Cell][] = [
    ['verdict', result.ok ? 'symmetric and repeatable' : 'not what spectral methods take it for'],
    ['asymmetry', result.asymmetry],
    ['variation from run to run', result.variation],
    ['tolerance', result.tolerance],
    ...(curvature === null
      ? []
      : ([
          ['vᵀHv', curvature.quadraticForm],
          ['the same by a difference of gradients', curvature.difference],
          ['they agree', curvature.agrees],
        ] as [string, Cell][])),
  ];
  const notes = tag('ul', {}, ...result.notes.map((note) => textTag('li', note)));
  return factsTable('Operator', facts) + notes + provenanceTable(result.provenance);
}

export function presetSection(result: PresetEigenpairs | PresetTrace | PresetSpectralDensity): string {
  const notes = closed(
    `Recipe of ${result.recipe.name}`,
    tag('ul', {}, ...result.recipe.notes.map((note) => textTag('li', note))),
  );
  const end = [notes, provenanceTable(result.provenance)];
  switch (result.kind) {
    case 'preset-eigenpairs': {
      const rows = Array.from(result.values, (value, i): Cell[] => [
        String(i + 1),
        value,
        result.numIterations[i]!,
        result.stopped[i]!,
      ]);
      const head = ['', 'eigenvalue λ', 'products', 'stop rule met'];
      return [dataTable('Eigenvalues as found', head, rows), ...end].join('');
    }
    case 'preset-trace': {
      const facts: [string, Cell][] = [
        ['trace', result.value],
        ['stop rule met', result.stopped],
        ['probes', result.samples.length],
      ];
      return [factsTable('Trace', facts), ...end].join('');
    }
    case 'preset-spectral-density': {
      const { criteria } = result;
      const facts: [string, Cell][] =
        criteria === null
          ? []
          : [
              ['re', criteria.re],
              ['KH05', criteria.kh05],
              ['KH1', criteria.kh1],
            ];
      const table = facts.length === 0 ? '' : factsTable('Criteria', facts);
      return [drawings(result), table, ...end].join('');
    }
  }
}
