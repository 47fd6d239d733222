export { fromJson, loadJson, saveJson, toJson, type Result, type ResultKind, type ResultOf } from './json.js';
export { readNpy, writeNpy, type NpyArray, type NpyDtype } from './npy.js';
export { readNpz, writeNpz, type NpzOptions } from './npz.js';
export { savePng, saveSvg } from './save.js';
export {
  formatsOf,
  loadResult,
  saveResult,
  type LoadResultOptions,
  type SaveResultOptions,
} from './result-file.js';
export { loadProjection, type Projection } from './results/projection.js';
export type { DataSplit } from './results/landscape-names.js';
