import type { Direction } from '../directions/direction.js';
import type { Objective } from '../objective/objective.js';
import type { LossLine } from '../results.js';
import { Steps } from '../steps.js';
import type { AnalysisOptions } from '../types.js';
import { analysisChecks, checkOptions, isInteger, isRange } from '../validate.js';
import { selfChecks } from './checks.js';
import { coordinates, sweep } from './sweep.js';

export interface LossLineOptions extends AnalysisOptions {
  /** In units of the direction; default [−1, 1]. */
  readonly range?: readonly [number, number];
  /** Default 51; an odd number puts the model itself on the line. */
  readonly points?: number;
}

/** Loss and accuracy along θ* + t·d. */
export async function lossLine(
  objective: Objective,
  direction: Direction,
  options: LossLineOptions = {},
): Promise<LossLine> {
  checkOptions('lossLine', options, { ...analysisChecks, range: isRange, points: isInteger(1) });
  const startedAt = performance.now();
  const t = coordinates(options.range ?? [-1, 1], options.points ?? 51);
  const steps = new Steps('loss line', t.length, options);
  using theta = await objective.model.theta();
  const model = await objective.evaluate(theta, options.signal);
  const { loss, accuracy } = await sweep(objective, theta, [direction.vector], t, steps);
  return Object.freeze({
    kind: 'loss-line',
    formatVersion: 1,
    coordinates: t,
    loss,
    accuracy,
    modelLoss: model.loss,
    modelAccuracy: model.accuracy,
    axis: direction.description,
    checks: selfChecks(loss, model.loss, t.indexOf(0), null),
    provenance: await objective.provenance(startedAt),
  });
}
