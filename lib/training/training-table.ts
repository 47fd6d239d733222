import { alignColumns, escapeCell } from '../markdown.js';
import type { TrainingRun } from '../results.js';
import { invalidOption } from '../validate.js';

/** A training run as a Markdown table, a row an epoch, accuracy in per cent; whether it diverged stands below. */
export function trainingTable(run: TrainingRun): string {
  if ((run as TrainingRun | null)?.kind !== 'training-run')
    throw invalidOption('trainingTable: run', 'a result of train', run);
  const { learningRate, loss, accuracy, poisonLoss, gradientNorm, seconds, evaluations, divergedAt } = run;
  const number = (value: number) => String(Number(value.toPrecision(6)));
  const percent = (share: Float64Array | null, i: number) =>
    share === null ? '–' : (100 * share[i]!).toFixed(2);
  const head = [
    'epoch',
    'lr',
    'loss',
    'accuracy %',
    ...(poisonLoss === null ? [] : ['−log(1 − p)']),
    '‖∇‖',
    ...evaluations.flatMap(({ data }) => [`${escapeCell(data)} loss`, `${escapeCell(data)} accuracy %`]),
    'seconds',
  ];
  const rows = Array.from(loss, (value, i) => [
    String(i + 1),
    number(learningRate[i]!),
    number(value),
    percent(accuracy, i),
    ...(poisonLoss === null ? [] : [number(poisonLoss[i]!)]),
    number(gradientNorm[i]!),
    ...evaluations.flatMap((test) => [number(test.loss[i]!), percent(test.accuracy, i)]),
    seconds[i]!.toFixed(1),
  ]);
  const last = run.checkpoints.at(-1);
  const good =
    last === undefined
      ? '; no epoch is good: lower the learning rate'
      : `; the last good checkpoint is ${last}`;
  const end = divergedAt === null ? [] : ['', `Diverged at step ${divergedAt}${good}.`];
  return [...alignColumns([head, ...rows]), ...end].join('\n');
}
