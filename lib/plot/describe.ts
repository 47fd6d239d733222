import type {
  BasinVolume,
  AxisDescription,
  EigenvalueMap,
  ExplosionRow,
  ExplosionTable,
  LandscapeValues,
  LossLine,
  LossSurface,
  Mode,
  PrecisionNote,
  Provenance,
  SourceFile,
  TrainingOptimizer,
  TrainingSchedule,
} from '../results.js';
import { formatNumber } from './number-format.js';

/** Axis label: the coordinate's symbol, what it runs along and its share of a path's variance if there is one. */
export function axisLabel(symbol: string, axis: AxisDescription, variance: number | null = null): string {
  const { label, eigenvalue } = axis;
  const facts = [label];
  if (eigenvalue !== null && !label.includes('=')) facts.push(`λ = ${formatNumber(eigenvalue)}`);
  // The label of a principal component says it already.
  if (variance !== null && !label.includes('%')) facts.push(`${(100 * variance).toFixed(1)} % of variance`);
  const described = facts.filter((fact) => fact !== '').join(', ');
  if (described === '') return symbol;
  return described.includes('(') ? `${symbol}, ${described}` : `${symbol} (${described})`;
}

/** In small multiples: what the titles of the panels cannot say. */
export function shortAxisLabel(symbol: string, { eigenvalue }: AxisDescription): string {
  return eigenvalue === null ? symbol : `${symbol} (λ = ${formatNumber(eigenvalue)})`;
}

/** Of a line between two solutions: which lies where. */
export function lineLabel({ axis, solutions }: LossLine): string {
  if (axis.kind !== 'difference') return axisLabel('α', axis);
  const [from, to] = [0, 1].map((t) => solutions.find(({ coordinates }) => coordinates[0] === t)?.label);
  return from === undefined || to === undefined ? axisLabel('t', axis) : `t (0 = ${from}, 1 = ${to})`;
}

/** Model and data, without their folders. */
export function defaultTitle({ model, data }: Provenance): string {
  return [model, data]
    .map(baseName)
    .filter((part) => part !== '')
    .join(' · ');
}

/** The same of a landscape; of another program's file its name. */
export function landscapeTitle({ provenance, source }: Origin): string {
  if (provenance !== null) return defaultTitle(provenance);
  return source === null ? '' : `${source.file} · ${source.values}`;
}

type Origin = Pick<LandscapeValues, 'provenance' | 'source'>;

/** One paragraph with what is needed to repeat and to trust a landscape; `more` comes after how it was made. */
export function defaultCaption(result: LossLine | LossSurface, more: readonly string[] = []): string {
  const { checks } = result;
  const trust: string[] = [];
  if (checks.centerDifference !== null)
    trust.push(`centre − model = ${formatNumber(checks.centerDifference, 2)}`);
  if (checks.cosine !== null) trust.push(`cosine = ${formatNumber(checks.cosine, 2)}`);
  return paragraph([...axisFacts([result]), ...commonFacts(result), ...more, ...trust]);
}

/** The same for surfaces of one page: what they have in common, and the worst of their checks. */
export function atlasCaption(surfaces: readonly LossSurface[], more: readonly string[] = []): string {
  const shared = surfaces
    .map(commonFacts)
    .reduce((common, facts) => common.filter((fact) => facts.includes(fact)));
  const differences = surfaces.map(({ checks }) => checks.centerDifference).filter((value) => value !== null);
  const trust = differences.length === 0 ? [] : [worstDifference(Math.max(...differences))];
  return paragraph([...axisFacts(surfaces), ...shared, ...more, ...trust]);
}

/** The same for eigenvalues at the points of a plane. */
export function mapCaption(map: EigenvalueMap): string {
  const products = map.numProducts?.reduce((sum, count) => sum + count, 0);
  const work = products === undefined ? [] : [`${products} Hessian-vector products`];
  return paragraph([...axisFacts([map]), convexText(map), ...originFacts(map), ...work]);
}

/** At how many points of a map the loss is convex, as far as the residuals tell: flat directions have an eigenvalue of 0. */
export function convexText({ smallest, search }: EigenvalueMap): string {
  const isConvex = (low: number, k: number) => low >= -(search?.residuals[k] ?? 0);
  const numConvex = smallest.filter(isConvex).length;
  return `convex (λ min ≥ 0${search === null ? '' : ' within its residual'}) at ${numConvex} of ${smallest.length} points`;
}

/** Whether a censored ray, which are the longest, makes up the median of the radii: it is then a lower bound. */
export function isMedianCensored({ radii, numCensored }: BasinVolume): boolean {
  return numCensored >= radii.length - Math.floor(radii.length / 2);
}

/** One caption of facts: lines break between them, after the dot. */
export function paragraph(facts: readonly string[]): string {
  const unbroken = facts.map((fact) => (fact.length > 48 ? fact : fact.replaceAll(' ', '\u00a0')));
  return unbroken.filter((fact) => fact !== '').join('\u00a0· ');
}

const modes: Readonly<Record<Mode, string>> = {
  eval: 'eval mode',
  train: 'train mode',
  recalibrate: 'recalibrate mode (statistics of each point)',
};

