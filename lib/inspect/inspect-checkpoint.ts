import { LossAtlasError } from '../errors.js';
import { readCheckpoint, type Checkpoint } from '../io/checkpoint/checkpoint.js';
import { bufferNames } from '../io/checkpoint/match.js';
import {
  isOptimizerState,
  matchOptimizer,
  optimizerState,
  type OptimizerState,
} from '../io/checkpoint/optimizer.js';
import { pickledObjects, type PickledObjects } from '../io/checkpoint/pickled-objects.js';
import { elementsOf, isTensor, type CheckpointTensor } from '../io/checkpoint/tensor.js';
import { dictsIn, isDict, keyText, valueAt, type CheckpointDict } from '../io/checkpoint/value.js';
import {
  quoted,
  type Findings,
  type InspectedCandidate,
  type InspectedOptimizer,
  type InspectedTensor,
} from './inspection.js';

const formats = {
  torch: 'zip archive of torch.save',
  'torch-legacy': 'torch.save before PyTorch 1.6',
  safetensors: 'safetensors',
  npz: 'NumPy .npz',
} as const;

/** Of a file of torch.save or safetensors; classes that are not read are named, and nothing of them is run. */
export async function inspectCheckpoint(path: string, isPickle: boolean): Promise<Findings> {
  const objects = isPickle ? await pickledObjects(path) : null;
  if (objects?.root != null && !isContainerName(objects.root)) return modulePickle(path, objects);
  let checkpoint: Checkpoint;
  let isOpaque = false;
  try {
    checkpoint = await readCheckpoint(path);
  } catch (error) {
    if (!(error instanceof LossAtlasError) || error.code !== 'ERR_CHECKPOINT' || objects === null)
      throw error;
    checkpoint = await readCheckpoint(path, { unknown: 'opaque' });
    isOpaque = true;
  }
  const unread = isOpaque ? (objects?.names.filter((name) => !isContainerName(name)) ?? []) : [];
  return describeTree(checkpoint, unread, objects);
}

function describeTree(
  checkpoint: Checkpoint,
  unread: readonly string[],
  objects: PickledObjects | null,
): Findings {
  const { value, path } = checkpoint;
  const option = unread.length > 0 ? `unknown: 'opaque'` : '';
  const found = { format: formats[checkpoint.format], unread };
  const weights = weightsOf(checkpoint);
  const optimizer = optimizerOf(checkpoint, weights);
  const candidates = candidatesIn(checkpoint);
  if (isTensor(value)) {
    const tensor = { name: '', shape: value.shape, dtype: value.dtype };
    const advice = [`const { value } = await readCheckpoint(${quoted(path)}); // value.data`];
    return { ...found, kind: 'state-dict', what: 'a single tensor', parameters: [tensor], advice };
  }
  if (weights === null) {
    const modules = [...(objects?.items ?? [])].filter(([, name]) => !isContainerName(name));
    if (optimizer !== null) return optimizerOnly(path, found, optimizer, option);
    if (modules.length > 0) return moduleInside(path, found, modules);
    return {
      ...found,
      kind: 'state-dict',
      what: 'a checkpoint without a dict of tensors',
      notes: isDict(value) ? [`Its keys: ${keysOf(value)}.`] : [],
      advice: [`const { value } = await readCheckpoint(${quoted(path)}${optionsText([option])});`],
    };
  }
  const keys = isDict(value) ? [...value.keys()].map(keyText) : [];
  const isLightning = keys.includes('pytorch-lightning_version') || keys.includes('hyper_parameters');
  const isTraining = weights.key !== '' || optimizer !== null;
  const key = candidates.length > 1 && weights.key !== '' ? `key: ${quoted(weights.key)}` : '';
  return {
    ...found,
    kind: isTraining ? 'training-checkpoint' : 'state-dict',
    what: isLightning
      ? `a checkpoint of Lightning, with ${optimizer === null ? 'no' : 'an'} optimizer`
      : isTraining
        ? `a training checkpoint: weights at '${weights.key}'${optimizer === null ? '' : ` and an optimizer at '${optimizer.key}'`}`
        : 'a state dict: weights without a model',
    ...split(weights.tensors),
    candidates: isTraining || candidates.length > 1 ? candidates : [],
    optimizer,
    notes: isTraining && isDict(value) ? [`Its keys: ${keysOf(value)}.`] : [],
    advice: [
      `using solution = await loadSolution(model, ${quoted(path)}${optionsText([key, option])});`,
      ...(optimizer?.kind === 'adam'
        ? [`using moments = await loadMoments(model, ${quoted(path)}${optionsText([option])});`]
        : []),
      ...(checkpoint.format === 'safetensors' || checkpoint.format === 'npz'
        ? [`As data: await loadDataset(${quoted(path)}, { inputs: '…', targets: '…' });`]
        : []),
      modelLine,
    ],
  };
}

const modelLine =
  'The model itself comes from Python: torch.jit.script(model).save(path), or torch.export.save(torch.export.export(model, inputs), path)';

