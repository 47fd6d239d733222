import type { ResultKind } from './result-format.js';

type Data = Readonly<Record<string, unknown>>;

/** From one format version to the next: decoded JSON in, decoded JSON out. It trusts nothing: what it does not know, it leaves. */
type Migration = (data: Data) => Data;

/** By kind, from version 1 on. */
const migrations: Readonly<Partial<Record<ResultKind, readonly Migration[]>>> = {
  // Version 2: `source`, another program's file that a result was read from.
  'loss-line': [withSource],
  'loss-surface': [withSource],
  'landscape-atlas': [
    (data) => ({
      ...data,
      surfaces: Array.isArray(data.surfaces) ? data.surfaces.map(migratedSurface) : data.surfaces,
    }),
  ],
};

/**
 * `data` in the format version `to`, from an older one that says so itself; anything else comes back as it is, for the
 * decoder to refuse.
 */
export function migrated(kind: ResultKind, data: Data, to: number): Data {
  const version = data.formatVersion;
  if (!Number.isSafeInteger(version) || (version as number) < 1) return data;
  let current = data;
  for (let from = version as number; from < to; from++) {
    const step = migrations[kind]?.[from - 1];
    if (step === undefined) return data;
    current = { ...step(current), formatVersion: from + 1 };
  }
  return current;
}

function withSource(data: Data): Data {
  return { ...data, source: null };
}

function migratedSurface(surface: unknown): unknown {
  if (typeof surface !== 'object' || surface === null) return surface;
  return migrated('loss-surface', surface as Data, 2);
}
