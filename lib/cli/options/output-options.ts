import { figureKinds } from '../../report/figure-kinds.js';
import { option, type OptionTable } from './table.js';
import {
  atLeastOne,
  choice,
  choices,
  count,
  fileName,
  flag,
  folder,
  names,
  number,
  path,
  range,
  text,
} from './value-type.js';

/** Of `drawResult` and `renderPng`. */
export const figureOptions = {
  figures: option(choices(...figureKinds), `which: ${figureKinds.join(', ')}; default by result`),
  value: option(text, 'of landscapes: loss (default), accuracy, gradient-norm, or a metric'),
  scale: option(
    choice('linear', 'log'),
    'of values; default linear, of densities log, of barcodes by their losses',
  ),
  cap: option(number, 'larger values are drawn at this value'),
  colorMap: option(choice('viridis', 'cividis', 'inferno'), 'default viridis'),
  numLevels: option(count, 'of contours; default 14'),
  filled: option(flag, 'coloured bands between contours', { isOn: true }),
  azimuth: option(number, 'of surfaces, degrees; default -55'),
  elevation: option(number, 'of surfaces, 5 to 85 degrees; default 32'),
  columns: option(count, 'panels side by side; default 2'),
  shared: option(flag, 'one scale for all panels'),
  numDecades: option(count, 'of densities, below the maximum; default 7'),
  densityPoints: option(count, 'grid points of densities; default 10 000, log 1000'),
  densityVariance: option(number, 'of the Gaussian that each node becomes'),
  densityRange: option(range, 'of the eigenvalue axis'),
  decadeWidth: option(number, 'of log densities: standard deviation in decades; default 0.1'),
  floor: option(number, 'of log densities: the least |λ|'),
  title: option(text, 'default model and data'),
  caption: option(text, 'default the provenance'),
  width: option(count, 'of figures, in SVG units'),
  height: option(count, 'of figures, in SVG units'),
  pixelRatio: option(number, 'PNG pixels an SVG unit; default 2'),
} satisfies OptionTable;

const imageFormats = ['svg', 'png', 'none'] as const;
const dataFormats = ['json', 'npz', 'h5', 'csv', 'vtp'] as const;

/** Where results of an analysis go. */
export const outputOptions = {
  out: option(folder, 'folder of results and figures; default lossatlas-out', { short: 'o' }),
  name: option(fileName, 'beginning of the names of the files; default by command', { short: 'n' }),
  formats: option(atLeastOne(choices(...dataFormats)), 'of results: json (default), npz, h5, csv, vtp'),
  split: option(choice('train', 'test'), 'of .h5: which names losses get, or which are read'),
  images: option(choices(...imageFormats), 'of figures: svg,png (default), or none'),
} satisfies OptionTable;

/** What every command of an analysis takes. */
export const runOptions = {
  json: option(flag, 'the result as JSON on stdout; files only where --out is given'),
  quiet: option(flag, 'no progress', { short: 'q' }),
  dryRun: option(
    flag,
    'say what will be done, in what time and memory, from a few timed steps; write nothing',
  ),
  config: option(path, 'options from a YAML or JSON file, by their names; the command line wins', {
    short: 'c',
  }),
} satisfies OptionTable;

/** Of `surfaceTopology`. */
export const topologyOptions = {
  minPersistence: option(number, 'minima and loops of less are left out, of SMAD too; default 0'),
} satisfies OptionTable;

/** Of `evaluateCheckpoints`. */
export const evaluateOptions = {
  classes: option(flag, 'figures of every class', { isOn: true }),
  onProblem: option(
    choice('record', 'stop'),
    'a checkpoint that cannot be read: a row that says why (default), or the end',
  ),
  resume: option(path, 'keeps finished rows there; the same command goes on with the rest'),
  out: option(path, 'the result as a file too (.json, .npz, .h5, .csv)', { short: 'o' }),
} satisfies OptionTable;

export const plotOptions = {
  together: option(flag, 'results of one kind in one figure, on shared scales'),
  labels: option(names, 'of --together; default the names of the files'),
  trajectory: option(path, 'a saved path, drawn on the contours'),
  out: outputOptions.out,
  name: outputOptions.name,
  images: outputOptions.images,
  split: outputOptions.split,
} satisfies OptionTable;

export const reportOptions = {
  title: option(text, 'of the page'),
  labels: option(names, 'of the results; default the names of the files'),
  out: option(path, 'the page; default report.html', { short: 'o' }),
  split: outputOptions.split,
} satisfies OptionTable;

/** Of `saveResult` and `loadResult`. */
export const convertOptions = {
  split: outputOptions.split,
  scale: option(choice('linear', 'log'), 'of .vtp: heights as they are (default), or ln(loss + 0.1)'),
  cap: option(number, 'of .vtp: larger losses are drawn at this height'),
} satisfies OptionTable;
