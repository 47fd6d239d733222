import { LossAtlasError } from '../errors.js';
import { readFileStart } from '../io/read-file.js';
import { checkOptions, invalidOption, isOneOf, isString } from '../validate.js';
import { loadCifar, type LoadCifarOptions } from './cifar-dataset.js';
import { loadCsv, type LoadCsvOptions } from './csv-dataset.js';
import type { Dataset } from './dataset.js';
import { datasetFormats, findFormat, probeLength, type DatasetFormat } from './dataset-format.js';
import { loadHdf5, type LoadHdf5Options } from './hdf5-dataset.js';
import { loadIdx, type LoadIdxOptions } from './idx-dataset.js';
import { loadImageFolder, type LoadImageFolderOptions } from './image-folder.js';
import { loadLibsvm, type LoadLibsvmOptions } from './libsvm-dataset.js';
import { loadNpy, type LoadNpyOptions } from './npy-dataset.js';
import { loadNpz, type LoadNpzOptions } from './npz-dataset.js';
import { loadSafetensors, type LoadSafetensorsOptions } from './safetensors-dataset.js';

/** Options of the reader that the file turns out to need; those of another one are errors that name the reader. */
export type LoadDatasetOptions = LoadNpyOptions &
  LoadNpzOptions &
  LoadSafetensorsOptions &
  LoadImageFolderOptions &
  LoadIdxOptions &
  LoadCifarOptions &
  LoadLibsvmOptions &
  Partial<LoadHdf5Options> &
  Partial<LoadCsvOptions> & {
    /** Do not look at the file: it is this. */
    readonly format?: DatasetFormat;
    /** The file of the targets, where they lie in one of their own (.npy, IDX); default: no targets. */
    readonly targetsPath?: string;
  };

type Reader = (path: string, options: LoadDatasetOptions, targetsPath: string | null) => Promise<Dataset>;

const readers: Readonly<Record<DatasetFormat, Reader>> = {
  npy: async (path, options, targetsPath) => loadNpy(path, targetsPath, options),
  npz: loadNpz,
  hdf5: async (path, options) => loadHdf5(path, options as LoadHdf5Options),
  safetensors: loadSafetensors,
  idx: async (path, options, targetsPath) => loadIdx(path, targetsPath, options),
  cifar: loadCifar,
  libsvm: loadLibsvm,
  csv: async (path, options) => loadCsv(path, options as LoadCsvOptions),
  images: loadImageFolder,
};

/**
 * A data set from any file or folder that is known: its content says which reader reads it, and the ending of its name
 * where the content does not.
 *
 *     const digits = await loadDataset('t10k-images-idx3-ubyte.gz', { targetsPath: 't10k-labels-idx1-ubyte.gz' });
 *     const iris = await loadDataset('iris.csv', { target: 'species' });
 *
 * Throws ERR_INVALID_DATA, which lists what is known, and what the reader throws.
 */
export async function loadDataset(path: string, options: LoadDatasetOptions = {}): Promise<Dataset> {
  if (isString(path) !== null) throw invalidOption('loadDataset: path', 'the path of a file or folder', path);
  checkOptions(
    'loadDataset',
    { format: (options as LoadDatasetOptions | null)?.format },
    {
      format: isOneOf(...Object.keys(datasetFormats)),
    },
  );
  const { format: given, targetsPath, ...rest } = options;
  const format = given ?? findFormat(path, await readFileStart(path, probeLength));
  if (format === null) {
    throw new LossAtlasError(
      'ERR_INVALID_DATA',
      `'${path}' is no data that is known: ${Object.values(datasetFormats).join('; ')}. If it is one of these after all, give the option format.`,
    );
  }
  if (targetsPath !== undefined && format !== 'npy' && format !== 'idx') {
    throw new LossAtlasError(
      'ERR_INVALID_OPTION',
      `loadDataset: option 'targetsPath' is for .npy and IDX; '${path}' is ${datasetFormats[format]}.`,
    );
  }
  return readers[format](path, rest, targetsPath ?? null);
}
