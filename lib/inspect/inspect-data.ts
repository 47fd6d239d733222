import { readCifarFile } from '../data/cifar-file.js';
import { listClassFolders } from '../data/class-folders.js';
import { datasetFormats, type DatasetFormat } from '../data/dataset-format.js';
import { imageExtensions } from '../data/image-folder.js';
import { loadLibsvm } from '../data/libsvm-dataset.js';
import { LossAtlasError } from '../errors.js';
import { readCheckpoint } from '../io/checkpoint/checkpoint.js';
import { isTensor } from '../io/checkpoint/tensor.js';
import { parseNumber, readCsv } from '../io/csv.js';
import { openSource } from '../io/file-source.js';
import { withHdf5 } from '../io/hdf5.js';
import { readIdx } from '../io/idx.js';
import { readNpyLayout } from '../io/npy.js';
import { readWholeFile } from '../io/read-file.js';
import { quoted, type Findings, type InspectedTensor } from './inspection.js';

type Inspect = (path: string) => Promise<Omit<Findings, 'kind' | 'what'>>;

/** What `loadDataset` reads: shapes and types of its arrays. */
export async function inspectData(path: string, format: DatasetFormat): Promise<Findings> {
  return { kind: 'data', what: `data: ${datasetFormats[format]}`, ...(await inspectors[format](path)) };
}

const inspectors: Readonly<Record<DatasetFormat, Inspect>> = {
  npy: async (path) => {
    const { shape, dtype } = readNpyLayout(await openSource(path), quoted(path));
    return {
      arrays: [{ name: '', shape, dtype: numpyName(dtype) }],
      advice: [`const data = await loadNpy(${quoted(path)}, 'labels.npy');`],
    };
  },
  npz: namedArrays,
  safetensors: namedArrays,
  hdf5: async (path) => {
    const arrays = await withHdf5(path, (file) =>
      file.names().map((name): InspectedTensor => {
        try {
          const { shape, dtype } = file.array(name);
          return { name, shape, dtype };
        } catch (error) {
          // Texts and compounds stand beside numbers in many files.
          if (!(error instanceof LossAtlasError) || error.code !== 'ERR_INVALID_DATA') throw error;
          return { name, shape: [], dtype: 'not read' };
        }
      }),
    );
    return { arrays, advice: [namedAdvice('loadHdf5', path, arrays)] };
  },
  idx: async (path) => {
    const array = await readIdx(path);
    const { shape } = array;
    const dtype = array.rows([], 0).constructor.name.replace('Array', '').toLowerCase();
    const isLabels = shape.length === 1;
    const labels = path.replace('images-idx3', 'labels-idx1');
    return {
      arrays: [{ name: '', shape, dtype }],
      advice: [
        isLabels
          ? `The labels of a file of images: await loadIdx('images', ${quoted(path)});`
          : `const data = await loadIdx(${quoted(path)}, ${labels === path ? "'labels'" : quoted(labels)}, { scale: 1 / 255 });`,
      ],
    };
  },
  cifar: async (path) => {
    const { classes, records } = await readCifarFile(path, undefined);
    return {
      format: `CIFAR-${classes}`,
      arrays: [
        { name: 'images', shape: [records.length, 3, 32, 32], dtype: 'uint8' },
        { name: 'labels', shape: [records.length], dtype: 'uint8' },
      ],
      advice: [`const data = await loadCifar(${quoted(path)}, { scale: 1 / 255 });`],
    };
  },
  libsvm: async (path) => {
    // Which of the two it is, the file need not say.
    const isFromZero = await loadLibsvm(path).then(
      () => false,
      () => true,
    );
    const { inputInfo, targets } = await loadLibsvm(path, { zeroBased: isFromZero });
    const arrays = inputInfo.map(({ shape, dtype }) => ({ name: 'features', shape, dtype: dtype }));
    if (targets !== null) arrays.push({ name: 'labels', shape: targets.shape, dtype: 'float64' });
    return {
      arrays,
      advice: [`const data = await loadLibsvm(${quoted(path)}${isFromZero ? ', { zeroBased: true }' : ''});`],
    };
  },
  csv: async (path) => {
    const delimiter = path.toLowerCase().endsWith('.tsv') ? '\t' : ',';
    let [count, header] = [0, null as readonly string[] | null];
    let numColumns = 0;
    for (const { fields } of readCsv(await readWholeFile(path), delimiter, quoted(path))) {
      if (count++ > 0) continue;
      numColumns = fields.length;
      if (fields.every((field) => Number.isNaN(parseNumber(field)))) header = fields;
    }
    const numRows = count - (header === null ? 0 : 1);
    const target = header === null ? '-1' : quoted(header.at(-1)!);
    return {
      arrays: [{ name: 'table', shape: [numRows, numColumns], dtype: 'text' }],
      notes:
        header === null
          ? []
          : [`Columns: ${header.slice(0, 20).join(', ')}${header.length > 20 ? ', …' : ''}.`],
      advice: [`const data = await loadCsv(${quoted(path)}, { target: ${target} });`],
    };
  },
  images: async (path) => {
    const { classNames, files } = await listClassFolders(path, imageExtensions);
    return {
      arrays: [{ name: 'images', shape: [files.length, 3, -1, -1], dtype: 'uint8' }],
      notes: [`Classes: ${classNames.slice(0, 20).join(', ')}${classNames.length > 20 ? ', …' : ''}.`],
      advice: [`const data = await loadImageFolder(${quoted(path)}, { resize: [32, 32], scale: 1 / 255 });`],
    };
  },
};

async function namedArrays(path: string): ReturnType<Inspect> {
  const { value, format } = await readCheckpoint(path);
  const arrays: InspectedTensor[] = [];
  if (value instanceof Map) {
    for (const [name, tensor] of value)
      if (isTensor(tensor)) arrays.push({ name: String(name), shape: tensor.shape, dtype: tensor.dtype });
  }
  const load = format === 'npz' ? 'loadNpz' : 'loadSafetensors';
  return {
    arrays,
    advice: [
      namedAdvice(load, path, arrays),
      `As weights: using solution = await loadSolution(model, ${quoted(path)});`,
    ],
  };
}

/** A call with the names of the first two arrays that have as many samples. */
function namedAdvice(load: string, path: string, arrays: readonly InspectedTensor[]): string {
  const inputs = arrays.find(({ shape }) => shape.length >= 2);
  const targets = arrays.find(
    (array) => array !== inputs && array.shape.length === 1 && array.shape[0] === inputs?.shape[0],
  );
  const [x, y] = [inputs, targets].map((array) => quoted(array?.name ?? '…'));
  return `const data = await ${load}(${quoted(path)}, { inputs: ${x!}, targets: ${y!} });`;
}

/** `f4` as `float32`. */
function numpyName(dtype: string): string {
  const kinds: Readonly<Record<string, string>> = { f: 'float', i: 'int', u: 'uint', b: 'bool' };
  const kind = kinds[dtype[0]!] ?? dtype;
  return kind === 'bool' ? kind : `${kind}${8 * Number(dtype.slice(1))}`;
}
