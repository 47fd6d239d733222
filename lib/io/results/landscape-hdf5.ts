import { basename } from 'node:path';
import { LossAtlasError } from '../../errors.js';
import { defaultCap, explosionOf } from '../../explosion.js';
import type { EigenvalueMap, LandscapeValues, LossLine, LossSurface, SourceFile } from '../../results.js';
import type { Hdf5File } from '../hdf5.js';
import type { ResultKind } from '../result-format.js';
import { readFloats } from './hdf5-values.js';
import { theirNames, type DataSplit } from './landscape-names.js';
import { unknownAxis, unknownRecipe } from './unknown.js';

/** Which values of a file that holds several. */
export interface LandscapeChoice {
  readonly split?: DataSplit | undefined;
}

export interface OpenLandscape {
  readonly file: Hdf5File;
  readonly path: string;
  /** Of its data sets. */
  readonly names: readonly string[];
}

type Landscape = LossLine | LossSurface | EigenvalueMap;

/**
 * What a file of tomgoldstein/loss-landscape holds. Flat index k = j·nx + i holds (x_i, y_j), whatever shape is declared;
 * −1 means not computed and becomes NaN; per cent become shares. Throws ERR_INVALID_DATA, which lists the choices.
 */
export function landscapeOf(open: OpenLandscape, choice: LandscapeChoice, kind?: ResultKind): Landscape {
  const values = chosenValues(open, choice, kind);
  const x = readFloats(open.file, theirNames.x, open.path).data;
  const hasY = open.names.includes(theirNames.y);
  const y = hasY ? readFloats(open.file, theirNames.y, open.path).data : Float64Array.of(0);
  const grid = { x, y, hasY, count: x.length * y.length };
  if (values === 'eigenvalues') return eigenvalueMap(open, grid);
  const { loss, accuracy, ...rest } = lossValues(open, grid, values);
  const common = { loss, accuracy, ...rest };
  return Object.freeze(
    hasY
      ? {
          kind: 'loss-surface',
          formatVersion: 2,
          update: 'add',
          x,
          y,
          axes: Object.freeze([unknownAxis, unknownAxis] as const),
          ...common,
        }
      : { kind: 'loss-line', formatVersion: 2, coordinates: x, axis: unknownAxis, ...common },
  );
}

interface Grid {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly hasY: boolean;
  readonly count: number;
}

type Values = DataSplit | 'eigenvalues';

function chosenValues({ names, path }: OpenLandscape, { split }: LandscapeChoice, kind?: ResultKind): Values {
  const has = (name: string) => names.includes(name);
  const losses = (['train', 'test'] as const).filter((of) => has(theirNames.loss(of)));
  const hasEigenvalues = has(theirNames.smallest) && has(theirNames.largest);
  const lossKind = has(theirNames.y) ? 'loss-surface' : 'loss-line';
  const found = [
    ...losses.map((of) => `${theirNames.loss(of)} (kind '${lossKind}', split '${of}')`),
    ...(hasEigenvalues ? ["min_eig and max_eig (kind 'eigenvalue-map')"] : []),
  ];
  const candidates: Values[] = [
    ...(kind === undefined || kind === lossKind
      ? losses.filter((of) => split === undefined || of === split)
      : []),
    ...(hasEigenvalues && split === undefined && (kind === undefined || kind === 'eigenvalue-map')
      ? (['eigenvalues'] as const)
      : []),
  ];
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return only;
  const list = found.length === 0 ? 'no values that lossatlas knows' : found.join(', ');
  const problem = only === undefined ? 'nothing that fits what was asked for' : 'several results';
  const message = `'${path}' holds ${problem}: there is ${list}. Choose with the option split: 'train' or 'test' (--split on the command line).`;
  throw new LossAtlasError('ERR_INVALID_DATA', message);
}

function lossValues(open: OpenLandscape, grid: Grid, split: DataSplit): LandscapeValues {
  const name = theirNames.loss(split);
  const loss = valuesOn(open, grid, name);
  const accuracyName = theirNames.accuracy(split);
  const percent = open.names.includes(accuracyName) ? valuesOn(open, grid, accuracyName) : null;
  const isMissing = loss.map((value, k) => (value === -1 && (percent === null || percent[k] === -1) ? 1 : 0));
  const numMissing = isMissing.reduce((sum, one) => sum + one, 0);
  const hasAccuracy = percent?.some((value) => value !== -1) ?? false;
  const shares = hasAccuracy ? percent!.map((value) => (value === -1 ? NaN : value / 100)) : null;
  const known = loss.map((value, k) => (isMissing[k] === 1 ? NaN : value));
  const center = centerOf(grid);
  const modelLoss = center === null || isMissing[center] === 1 ? null : known[center]!;
  const numNonFinite = known.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
  return {
    loss: known,
    accuracy: shares,
    metrics: Object.freeze({}),
    gradientNorm: null,
    modelLoss,
    modelAccuracy: center === null || shares === null ? null : shares[center]!,
    solutions: Object.freeze([]),
    explosion: modelLoss === null ? null : explosionOf(known, modelLoss, defaultCap('', modelLoss)),
    checks: Object.freeze({
      centerDifference: null,
      cosine: null,
      numNonFinite,
      shareNonFinite: numNonFinite / known.length,
      curvature: Object.freeze([]),
    }),
    precision: null,
    recipe: unknownRecipe,
    provenance: null,
    source: sourceOf(open, name, numMissing),
  };
}

function eigenvalueMap(open: OpenLandscape, grid: Grid): EigenvalueMap {
  const [smallest, largest] = [theirNames.smallest, theirNames.largest].map((name) =>
    valuesOn(open, grid, name),
  );
  // He starts with 1 and −1.
  const isMissing = (k: number) => smallest![k] === 1 && largest![k] === -1;
  const numMissing = largest!.reduce((sum, _, k) => sum + (isMissing(k) ? 1 : 0), 0);
  return Object.freeze({
    kind: 'eigenvalue-map',
    formatVersion: 1,
    x: grid.x,
    y: grid.y,
    axes: Object.freeze([unknownAxis, unknownAxis] as const),
    smallest: smallest!.map((value, k) => (isMissing(k) ? NaN : value)),
    largest: largest!.map((value, k) => (isMissing(k) ? NaN : value)),
    numProducts: null,
    recipe: unknownRecipe,
    provenance: null,
    source: sourceOf(open, `${theirNames.smallest}, ${theirNames.largest}`, numMissing),
    search: null,
  });
}

function valuesOn({ file, path }: OpenLandscape, { x, y, count }: Grid, name: string): Float64Array {
  const { shape, data } = readFloats(file, name, path);
  if (data.length === count) return data;
  const message = `'${path}': '${name}' has the shape (${shape.join(', ')}), not ${count} values of ${x.length} × ${y.length} points.`;
  throw new LossAtlasError('ERR_INVALID_DATA', message);
}

function sourceOf({ path }: OpenLandscape, values: string, numMissing: number): SourceFile {
  return Object.freeze({
    file: basename(path),
    layout: 'tomgoldstein/loss-landscape',
    values,
    numMissing,
  });
}

/** The point 0, whose coordinates may be off by rounding; null where there is none. */
function centerOf({ x, y }: Grid): number | null {
  const [i, j] = [x, y].map((values) => {
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    return values.findIndex((value) => Math.abs(value) <= 1e-12 * largest);
  }) as [number, number];
  return i < 0 || j < 0 ? null : j * x.length + i;
}
