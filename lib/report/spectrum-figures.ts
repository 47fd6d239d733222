import { drawCriteria, type CriterionRow } from '../plot/criteria-table.js';
import { drawDensity } from '../plot/density.js';
import { defaultTitle, paragraph, provenanceFacts } from '../plot/describe.js';
import { drawLogDensity } from '../plot/log-density.js';
import { formatNumber } from '../plot/number-format.js';
import type {
  BracketedEstimate,
  Criteria,
  Eigenpairs,
  Estimate,
  FrobeniusNormEstimate,
  HessianAnalysis,
  KhCriterion,
  PresetEigenpairs,
  PresetSpectralDensity,
  Provenance,
  SpectralDensity,
  TraceEstimate,
} from '../results.js';
import { renderDensity } from '../spectrum/density.js';
import { renderLogDensity } from '../spectrum/log-density.js';
import { renderLlaDensity } from '../spectrum/presets/lla.js';
import { renderPyhessianDensity } from '../spectrum/presets/pyhessian.js';
import { frameOptions, pick, type DrawResultOptions, type Figures } from './figure-options.js';

const densityOptions = [...frameOptions, 'scale', 'numDecades'] as const;

export const spectrumFigures = {
  density: (spectrum, options) =>
    drawDensity(renderDensity(spectrum, options.density), {
      title: titleOf(spectrum.provenance),
      caption: paragraph([
        ...densityFacts(spectrum),
        ...undeterminedFacts(spectrum.criteria, 3),
        ...markerFacts(options),
        ...repeatFacts(spectrum),
      ]),
      annotations: criteriaRows(spectrum.criteria)
        .slice(0, 3)
        .map(({ name, ...estimate }) => `${name} = ${withInterval(estimate)}`),
      ...pick(options, [...densityOptions, 'markers']),
    }),
  'log-density': (spectrum, options) =>
    drawLogDensity(renderLogDensity(spectrum, options.logDensity), {
      title: titleOf(spectrum.provenance),
      caption: paragraph([...densityFacts(spectrum), ...repeatFacts(spectrum)]),
      ...pick(options, densityOptions),
    }),
  criteria: (spectrum, options) =>
    drawCriteria(criteriaRows(spectrum.criteria), {
      title: titleOf(spectrum.provenance),
      caption: paragraph([
        lanczosFacts(spectrum),
        ...undeterminedFacts(spectrum.criteria),
        ...repeatFacts(spectrum),
      ]),
      confidence: spectrum.criteria.settings.confidence,
      ...pick(options, frameOptions),
    }),
} satisfies Figures<SpectralDensity>;

export const presetSpectrumFigures: Figures<PresetSpectralDensity> = {
  density: (spectrum, options) => {
    const render = spectrum.recipe.name === 'lla' ? renderLlaDensity : renderPyhessianDensity;
    const { points } = options.density ?? {};
    return drawDensity(render(spectrum, points === undefined ? {} : { points }), {
      title: titleOf(spectrum.provenance),
      caption: paragraph([
        `recipe of ${spectrum.recipe.name}`,
        lanczosFacts(spectrum),
        ...markerFacts(options),
        ...repeatFacts(spectrum),
      ]),
      ...pick(options, [...densityOptions, 'markers']),
    });
  },
};

export const eigenpairsFigures = {
  table: (pairs, options) =>
    drawCriteria(
      // An eigenvalue lies within the residual of the Rayleigh quotient of its unit vector.
      Array.from(pairs.values, (value, i) => ({
        name: `λ${subscript(i + 1)}${pairs.converged[i] === true ? '' : ' (not converged)'}`,
        value,
        low: value - pairs.residuals[i]!,
        high: value + pairs.residuals[i]!,
      })),
      {
        title: titleOf(pairs.provenance),
        caption: paragraph([
          pairs.which,
          'intervals: ± residual ‖Hv − λv‖',
          `${pairs.numProducts} products`,
          ...repeatFacts(pairs),
        ]),
        nameHeading: 'eigenvalue',
        intervalHeading: '± residual',
        ...pick(options, frameOptions),
      },
    ),
} satisfies Figures<Eigenpairs>;

export const presetEigenpairsFigures: Figures<PresetEigenpairs> = {
  table: (pairs, options) =>
    drawCriteria(
      Array.from(pairs.values, (value, i) => ({
        name: `λ${subscript(i + 1)}${pairs.stopped[i] === true ? '' : ' (not stopped)'}`,
        value,
        low: NaN,
        high: NaN,
      })),
      {
        title: titleOf(pairs.provenance),
        nameHeading: 'eigenvalue',
        caption: paragraph([`recipe of ${pairs.recipe.name}, which knows no error`, ...repeatFacts(pairs)]),
        ...pick(options, frameOptions),
      },
    ),
};

