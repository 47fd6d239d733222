import { basename } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { readIdx, type IdxArray } from '../io/idx.js';
import { checkOptions, isBoolean } from '../validate.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { rowNumbers, type RowSource } from './rows.js';
import { datasetOf } from './samples.js';

export interface LoadIdxOptions extends DatasetOptions {
  /** Images [N, H, W] become [N, 1, H, W], as convolutions want them (default true). */
  readonly channel?: boolean;
}

/**
 * A data set from IDX files, as MNIST and its kin come: images and labels, plain or gzip. `labelsPath` null: no
 * targets.
 *
 *     const data = await loadIdx('t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz', { scale: 1 / 255 });
 *
 * Throws ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA, ERR_EMPTY_DATA, ERR_INVALID_OPTION.
 */
export async function loadIdx(
  imagesPath: string,
  labelsPath: string | null,
  options: LoadIdxOptions = {},
): Promise<Dataset> {
  checkOptions('loadIdx', options, { ...datasetChecks, channel: isBoolean });
  const images = await readIdx(imagesPath);
  const labels = labelsPath === null ? null : await readIdx(labelsPath);
  const source = labelsPath === null ? `'${imagesPath}'` : `'${imagesPath}' with '${labelsPath}'`;
  if (labels !== null && labels.shape.length > images.shape.length) {
    const shapes = `[${images.shape.join(', ')}] and [${labels.shape.join(', ')}]`;
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `${source}: the shapes ${shapes} look as if labels were given for images and images for labels.`,
    );
  }
  const [numImages = 0, ...sizes] = images.shape;
  const isPlane = sizes.length === 2 && (options.channel ?? true);
  return datasetOf(
    {
      name: basename(imagesPath),
      source,
      inputs: [sourceOf(images, isPlane ? [numImages, 1, ...sizes] : images.shape)],
      targets: labels === null ? null : sourceOf(labels, labels.shape),
    },
    options,
  );
}

function sourceOf(array: IdxArray, shape: readonly number[]): RowSource {
  return { shape, read: (rows) => array.rows(rowNumbers(rows), rows.count) };
}