function commonFacts(result: LossLine | LossSurface): string[] {
  const { recipe } = result;
  const facts = originFacts(result);
  if (result.precision !== null) facts.push(precisionText(result.precision));
  if (recipe.name !== 'lossatlas' && recipe.name !== 'unknown') facts.unshift(`recipe of ${recipe.name}`);
  if (result.kind === 'loss-surface' && result.update === 'adam')
    facts.unshift("Adam's update (α/√β)·m₁/(√m₂ + ε)");
  return facts;
}

/** A reduced precision and what it did. */
export function precisionText({ kind, lossError, numCompared }: PrecisionNote): string {
  const products = { bf16: 'products in bfloat16', tf32: 'products in TF32' }[kind];
  const error = Number.isNaN(lossError) ? 'unknown' : `at most ${formatNumber(100 * lossError, 2)} %`;
  return `${products}, loss off by ${error} at ${numCompared} points`;
}

function originFacts({ provenance, source }: Origin): string[] {
  if (provenance !== null) return provenanceFacts(provenance);
  return source === null ? [] : sourceFacts(source);
}

/** What a result is of, and what made it. */
export function provenanceFacts(provenance: Provenance): string[] {
  return [
    modes[provenance.mode],
    `${provenance.numSamples} samples`,
    provenance.criterion,
    provenance.dtype,
    provenance.device,
    `lossatlas ${provenance.versions.lossatlas}`,
  ];
}

/** `SGD, learning rate 0.1, Nesterov momentum 0.9, weight decay 0.0005`, and its schedule. */
export function optimizerFacts(
  { name, lr, momentum, nesterov, weightDecay }: TrainingOptimizer,
  schedule: TrainingSchedule,
): string[] {
  const words = { sgd: 'SGD', adam: 'Adam', adamw: 'AdamW' } as const;
  const inertia = momentum ? `, ${nesterov ? 'Nesterov ' : ''}momentum ${momentum}` : '';
  const decay = weightDecay === 0 ? '' : `, weight decay ${weightDecay}`;
  return [
    `${words[name]}, learning rate ${lr}${inertia}${decay}`,
    ...(schedule.name === 'constant' ? [] : [`${schedule.name} schedule`]),
  ];
}

/** What another program's file does not say is said to be unknown. */
function sourceFacts({ file, layout, values, numMissing }: SourceFile): string[] {
  const missing = numMissing === 0 ? [] : [`${numMissing} points not computed`];
  const unknown = 'model, data, mode, criterion and normalisation unknown';
  return [`${values} of ${file}`, `layout of ${layout}`, ...missing, unknown];
}

/** One fact an axis: what its directions have in common in all results. */
function axisFacts(results: readonly (LossLine | LossSurface | EigenvalueMap)[]): string[] {
  const axes = results.map((result) => (result.kind === 'loss-line' ? [result.axis] : result.axes));
  const numAxes = axes[0]?.length ?? 0;
  const described = Array.from({ length: numAxes }, (_, i) =>
    axes
      .map((of) => describeAxis(of[i]!))
      .reduce((kept, facts) => kept.filter((fact) => facts.includes(fact)))
      .join(', '),
  );
  const [first, second] = described;
  // A seed gives each axis a draw of its own.
  if (second !== undefined && second !== '' && first === second)
    return [`both directions: ${first}${axes[0]?.[0]?.seed === null ? '' : ', one draw each'}`];
  return described.map((facts, i) => {
    const name = numAxes === 1 ? 'direction' : `direction ${i + 1}`;
    return facts === '' ? '' : `${name}: ${facts}`;
  });
}

function describeAxis(axis: AxisDescription): string[] {
  // The facts of its source say so.
  if (axis.kind === 'unknown') return [];
  const facts: string[] = [
    axis.kind,
    axis.normalization === 'none' ? 'not normalised' : `${axis.normalization} norm`,
  ];
  if (axis.order === 1) facts.push('order 1');
  if (axis.ignored.length > 0) facts.push(`without ${axis.ignored.join(' and ')}`);
  if (axis.seed !== null) facts.push(`seed ${axis.seed}`);
  return facts;
}

function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function worstDifference(value: number): string {
  return value === 0 ? 'centre − model = 0' : `centre − model ≤ ${formatNumber(value, 2)}`;
}

/** When a cell of the table explodes, and when it grows. */
export function explosionRule({ rows }: ExplosionTable): string {
  const caps = rows.flatMap(({ surface }) => surface.explosion?.cap ?? []);
  const [least, most] = [Math.min(...caps), Math.max(...caps)];
  if (caps.length === 0) return 'no verdicts';
  const cap =
    least === most ? formatNumber(least) : `${formatNumber(least)} to ${formatNumber(most)}, by the model’s`;
  return `explodes: a loss above a cap of ${cap}; grows: one a tenth of the way there`;
}

/** A row of a table of value explosion, up to its normalisation. */
export function explosionRowName({ mode, axes }: ExplosionRow): string {
  return `${mode}, ${axes === 'hessian' ? 'Hessian' : axes} axes`;
}
