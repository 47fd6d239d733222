import { LossAtlasError } from '../errors.js';
import { isTensor } from '../io/checkpoint/tensor.js';
import { openProgram } from '../model/exported-program/archive.js';
import { loadModel, type Model } from '../model/model.js';
import { readScriptArchive } from '../model/torchscript/archive.js';
import { ScriptObject } from '../model/torchscript/globals.js';
import type { PickleValue } from '../io/pickle.js';
import { quoted, type Findings, type InspectedInput, type InspectedTensor } from './inspection.js';

/** Of a TorchScript archive: it is loaded, and nothing is computed with it. */
export async function inspectTorchScript(path: string): Promise<Findings> {
  const { version, root, tracedInputs, code } = await readScriptArchive(path);
  const isTraced = tracedInputs !== null;
  const traces = tracedTensors(tracedInputs);
  const found = {
    kind: 'torchscript',
    format: `zip archive, TorchScript version ${version}`,
  } as const;
  let model: Model;
  try {
    model = await loadModel(path, { parameters: 'all' });
  } catch (error) {
    if (!(error instanceof LossAtlasError)) throw error;
    const made = isTraced ? 'traced' : 'scripted or traced';
    if (error.code !== 'ERR_NO_PARAMETERS') {
      return { ...found, what: `TorchScript, ${made}`, problem: error.message, advice: [rescript] };
    }
    return {
      ...found,
      what: `TorchScript, ${made}, without parameters: frozen, optimised for inference, or a function`,
      buffers: stateOf(root),
      inputs: traces.map((tensor, i) => ({ ...tensor, name: `input ${i}`, type: 'Tensor', optional: false })),
      advice: [
        `Save the module before torch.jit.freeze or optimize_for_inference: ${scriptLine}`,
        `As a loss or metric: await loadLoss(${quoted(path)}, model), await loadMetric(${quoted(path)}, model).`,
      ],
    };
  }
  using loaded = model;
  const { fixedMode, impureOperators, forwardArguments, forwardResult } = loaded;
  const inputs = forwardArguments.map((argument, i): InspectedInput => {
    const trace = argument.type === 'Tensor' ? traces[i] : undefined;
    return trace === undefined ? argument : { ...argument, shape: trace.shape, dtype: trace.dtype };
  });
  const notes =
    isTraced && traces.length > 0 ? ['The shapes of the inputs are those that it was traced with.'] : [];
  if (impureOperators.length > 0)
    notes.push(`Depends on the mode, or is random: ${impureOperators.join(', ')}.`);
  const mode = fixedMode === null || fixedMode === 'mixed' ? '' : `, { mode: '${fixedMode}' }`;
  return {
    ...found,
    what: `TorchScript, ${modeWords(isTraced, asksForMode(code), loaded)}`,
    ...tensorsOf(loaded),
    inputs,
    output: forwardResult,
    notes,
    advice: [
      `using model = await loadModel(${quoted(path)});`,
      ...(mode === ''
        ? []
        : [`using loss = objective(model, data${mode}); // the other mode needs torch.jit.script`]),
      ...(fixedMode === 'mixed' ? [rescript] : []),
    ],
  };
}

/** What scripting keeps, and tracing does not. */
function asksForMode(code: ReadonlyMap<string, string>): boolean {
  return [...code.values()].some((text) => /\.training\b/.test(text));
}

/** Honest about what an archive does not say. */
function modeWords(isTraced: boolean, asks: boolean, { fixedMode, impureOperators }: Model): string {
  if (fixedMode === 'mixed')
    return 'traced: its graph fixes eval mode in one place and train mode in another';
  if (fixedMode !== null) return `traced: its graph fixes ${fixedMode} mode`;
  if (asks) return `${isTraced ? 'traced with scripted parts' : 'scripted'}: both modes can be used`;
  if (impureOperators.length > 0)
    return `${isTraced ? 'traced' : 'scripted or traced'}: what depends on the mode are layers of PyTorch, so that both can be used`;
  return `${isTraced ? 'traced' : 'scripted or traced'}: nothing in it depends on the mode`;
}

/** Of an archive of torch.export. */
export async function inspectProgram(path: string): Promise<Findings> {
  const { program } = await openProgram(path);
  const by = program.get('torch_version');
  using model = await loadModel(path, { parameters: 'all' });
  const { fixedMode, inputs, forwardResult } = model;
  return {
    kind: 'export-archive',
    what: `torch.export archive (.pt2)${fixedMode === null ? ': both modes can be used' : `: fixed to ${fixedMode} mode`}`,
    format: typeof by.value === 'string' ? `zip archive, written by PyTorch ${by.value}` : 'zip archive',
    ...tensorsOf(model),
    inputs: (inputs ?? []).map((input) => ({ ...input, type: 'Tensor', optional: false })),
    output: forwardResult,
    advice: [`using model = await loadModel(${quoted(path)});`],
  };
}

function tensorsOf(model: Model): Pick<Findings, 'parameters' | 'buffers'> {
  const plain = ({ name, shape, dtype }: InspectedTensor) => ({ name, shape, dtype });
  return { parameters: model.parameters.map(plain), buffers: model.buffers.map(plain) };
}

/** Tensors among the attributes of a module, where it has no parameters. */
function stateOf(value: PickleValue, prefix = ''): InspectedTensor[] {
  if (!(value instanceof ScriptObject) || !(value.state instanceof Map)) return [];
  return [...value.state].flatMap(([key, item]) => {
    const name = `${prefix}${typeof key === 'string' ? key : '?'}`;
    if (isTensor(item)) return [{ name, shape: item.shape, dtype: item.dtype }];
    return stateOf(item, `${name}.`);
  });
}

/** `{ forward: [inputs] }` */
function tracedTensors(value: PickleValue): { shape: readonly number[]; dtype: string }[] {
  const list = value instanceof Map ? value.get('forward') : null;
  return Array.isArray(list) ? list.filter(isTensor).map(({ shape, dtype }) => ({ shape, dtype })) : [];
}

export const scriptLine = 'torch.jit.script(model).save(path)';
const rescript = `Save the module anew in Python: ${scriptLine}`;
