import { option, type OptionTable } from './table.js';
import {
  autoFlag,
  choice,
  column,
  columns,
  count,
  counts,
  flag,
  indexOrName,
  labelMap,
  nameOrNames,
  names,
  number,
  numbers,
  path,
  sample,
  shape,
  text,
} from './value-type.js';

/** Of `loadModel`. */
export const modelOptions = {
  device: option(text, 'cpu (default), cuda, cuda:N, or auto'),
  dtype: option(choice('float32', 'float64', 'bfloat16'), 'convert the model; default as saved'),
  parameters: option(choice('trainable', 'all'), 'those saved with requires_grad (default), or all'),
  tracedMode: option(
    choice('proven', 'free'),
    'of traced modules: free = you know that no code of the model branched on its mode',
  ),
} satisfies OptionTable;

/** Which weights are analysed: of `loadSolution`. */
export const solutionOptions = {
  key: option(text, 'where in a checkpoint the state dict is; default found'),
  by: option(choice('name', 'order'), 'fit tensors to parameters by name (default) or by order'),
  unknown: option(
    choice('refuse', 'opaque'),
    'pickled objects beside the weights: refuse (default), or leave out',
  ),
} satisfies OptionTable;

export const weightsOptions = {
  weights: option(path, 'checkpoint with the weights to analyse; default those in the model', { short: 'w' }),
  randomWeights: option(count, 'instead: weights of a new net, drawn by this seed by the laws of torch.nn'),
  ...solutionOptions,
} satisfies OptionTable;

/** Of `objective`. */
export const objectiveOptions = {
  loss: option(
    text,
    'cross-entropy (default), nll, mse, l1, huber, bce-with-logits, model, or a TorchScript file',
  ),
  mode: option(choice('eval', 'train', 'recalibrate'), 'of BatchNorm and dropout; default eval'),
  output: option(indexOrName, "which item or entry of the model's output"),
  metrics: option(names, 'error, top-5, or TorchScript files, with commas'),
  batchSize: option(count, 'samples a batch; default all in one (evaluate: 500)'),
  dataPlacement: option(choice('held', 'streamed'), 'where data lies between uses; default held if it fits'),
  labelSmoothing: option(number, 'of cross-entropy, 0 to 1'),
  ignoreIndex: option(number, 'targets of this value do not count; default -100'),
  delta: option(number, 'of the Huber loss; default 1'),
  dropoutSeed: option(count, 'of dropout in train mode; default 0', { as: 'seed' }),
} satisfies OptionTable;

/** Of `loadDataset`; written after a data set's path, or in `dataOptions` for all of them. */
export const dataOptions = {
  format: option(
    choice('npy', 'npz', 'hdf5', 'safetensors', 'idx', 'cifar', 'libsvm', 'csv', 'images'),
    'do not look at the file: it is this',
  ),
  inputs: option(nameOrNames, 'arrays of the inputs'),
  targets: option(text, 'array of the targets'),
  targetsPath: option(path, 'file of the targets (.npy, IDX)'),
  target: option(column, 'column of the target (CSV), or none'),
  columns: option(columns, 'columns of the features (CSV); default all but the target'),
  header: option(autoFlag, 'the first line names the columns (CSV)'),
  delimiter: option(text, 'of CSV'),
  shape: option(shape, 'of a sample: 1x28x28'),
  channel: option(flag, 'images of IDX get a channel; default true'),
  classes: option(choice(10, 100), 'of CIFAR'),
  labels: option(choice('fine', 'coarse'), 'of CIFAR-100'),
  extensions: option(names, 'endings of image files'),
  numFeatures: option(count, 'columns of libsvm'),
  zeroBased: option(flag, 'the first index of libsvm is 0'),
  lazy: option(flag, 'read each batch when it is needed'),
  name: option(text, 'for titles and tables'),
  limit: option(count, 'the first so many samples'),
  indices: option(counts, 'these samples: 0,5,7'),
  sample: option(sample, 'so many samples drawn by a seed: 200@1'),
  shuffle: option(count, 'permute by this seed'),
  perClass: option(count, 'the first so many of each label'),
  grayscale: option(flag, 'one channel of three'),
  resize: option(shape, 'bilinear: 20x20'),
  pad: option(count, 'so many zeros on each side'),
  scale: option(number, 'multiply inputs: 1/255'),
  mean: option(numbers, 'per channel, after scaling: 0.485,0.456,0.406'),
  std: option(numbers, 'per channel, after scaling: 0.229,0.224,0.225'),
  mapLabels: option(labelMap, 'new labels by old ones: 3=0,5=1'),
} satisfies OptionTable;
