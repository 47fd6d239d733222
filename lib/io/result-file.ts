import { extname } from 'node:path';
import { LossAtlasError } from '../errors.js';
import {
  checkOptions,
  invalidOption,
  isNumber,
  isOneOf,
  isString,
  suggest,
  type Check,
} from '../validate.js';
import { fromJson, toJson } from './json.js';
import { readWholeFile } from './read-file.js';
import { checkResult } from './result-codec.js';
import { resultShapes, type Result, type ResultKind, type ResultOf } from './result-format.js';
import { csvKinds } from './results/csv-tables.js';
import { resultFromCsv, resultToCsv } from './results/csv-result.js';
import { resultFromHdf5, resultToHdf5 } from './results/hdf5-result.js';
import type { DataSplit } from './results/landscape-names.js';
import { resultFromNpz, resultToNpz } from './results/npz-result.js';
import { surfaceFromVtp, surfaceToVtp } from './results/vtp-result.js';
import { writeWholeFile } from './write-file.js';

export interface SaveResultOptions {
  /** HDF5: of which data the losses are, for the names `train_loss` or `test_loss`. Default `train`. */
  readonly split?: DataSplit | undefined;
  /** VTP: heights as they are, or ln(loss + 0.1). Default `linear`. */
  readonly scale?: 'linear' | 'log' | undefined;
  /** VTP: larger losses are drawn at this height. Default none. */
  readonly cap?: number | undefined;
}

export interface LoadResultOptions {
  /** Which losses of an HDF5 file of tomgoldstein/loss-landscape that holds both. */
  readonly split?: DataSplit | undefined;
}

interface Format {
  readonly words: string;
  readonly kinds: readonly ResultKind[];
  readonly saveOptions: Readonly<Record<string, Check>>;
  readonly loadOptions: Readonly<Record<string, Check>>;
  readonly encode: (result: Result, options: SaveResultOptions) => string | Uint8Array | Promise<Uint8Array>;
  readonly load: <K extends ResultKind>(
    path: string,
    kind: K | undefined,
    options: LoadResultOptions,
  ) => Promise<ResultOf<K>>;
}

const allKinds = Object.keys(resultShapes) as readonly ResultKind[];
const split = { split: isOneOf('train', 'test') };
const none = { saveOptions: {}, loadOptions: {} };

const hdf5: Format = {
  words: 'HDF5',
  kinds: allKinds,
  saveOptions: split,
  loadOptions: split,
  encode: async (result, options) => resultToHdf5(result, options.split ?? 'train'),
  load: async (path, kind, options) => resultFromHdf5(path, options, kind),
};

const formats: Readonly<Record<string, Format>> = {
  '.json': {
    ...none,
    words: 'JSON',
    kinds: allKinds,
    encode: toJson,
    load: async (path, kind) => fromJson((await readWholeFile(path)).toString('utf8'), `'${path}'`, kind),
  },
  '.npz': {
    ...none,
    words: 'NumPy',
    kinds: allKinds,
    encode: resultToNpz,
    load: async (path, kind) => resultFromNpz(await readWholeFile(path), `'${path}'`, kind),
  },
  '.h5': hdf5,
  '.hdf5': hdf5,
  '.csv': {
    ...none,
    words: 'CSV',
    kinds: csvKinds,
    encode: resultToCsv,
    load: async (path, kind) => resultFromCsv(await readWholeFile(path), `'${path}'`, kind),
  },
  '.vtp': {
    ...none,
    words: 'VTK',
    kinds: ['loss-surface'],
    saveOptions: { scale: isOneOf('linear', 'log'), cap: isNumber() },
    encode: (result, { scale = 'linear', cap = null }) =>
      surfaceToVtp(result as ResultOf<'loss-surface'>, { scale, cap }),
    load: async (path, kind) => surfaceFromVtp(await readWholeFile(path), `'${path}'`, kind),
  },
};

/**
 * Saves a result in the format that the extension names, whole or not at all: `.json`, `.npz`, `.h5` or `.hdf5`, `.csv`,
 * and `.vtp` of surfaces. `loadResult` gives it back bit for bit.
 *
 *     await saveResult('surface.h5', surface, { split: 'test' });
 *
 * Throws ERR_INVALID_OPTION where the format is unknown or cannot hold the kind, ERR_INVALID_DATA for what is no result,
 * ERR_FILE_NOT_WRITABLE.
 */
export async function saveResult(
  path: string,
  result: Result,
  options: SaveResultOptions = {},
): Promise<void> {
  const { extension, format } = formatOf('saveResult', path);
  checkOptions(`saveResult to '${extension}'`, options, format.saveOptions);
  checkResult(result);
  if (!format.kinds.includes(result.kind)) {
    const message = `saveResult: ${format.words} ('${path}') cannot hold a ${result.kind}. These can: ${formatsOf(result.kind).join(', ')}.`;
    throw new LossAtlasError('ERR_INVALID_OPTION', message);
  }
  await writeWholeFile(path, await format.encode(result, options));
}

/**
 * Loads a result that `saveResult` wrote, by the extension of its file, or an HDF5 file of tomgoldstein/loss-landscape;
 * `kind` is the kind asked for (default any).
 *
 *     const surface = await loadResult('surface.h5', 'loss-surface');
 *
 * Throws ERR_INVALID_OPTION, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, or ERR_INVALID_DATA naming file and key.
 */
export async function loadResult<K extends ResultKind = ResultKind>(
  path: string,
  kind?: K,
  options: LoadResultOptions = {},
): Promise<ResultOf<K>> {
  const { extension, format } = formatOf('loadResult', path);
  if (kind !== undefined && !allKinds.includes(kind)) {
    throw invalidOption('loadResult: kind', `a kind of result. ${suggest(kind, allKinds)}`, kind);
  }
  checkOptions(`loadResult from '${extension}'`, options, format.loadOptions);
  return format.load(path, kind, options);
}

/** Extensions of the files that can hold a kind of result. */
export function formatsOf(kind: ResultKind): readonly string[] {
  return Object.keys(formats).filter((name) => formats[name]!.kinds.includes(kind));
}

/** Extensions of files that hold results. */
const resultExtensions: readonly string[] = Object.keys(formats);

function formatOf(caller: string, path: string): { extension: string; format: Format } {
  if (isString(path) !== null) throw invalidOption(`${caller}: path`, 'the path of a file', path);
  const extension = extname(path).toLowerCase();
  const format = Object.hasOwn(formats, extension) ? formats[extension] : undefined;
  if (format === undefined) {
    throw invalidOption(`${caller}: path`, `a file that ends with ${resultExtensions.join(', ')}`, path);
  }
  return { extension, format };
}
