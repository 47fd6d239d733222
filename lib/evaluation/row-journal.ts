import { decodeRow, encodeRow } from '../io/evaluation-row.js';
import { Journal, type Fingerprint } from '../io/journal.js';
import type { EvaluationRow } from '../results.js';

/** Finished rows on disk. */
export class RowJournal {
  readonly #journal: Journal;
  readonly #rows = new Map<string, EvaluationRow>();

  private constructor(journal: Journal) {
    this.#journal = journal;
    for (const record of journal.restored) this.#keep(decodeRow(record)!);
  }

  /** Throws ERR_RESUME where the file's rows were made at other settings, ERR_FILE_NOT_WRITABLE. */
  static async open(path: string, settings: Fingerprint): Promise<RowJournal> {
    const isRow = (record: Buffer) => decodeRow(record) !== null;
    return new RowJournal(await Journal.open(path, 'evaluation', settings, Infinity, isRow));
  }

  find(checkpoint: string, checkpointHash: string, dataHash: string): EvaluationRow | undefined {
    return this.#rows.get(keyOf({ checkpoint, checkpointHash, dataHash }));
  }

  async add(row: EvaluationRow): Promise<void> {
    // A problem may be gone the next time.
    if (row.problem !== null) return;
    await this.#journal.append([encodeRow(row)]);
    this.#keep(row);
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  #keep(row: EvaluationRow): void {
    this.#rows.set(keyOf(row), row);
  }
}

type Key = Pick<EvaluationRow, 'checkpoint' | 'checkpointHash' | 'dataHash'>;

function keyOf({ checkpoint, checkpointHash, dataHash }: Key): string {
  return JSON.stringify([checkpoint, checkpointHash, dataHash]);
}
