import { Journal, type Fingerprint } from '../io/journal.js';
import { decodeRecord, encodeRecord } from '../io/journal-record.js';
import { evaluationRow } from '../io/shapes/evaluation-shapes.js';
import type { EvaluationRow } from '../results.js';

/** Finished rows on disk. */
export class RowJournal {
  readonly #journal: Journal;
  readonly #rows: Map<string, EvaluationRow>;

  private constructor(journal: Journal, rows: Map<string, EvaluationRow>) {
    this.#journal = journal;
    this.#rows = rows;
  }

  /** Throws ERR_RESUME where the file's rows were made at other settings, ERR_FILE_NOT_WRITABLE. */
  static async open(path: string, settings: Fingerprint): Promise<RowJournal> {
    const rows = new Map<string, EvaluationRow>();
    const journal = await Journal.open(path, 'evaluation', settings, (record) => {
      const row = decodeRecord(evaluationRow, record);
      if (row !== null) rows.set(keyOf(row), row);
      return row !== null;
    });
    return new RowJournal(journal, rows);
  }

  find(checkpoint: string, checkpointHash: string, dataHash: string): EvaluationRow | undefined {
    return this.#rows.get(keyOf({ checkpoint, checkpointHash, dataHash }));
  }

  async add(row: EvaluationRow): Promise<void> {
    // A problem may be gone the next time.
    if (row.problem !== null) return;
    await this.#journal.append([encodeRecord(evaluationRow, row)]);
    this.#rows.set(keyOf(row), row);
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

type Key = Pick<EvaluationRow, 'checkpoint' | 'checkpointHash' | 'dataHash'>;

function keyOf({ checkpoint, checkpointHash, dataHash }: Key): string {
  return JSON.stringify([checkpoint, checkpointHash, dataHash]);
}
