import { precisionText } from '../plot/describe.js';
import { formatNumber } from '../plot/number-format.js';
import type { LandscapeValues, PrecisionNote } from '../results.js';
import { escapeHtml, tag, textTag } from './html.js';

type Verdict = 'good' | 'note' | 'warning';

interface Check {
  readonly verdict: Verdict;
  readonly text: string;
}

const marks: Readonly<Record<Verdict, string>> = { good: '✓ Good', note: '• Note', warning: '! Warning' };

/** What a landscape says about its own trustworthiness, in plain words. */
export function selfChecks(result: LandscapeValues): string {
  const items = checksOf(result).map(({ verdict, text }) =>
    tag('li', { class: verdict }, textTag('strong', `${marks[verdict]}:`), ` ${escapeHtml(text)}`),
  );
  return textTag('h3', 'Self-checks') + tag('ul', { class: 'checks' }, ...items);
}

function checksOf(result: LandscapeValues): Check[] {
  const { checks, explosion, precision } = result;
  const verdicts = { none: 'good', grows: 'note', explodes: 'warning' } as const;
  return [
    centerCheck(result),
    ...(checks.cosine === null ? [] : [cosineCheck(checks.cosine)]),
    checks.numNonFinite === 0
      ? { verdict: 'good', text: 'Every value is finite.' }
      : {
          verdict: 'warning',
          text: `${checks.numNonFinite} points (${percent(checks.shareNonFinite)}) are not finite: holes in the picture.`,
        },
    ...(precision === null ? [] : [precisionCheck(precision)]),
    ...checks.curvature.map(({ secondDifference, quadraticForm }, i) =>
      curvatureCheck(i, secondDifference, quadraticForm),
    ),
    ...(explosion === null ? [] : [{ verdict: verdicts[explosion.verdict], text: explosion.text }]),
  ];
}

/** Relative differences up to it are float32 rounding; beyond a hundredth the centre is another point. */
const [rounding, tolerable] = [1e-5, 1e-2];

function precisionCheck(precision: PrecisionNote): Check {
  const text = `Computed with ${precisionText(precision)}, where they were computed in the model's own type too.`;
  return { verdict: precision.lossError <= tolerable ? 'note' : 'warning', text };
}

function centerCheck({ checks: { centerDifference: difference }, modelLoss }: LandscapeValues): Check {
  if (difference === null || modelLoss === null)
    return {
      verdict: 'note',
      text: 'No point of the grid is the model itself, so the centre was not checked.',
    };
  const found = `The loss at the centre differs from the model's (${formatNumber(modelLoss, 6)}) by ${formatNumber(difference, 2)}`;
  if (difference === 0)
    return {
      verdict: 'good',
      text: `The loss at the centre equals the model's (${formatNumber(modelLoss, 6)}).`,
    };
  const relative = difference / Math.max(Math.abs(modelLoss), 1e-3);
  if (relative <= rounding)
    return { verdict: 'good', text: `${found}: the centre is the model, up to rounding.` };
  if (relative <= tolerable)
    return { verdict: 'note', text: `${found}: more than rounding, as in train mode or with dropout.` };
  return { verdict: 'warning', text: `${found}: the centre is not the model.` };
}

function cosineCheck(cosine: number): Check {
  const found = `The cosine of the two directions is ${formatNumber(cosine, 2)}`;
  if (Math.abs(cosine) < 0.1) return { verdict: 'good', text: `${found}: they are as good as orthogonal.` };
  if (Math.abs(cosine) < 0.5)
    return { verdict: 'note', text: `${found}: angles and distances in the picture are skewed.` };
  return {
    verdict: 'warning',
    text: `${found}: they point nearly the same way, and the picture is sheared.`,
  };
}

function curvatureCheck(axis: number, difference: number, form: number): Check {
  const name = ['α', 'β'][axis] ?? `axis ${axis + 1}`;
  const found = `Curvature along ${name}: ${formatNumber(difference)} by differences of the loss, ${formatNumber(form)} by a Hessian-vector product`;
  const share = Math.abs(difference - form) / Math.max(Math.abs(difference), Math.abs(form), 1e-12);
  return share < 0.1
    ? { verdict: 'good', text: `${found}: they agree.` }
    : {
        verdict: 'note',
        text: `${found}: kinks (ReLU, max-pooling) or high third derivatives keep them apart.`,
      };
}

function percent(share: number): string {
  return `${formatNumber(100 * share, 2)} %`;
}