interface Weights {
  readonly key: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** What `loadSolution` would take by itself. */
function weightsOf(checkpoint: Checkpoint): Weights | null {
  let tensors: Map<string, CheckpointTensor>;
  try {
    tensors = checkpoint.stateDict();
  } catch (error) {
    if (error instanceof LossAtlasError && error.code === 'ERR_CHECKPOINT') return null;
    throw error;
  }
  const [first] = tensors.values();
  const home = dictsIn(checkpoint.value).find(({ dict }) =>
    [...dict.values()].some((item) => item === first),
  );
  return { key: home?.path ?? '', tensors };
}

function candidatesIn({ value }: Checkpoint): InspectedCandidate[] {
  return dictsIn(value, '', (dict) => !isOptimizerState(dict)).flatMap(({ path, dict }) => {
    const tensors = [...dict.values()].filter(isTensor);
    const numElements = tensors.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
    return tensors.length === 0 ? [] : [{ key: path, numTensors: tensors.length, numElements }];
  });
}

function optimizerOf(checkpoint: Checkpoint, weights: Weights | null): InspectedOptimizer | null {
  let state: OptimizerState;
  try {
    state = optimizerState(checkpoint);
  } catch (error) {
    if (error instanceof LossAtlasError && error.code === 'ERR_CHECKPOINT') return null;
    throw error;
  }
  const usual = ['', 'optimizer_state_dict', 'optimizer', 'optimizer_states[0]', 'optim'];
  const isState = (path: string) => {
    const dict = valueAt(checkpoint.value, path);
    return isDict(dict) && isOptimizerState(dict);
  };
  const others = dictsIn(checkpoint.value).filter(({ dict }) => isOptimizerState(dict));
  return {
    key: usual.find(isState) ?? others[0]?.path ?? '',
    kind: state.kind,
    numParameters: state.entries.length,
    step: state.entries.find(({ step }) => step !== null)?.step ?? null,
    learningRate: state.learningRate,
    fits: weights !== null && fits(state, weights) ? weights.key : null,
  };
}

function fits({ entries }: OptimizerState, { tensors }: Weights): boolean {
  try {
    matchOptimizer(entries, split(tensors).parameters);
    return true;
  } catch (error) {
    if (error instanceof LossAtlasError && error.code === 'ERR_CHECKPOINT_MISMATCH') return false;
    throw error;
  }
}

/** A state dict does not tell buffers from parameters: those of norm layers are known by name. */
function split(tensors: ReadonlyMap<string, CheckpointTensor>) {
  const all = [...tensors].map(([name, { shape, dtype }]): InspectedTensor => ({ name, shape, dtype }));
  const isBuffer = ({ name }: InspectedTensor) => bufferNames.includes(name.split('.').at(-1)!);
  return { parameters: all.filter((info) => !isBuffer(info)), buffers: all.filter(isBuffer) };
}

function optimizerOnly(
  path: string,
  found: Pick<Findings, 'format' | 'unread'>,
  optimizer: InspectedOptimizer,
  option: string,
): Findings {
  const isAdam = optimizer.kind === 'adam';
  return {
    ...found,
    kind: 'optimizer-state',
    what: `the state of an optimizer (${isAdam ? 'Adam' : optimizer.kind}), without weights`,
    optimizer,
    advice: isAdam
      ? [`using moments = await loadMoments(model, ${quoted(path)}${optionsText([option])});`]
      : ['Only moments of Adam are of use here: weights are in the state dict of the model.'],
  };
}

function modulePickle(path: string, { root, names }: PickledObjects): Findings {
  const unread = names.filter((name) => !isContainerName(name));
  return {
    kind: 'module-pickle',
    what: `a pickled object of the class ${root!} (torch.save(model)), which is code and never run`,
    unread,
    advice: [pythonRemedy(path, '')],
  };
}

function moduleInside(
  path: string,
  found: Pick<Findings, 'format' | 'unread'>,
  modules: readonly (readonly [key: string, name: string])[],
): Findings {
  const [key, name] = modules.find(([known]) => known === 'model') ?? modules[0]!;
  return {
    ...found,
    kind: 'module-pickle',
    what: `a dict with a pickled object of the class ${name} at '${key}', which is code and never run`,
    advice: [pythonRemedy(path, `["${key}"]`)],
  };
}

function pythonRemedy(path: string, at: string): string {
  const load = `model = torch.load(${JSON.stringify(path)}, weights_only=False)${at}`;
  return `In Python, where its class is, and only if you trust the file: ${load}; torch.save(model.state_dict(), "weights.pth"); and the model itself: torch.jit.script(model).save("model.pt"), or torch.export.save(torch.export.export(model, inputs), "model.pt2")`;
}

/** Names that belong to tensors and containers. */
function isContainerName(name: string): boolean {
  return /^(collections\.|_codecs\.|builtins\.|__builtin__\.|numpy\.|torch\.(\w+Storage|_utils\.|Size|device|storage\.|_tensor\.|[a-z]+\d*$))|^storage$/.test(
    name,
  );
}

function optionsText(options: readonly string[]): string {
  const given = options.filter(Boolean);
  return given.length === 0 ? '' : `, { ${given.join(', ')} }`;
}

function keysOf(dict: CheckpointDict): string {
  const keys = [...dict.keys()].map((key) => keyText(key) ?? '…');
  return keys.length > 12 ? `${keys.slice(0, 12).join(', ')} and ${keys.length - 12} more` : keys.join(', ');
}
