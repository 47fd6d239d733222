import { shortList } from '../io/checkpoint/value.js';
import type { TrackCheckpoint, TrackData } from '../results.js';

/** Why rows have no Hessian although one was asked for: the loss is not finite, or a product with the Hessian is not. */
export function notesOnGaps(
  datasets: readonly TrackData[],
  checkpoints: readonly TrackCheckpoint[],
): string[] {
  return datasets.flatMap(({ name, numCurvatureSamples }, d) => {
    const isAsked = numCurvatureSamples > 0;
    const labelsOf = (isFinite: boolean) =>
      checkpoints.flatMap(({ label, rows }) => {
        const row = rows[d];
        return row?.curvature === null && Number.isFinite(row.loss) === isFinite ? [label] : [];
      });
    const notFinite = labelsOf(false);
    const withoutProduct = isAsked ? labelsOf(true) : [];
    const cause = `the loss on ${name} is not finite${isAsked ? ', so that there is no Hessian' : ''}`;
    return [
      ...(notFinite.length === 0 ? [] : [`${cause}: ${shortList(notFinite)}`]),
      ...(withoutProduct.length === 0
        ? []
        : [`a product with the Hessian on ${name} is not finite: ${shortList(withoutProduct)}`]),
    ];
  });
}
