import { toJson } from '../../dist/io/json.js';
import { bowl, lineOf } from '../unit/plot/results.js';

/** Results as saveJson writes them. */
export const results = () =>
  [lineOf(5, Math.abs, Math.abs), bowl(3, 3)].map((result) => Buffer.from(toJson(result)));
