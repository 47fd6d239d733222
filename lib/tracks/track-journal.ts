import { decodeRecord, encodeRecord } from '../io/journal-record.js';
import { Journal, type Fingerprint } from '../io/journal.js';
import { trackRow } from '../io/shapes/track-shapes.js';
import type { ShapeOf } from '../io/shapes/shape.js';
import type { TrackRow } from '../results.js';

/** What a row was computed from: bytes of the checkpoint, samples, and the searches that it goes on from. */
export interface RowKey {
  readonly checkpointHash: string;
  readonly dataHash: string;
  /** Of the checkpoints before it whose eigenvectors led to its own; empty where there are none. */
  readonly chain: string;
}

interface JournalRow extends RowKey {
  readonly row: TrackRow;
}

const shape: ShapeOf<JournalRow> = {
  checkpointHash: 'string',
  dataHash: 'string',
  chain: 'string',
  row: { object: trackRow },
};

/** Finished rows on disk. */
export class TrackJournal {
  readonly #journal: Journal;
  readonly #rows: Map<string, TrackRow>;

  private constructor(journal: Journal, rows: Map<string, TrackRow>) {
    this.#journal = journal;
    this.#rows = rows;
  }

  /** Throws ERR_RESUME where the file's rows were made at other settings, ERR_FILE_NOT_WRITABLE. */
  static async open(path: string, settings: Fingerprint): Promise<TrackJournal> {
    const rows = new Map<string, TrackRow>();
    const journal = await Journal.open(path, 'track', settings, (record) => {
      const found = decodeRecord(shape, record);
      if (found !== null) rows.set(textOf(found), found.row);
      return found !== null;
    });
    return new TrackJournal(journal, rows);
  }

  find(key: RowKey): TrackRow | undefined {
    return this.#rows.get(textOf(key));
  }

  async add(key: RowKey, row: TrackRow): Promise<void> {
    await this.#journal.append([encodeRecord(shape, { ...key, row })]);
    this.#rows.set(textOf(key), row);
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

function textOf({ checkpointHash, dataHash, chain }: RowKey): string {
  return JSON.stringify([checkpointHash, dataHash, chain]);
}
