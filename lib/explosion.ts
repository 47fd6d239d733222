import type { Explosion } from './results.js';

/** Losses whose natural scale is 1: the logarithm of a probability. */
const logarithmic = new Set(['cross-entropy', 'nll', 'bce-with-logits']);

/** What counts as exploded unless the caller says otherwise. */
export function defaultCap(criterion: string, modelLoss: number): number {
  if (logarithmic.has(criterion)) return 100 * Math.max(1, modelLoss);
  // As far above the model's loss for one below 0; without a scale of its own nothing finite explodes.
  return modelLoss === 0 || !Number.isFinite(modelLoss) ? Infinity : modelLoss + 99 * Math.abs(modelLoss);
}

/**
 * Whether values explode (Gabdullin 2024, arXiv 2412.10146, section 2.3): losses that exceed the centre's by orders of
 * magnitude, or are no numbers at all. Raw values stay as they are; capping is for drawing.
 */
export function explosionOf(loss: Float64Array, modelLoss: number, cap: number): Explosion {
  let max = -Infinity;
  let numFinite = 0;
  let numAbove = 0;
  for (const value of loss) {
    if (!Number.isFinite(value) || value > cap) numAbove++;
    if (!Number.isFinite(value)) continue;
    numFinite++;
    max = Math.max(max, value);
  }
  const numNonFinite = loss.length - numFinite;
  const share = numAbove / loss.length;
  const verdict = numAbove > 0 ? 'explodes' : max > modelLoss + (cap - modelLoss) / 10 ? 'grows' : 'none';
  const ratio = numFinite > 0 && modelLoss > 0 ? max / modelLoss : NaN;
  const largest =
    numFinite === 0
      ? 'no value is finite'
      : `the largest loss is ${max.toPrecision(3)}, ` +
        (Number.isNaN(ratio) ? '' : `${ratio.toPrecision(3)} times `) +
        `the model's ${Number.isNaN(ratio) ? 'is ' : ''}${modelLoss.toPrecision(3)}`;
  const words = {
    none: `No value explosion: ${largest}.`,
    grows: `The loss grows without exploding: ${largest}.`,
    explodes:
      `Value explosion: ${largest}; ${counted(numAbove - numNonFinite, numNonFinite, loss.length, cap)}. ` +
      'Draw it with a cap or on a log scale, or look at a smaller range or at train mode.',
  };
  return Object.freeze({ maxToCenterRatio: ratio, cap, shareAboveCap: share, verdict, text: words[verdict] });
}

function counted(numAbove: number, numNonFinite: number, total: number, cap: number): string {
  const percent = (count: number) => `${Number(((100 * count) / total).toPrecision(2))} %`;
  return [
    ...(numAbove > 0 ? [`${percent(numAbove)} of the points exceed ${cap.toPrecision(3)}`] : []),
    ...(numNonFinite > 0 ? [`${percent(numNonFinite)} are not finite`] : []),
  ].join(', ');
}
