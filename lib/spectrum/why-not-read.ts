import type { CriteriaRow } from '../results.js';
import { typeOfCriteria } from './hessian-type.js';

/** Which of the two spectra of a change is not mainly positive: `the spectrum is not mainly positive (on test: undecided)`. */
export function whyNotRead(row: CriteriaRow, rows: readonly CriteriaRow[]): string {
  const before = rows.find(
    ({ model, mode, data }) => model === row.model && mode === row.mode && data === row.change?.from,
  );
  const words = [before, row].flatMap((one) => {
    if (one === undefined) return [`on ${row.change?.from}: not here`];
    const type = typeOfCriteria(one.criteria);
    return type === 'mainly-positive' ? [] : [`on ${one.data}: ${type}`];
  });
  const spectra = words.length === 1 ? 'the spectrum is' : 'the spectra are';
  return `${spectra} not mainly positive (${words.join(', ')})`;
}
