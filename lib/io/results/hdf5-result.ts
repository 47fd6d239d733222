import { LossAtlasError } from '../../errors.js';
import type { AxisDescription, LandscapeValues } from '../../results.js';
import { withHdf5, type Hdf5File } from '../hdf5.js';
import { parseJson } from '../json.js';
import type { Result, ResultKind, ResultOf } from '../result-format.js';
import { joinResult, splitResult } from '../result-parts.js';
import { hdf5Bytes, type Hdf5Content } from '../write-hdf5.js';
import { readFloats, readBytes } from './hdf5-values.js';
import { landscapeOf, type LandscapeChoice } from './landscape-hdf5.js';
import { isLine, namesInLayout, theirNames, type DataSplit } from './landscape-names.js';

/** UTF-8 bytes of JSON: an attribute holds 64 KB at most. */
const metadataName = 'lossatlas';

/**
 * A result as HDF5: a data set a field, and `lossatlas`, the rest as JSON. Lines, surfaces and eigenvalue maps have the names and the index
 * rule of tomgoldstein/loss-landscape, whose programs read them; `split` says of which data their losses are.
 */
export async function resultToHdf5(result: Result, split: DataSplit): Promise<Uint8Array> {
  const theirs = namesInLayout(result, split);
  const { metadata, arrays } = splitResult(result, (key) => theirs[key] ?? key);
  const text = Uint8Array.from(Buffer.from(JSON.stringify(metadata)));
  const contents = new Map<string, Hdf5Content>([[metadataName, { shape: [text.length], data: text }]]);
  const renamed = new Set(Object.values(theirs));
  for (const [name, { shape, data }] of arrays) {
    contents.set(name, { shape: renamed.has(name) ? theirShape(result, shape) : shape, data });
  }
  for (const [name, content] of extras(result, split)) contents.set(name, content);
  return hdf5Bytes(contents, `${result.kind} ${result.formatVersion}`);
}

/** The inverse of `resultToHdf5`; reads files of tomgoldstein/loss-landscape too. Throws ERR_INVALID_DATA. */
export async function resultFromHdf5<K extends ResultKind>(
  path: string,
  choice: LandscapeChoice,
  kind?: K,
): Promise<ResultOf<K>> {
  return withHdf5(path, (file) => {
    if (file.has(metadataName)) return ownResult(file, path, choice, kind);
    const names = file.names();
    if (names.includes(theirNames.x)) return landscapeOf({ file, path, names }, choice, kind) as ResultOf<K>;
    const known = names.length === 0 ? 'nothing' : names.slice(0, 8).join(', ');
    const remedy = names.includes('proj_xcoord')
      ? 'It is a projected path of tomgoldstein/loss-landscape: await loadProjection(path).'
      : 'Data is read by await loadHdf5(path, { inputs, targets }).';
    const message = `'${path}' is no result: it has neither '${metadataName}' nor '${theirNames.x}', but ${known}. ${remedy}`;
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  });
}

function ownResult<K extends ResultKind>(
  file: Hdf5File,
  path: string,
  { split }: LandscapeChoice,
  kind?: K,
): ResultOf<K> {
  const other = split === 'train' ? 'test' : 'train';
  if (split !== undefined && !file.has(theirNames.loss(split)) && file.has(theirNames.loss(other))) {
    const message = `'${path}' holds '${theirNames.loss(other)}' and no '${theirNames.loss(split)}': its split is '${other}'.`;
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  const text = Buffer.from(readBytes(file, metadataName, path)).toString('utf8');
  const metadata = parseJson(text, `'${path}', '${metadataName}'`);
  const arrayOf = (name: string) => (file.has(name) ? readFloats(file, name, path).data : null);
  return joinResult(metadata, arrayOf, `'${path}'`, kind);
}

/** His declared shape is (nx, ny), though x runs fastest; of a line (nx). */
function theirShape(result: Result, shape: readonly number[]): readonly number[] {
  if (shape.length < 2) return shape;
  const [ny, nx] = shape as readonly [number, number];
  return result.kind === 'eigenvalue-map' && isLine(result.y) ? [nx] : [nx, ny];
}

/** What his programs look for besides. */
function extras(result: Result, split: DataSplit): [string, Hdf5Content][] {
  switch (result.kind) {
    case 'loss-line':
      return [directionsOf([result.axis]), accuracyOf(result, split, [result.loss.length])];
    case 'loss-surface':
      return [directionsOf(result.axes), accuracyOf(result, split, [result.x.length, result.y.length])];
    case 'eigenvalue-map':
      return [directionsOf(result.axes)];
    default:
      return [];
  }
}

/** The name of a file there; here what the directions are. */
function directionsOf(axes: readonly AxisDescription[]): [string, Hdf5Content] {
  const labels = axes.map(({ label }) => (label === '' ? 'unknown' : label));
  return [theirNames.directions, { text: labels.join(' | ') }];
}

/** Per cent; −1 is his mark of what was not computed. */
function accuracyOf(
  { loss, accuracy }: LandscapeValues,
  split: DataSplit,
  shape: readonly number[],
): [string, Hdf5Content] {
  const data = accuracy?.map((share) => 100 * share) ?? loss.map(() => -1);
  return [theirNames.accuracy(split), { shape, data }];
}