/** Those of its parts, its eigenvalues marked in the density. */
export const analysisFigures: Figures<HessianAnalysis> = {
  density: ({ density, eigenpairs }, options) =>
    spectrumFigures.density(density, { markers: eigenpairs.values, ...options }),
  'log-density': ({ density }, options) => spectrumFigures['log-density'](density, options),
  criteria: ({ density }, options) => spectrumFigures.criteria(density, options),
  table: ({ eigenpairs }, options) => eigenpairsFigures.table(eigenpairs, options),
};

export const estimateFigures: Figures<TraceEstimate | FrobeniusNormEstimate> = {
  table: (estimate, options) =>
    drawCriteria(
      [
        { name: estimate.kind === 'trace' ? 'trace' : '‖H‖F', ...intervalOf(estimate) },
        ...(estimate.kind === 'trace' ? estimate.perParameter : []).map((part) => ({
          name: part.name,
          ...intervalOf(part),
        })),
      ],
      {
        title: titleOf(estimate.provenance),
        nameHeading: 'estimate',
        caption: paragraph([
          estimate.kind === 'trace' ? estimate.method : '',
          `${estimate.samples.length} probes`,
          ...repeatFacts(estimate),
        ]),
        ...pick(options, frameOptions),
      },
    ),
};

/** re, KH05 and KH1 first; a star marks what the Lanczos steps do not determine. */
function criteriaRows(criteria: Criteria): CriterionRow[] {
  return namedCriteria(criteria).map(([name, estimate]) => ({
    name: isDetermined(estimate) ? name : `${name} *`,
    ...intervalOf(estimate),
  }));
}

type NamedCriterion = readonly [string, BracketedEstimate | KhCriterion];

function namedCriteria(criteria: Criteria): readonly NamedCriterion[] {
  return [
    ['re', criteria.re],
    ['KH05', criteria.kh05],
    ['KH1', criteria.kh1],
    ['negative mass', criteria.negativeMass],
    ['negative share of |λ|', criteria.negativeCurvatureShare],
    ['mass near zero', criteria.nearZeroMass],
  ];
}

function isDetermined(estimate: BracketedEstimate | KhCriterion): boolean {
  return 'bracket' in estimate ? estimate.determined : estimate.ratio.determined && estimate.tail.determined;
}

/** Of the first `count`. The interval is over probes alone: what the steps leave open is said beside it. */
function undeterminedFacts(criteria: Criteria, count?: number): string[] {
  const open = namedCriteria(criteria)
    .slice(0, count)
    .filter(([, estimate]) => !isDetermined(estimate));
  if (open.length === 0) return [];
  const brackets = open.flatMap(([name, estimate]) =>
    'bracket' in estimate
      ? [`${name} ${formatNumber(estimate.bracket.low)} … ${formatNumber(estimate.bracket.high)}`]
      : [],
  );
  const where = brackets.length === 0 ? '' : `, for these probes in the bracket: ${brackets.join(', ')}`;
  return [`* not determined by ${criteria.settings.steps} steps${where}`];
}

/** `0.16 (0.12 to 0.2)`. */
export function withInterval({ value, low, high }: Pick<Estimate, 'value' | 'low' | 'high'>): string {
  const hasInterval = Number.isFinite(low) && Number.isFinite(high);
  return hasInterval
    ? `${formatNumber(value)} (${formatNumber(low)} to ${formatNumber(high)})`
    : formatNumber(value);
}

function intervalOf({ value, low, high }: Estimate): Pick<Estimate, 'value' | 'low' | 'high'> {
  return { value, low, high };
}

function titleOf(provenance: Provenance): string {
  const { operator } = provenance;
  const title = defaultTitle(provenance);
  return operator === null ? title : `${title} · ${operator}`;
}

function densityFacts(spectrum: SpectralDensity): string[] {
  return [lanczosFacts(spectrum), 'band: 95 % over probes'];
}

function lanczosFacts({ steps, probes, size }: SpectralDensity | PresetSpectralDensity): string {
  return `${steps} Lanczos steps, ${probes} ${probes === 1 ? 'probe' : 'probes'}, n = ${size}`;
}

/** What one needs to repeat it. */
function repeatFacts(result: { readonly seed: number | null; readonly provenance: Provenance }): string[] {
  const seed = result.seed === null ? [] : [`seed ${result.seed}`];
  return [...seed, ...provenanceFacts(result.provenance)];
}

/** What the red ticks are. */
function markerFacts({ markers }: DrawResultOptions): string[] {
  return markers === undefined || markers.length === 0 ? [] : ['red: eigenvalues'];
}

function subscript(n: number): string {
  return String(n).replace(/\d/g, (digit) => String.fromCharCode(0x2080 + Number(digit)));
}
