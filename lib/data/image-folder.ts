import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { LossAtlasError } from '../errors.js';
import { hashOf } from '../hash.js';
import { allocated } from '../io/allocate.js';
import { concurrently } from '../io/concurrent.js';
import { decodeImage } from '../io/image.js';
import { readWholeFile, unreadable } from '../io/read-file.js';
import { throwIfAborted } from '../steps.js';
import type { NdArray } from '../types.js';
import { checkOptions, invalidOption, isArrayOf, isBoolean, isString, type Check } from '../validate.js';
import { classesDone } from './class-labels.js';
import { listClassFolders, type ClassFile } from './class-folders.js';
import type { Dataset } from './dataset.js';
import { datasetChecks, type DatasetOptions } from './dataset-options.js';
import { editImages, type ImageOptions } from './images.js';
import { rowsOf, type Rows } from './rows.js';
import { lazyDatasetOf, type OpenRows } from './samples.js';

export interface LoadImageFolderOptions extends DatasetOptions {
  /** Endings of the files that are images; default those of torchvision's ImageFolder. */
  readonly extensions?: readonly string[];
  /** Decode the images of each batch when it is needed (default true) instead of all of them now. */
  readonly lazy?: boolean;
}

/** Of the files that torchvision's ImageFolder takes for images. */
export const imageExtensions = ['.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp'];
const checks = {
  ...datasetChecks,
  extensions: (v) =>
    Array.isArray(v) && v.length > 0
      ? isArrayOf(isString, "an array of endings such as '.png'")(v)
      : 'some endings',
  lazy: isBoolean,
} as const satisfies Record<keyof LoadImageFolderOptions, Check>;

/** Images are decoded by the threads of the system's pool, of which Node has 4. */
const maxAtOnce = 4;

/**
 * Images by class, one folder a class, as torchvision's ImageFolder reads them: labels are the places of the classes
 * in their sorted list, `classNames`. Inputs are [N, 3, H, W] bytes with the pixels that Pillow decodes, or what
 * `grayscale` and `resize` make of each image; without `resize` all images must have one size. Files are decoded when
 * a batch needs them. The hash covers the names and sizes of the files, not their content. Needs the optional package
 * sharp.
 *
 *     const data = await loadImageFolder('imagenette/val', { resize: [160, 160], scale: 1 / 255, perClass: 20 });
 *
 * Throws ERR_MISSING_PACKAGE, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_INVALID_DATA (which names the file),
 * ERR_INVALID_OPTION.
 */
export async function loadImageFolder(
  folder: string,
  options: LoadImageFolderOptions = {},
): Promise<Dataset> {
  checkOptions('loadImageFolder', options, checks);
  if (isString(folder) !== null)
    throw invalidOption('loadImageFolder: folder', 'the path of a folder', folder);
  const { files, classNames } = await listClassFolders(folder, options.extensions ?? imageExtensions);
  // Each image gets its colours and size before all of them become one array; that one gets the rest.
  const { grayscale: _grayscale, resize: _resize, ...others } = options;
  const data = await lazyDatasetOf(
    {
      name: basename(resolve(folder)),
      source: `'${folder}'`,
      inputs: [{ shape: [files.length] }],
      targets: rowsOf(
        Int32Array.from(files, ({ label }) => label),
        [files.length],
      ),
      classNames,
      where: (row) => `'${files[row]!.path}'`,
      done: classesDone(classNames),
      open: async (rows) => openImages(files, rows, { ...options, pad: 0 }),
    },
    others,
  );
  return options.lazy === false ? data.load() : data;
}

async function openImages(
  all: readonly ClassFile[],
  { count, numbers }: Rows,
  edits: ImageOptions,
): Promise<OpenRows> {
  const files = numbers === null ? all.slice(0, count) : Array.from(numbers, (row) => all[row]!);
  const first = files[0]!;
  const source = `'${first.path}' and ${count - 1} more`;
  const { data, shape } = await readImage(first, edits);
  const sample = shape.slice(1);
  const { done } = editImages([{ data: new Uint8Array(0), shape: [0, 3, 1, 1] }], edits, `'${first.path}'`);
  return {
    empty: [{ data: data.subarray(0, 0), shape: [0, ...sample] }],
    hash: await hashNames(files),
    done,
    async read(wanted, signal) {
      const width = data.length;
      const type = data.constructor as new (length: number) => Uint8Array | Float32Array;
      const length = wanted.length * width;
      const out = allocated(() => new type(length), source, `${length} values`);
      await concurrently([...wanted], maxAtOnce, async (number, i) => {
        throwIfAborted(signal);
        const file = files[number]!;
        const image = await readImage(file, edits);
        if (image.shape.some((size, axis) => size !== shape[axis])) {
          throw new LossAtlasError(
            'ERR_INVALID_DATA',
            `'${file.path}' is an image of ${sizeOf(image.shape)} pixels, '${first.path}' of ${sizeOf(shape)}. Give resize: [height, width].`,
          );
        }
        out.set(image.data as Uint8Array, i * width);
      });
      return [out];
    },
  };
}

async function readImage({ path }: ClassFile, edits: ImageOptions): Promise<NdArray> {
  const source = `'${path}'`;
  const { pixels, height, width } = await decodeImage(await readWholeFile(path), source);
  const { inputs } = editImages([{ data: pixels, shape: [1, 3, height, width] }], edits, source);
  return inputs[0]!;
}

async function hashNames(files: readonly ClassFile[]): Promise<string> {
  const lines = new Array<string>(files.length);
  await concurrently(files, maxAtOnce, async ({ path, name }, i) => {
    const { size } = await stat(path).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    lines[i] = `${name} ${size}`;
  });
  return hashOf([lines.join('\n')]);
}

function sizeOf(shape: readonly number[]): string {
  return `${shape[2]!}×${shape[3]!}`;
}
