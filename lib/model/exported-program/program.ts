import type { RawArgument, RawProgram, RawTensor } from '../../native/exported-program.js';
import type { ProgramArchive } from './archive.js';
import { readArgument, readOutput } from './argument.js';
import { inputNames, renameInputs, withBooleans } from './input-names.js';
import { readInput, type ProgramInput } from './inputs.js';
import type { Json } from './json.js';
import { isMixed, lostDropout } from './lost-dropout.js';
import { moduleStack, readNodes, type ProgramNode } from './nodes.js';
import { ProgramTensors } from './tensors.js';
import { nest, numLeaves, readTree } from './tree.js';

export interface ReadProgram {
  readonly raw: RawProgram;
  readonly inputs: readonly ProgramInput[];
}

const keepName = (name: string) => name;

/** The program of an archive, checked as far as its form goes. Throws ERR_MODEL_LOAD. */
export function readProgram(archive: ProgramArchive): ReadProgram {
  const module = archive.program.get('graph_module');
  const [graph, signature] = [module.get('graph'), module.get('signature')];
  const tensors = new ProgramTensors(archive);
  const values: string[] = [];
  const nonPersistent: string[] = [];
  for (const spec of signature.get('input_specs').list()) {
    const [kind, content] = spec.union();
    const value = () => content.get('arg').get('name').string();
    if (kind === 'parameter') tensors.add('parameter', content.get('parameter_name').string(), value());
    else if (kind === 'buffer') {
      const name = content.get('buffer_name').string();
      if (!content.get('persistent').boolean()) nonPersistent.push(name);
      tensors.add('buffer', name, value());
    } else if (kind === 'tensor_constant')
      tensors.add('constant', content.get('tensor_constant_name').string(), value());
    else if (kind === 'user_input') values.push(...tensorInput(content.get('arg')));
    else if (kind !== 'constant_input' && kind !== 'token')
      spec.fail(`an input that can be given ('${kind}' cannot)`);
  }
  tensors.addTied();
  const call = module.get('module_call_graph').list()[0]?.get('signature');
  const names = inputNames(values, call);
  const own = readNodes(graph);
  const nodes = [...own, ...bufferUpdates(signature, tensors.tensors, own)];
  const classes = new Map(graph.get('nodes').list().flatMap(moduleStack));
  const rename = new Map(values.map((value, i) => [value, names[i]!]));
  const inputs = values.map((value, i) =>
    readInput(names[i]!, graph.get('tensor_values').get(value), archive.program.get('range_constraints')),
  );
  const raw = renameInputs(
    {
      storages: tensors.storages,
      tensors: tensors.tensors,
      classes: [...classes],
      inputs: values,
      nodes,
      output: readResult(signature, call),
      isMixed: isMixed(nodes, archive.modes),
      lostDropout: lostDropout(nodes, archive.program.get('verifiers'), archive.modes),
      nonPersistent,
    },
    rename,
  );
  return { raw: withBooleans(raw, inputs), inputs };
}

/** Numbers that were given to the export are fixed in the graph. */
function tensorInput(arg: Json): string[] {
  const [kind] = arg.union();
  if (kind === 'as_tensor') return [...readOutput(arg, keepName).names];
  const isFixed = ['as_none', 'as_int', 'as_float', 'as_bool', 'as_string'].includes(kind);
  return isFixed ? [] : arg.fail(`an input that can be given ('${kind}' cannot)`);
}

/** New values of buffers that a functional program gives back, written where they belong. BatchNorm writes its own. */
function bufferUpdates(
  signature: Json,
  tensors: readonly RawTensor[],
  nodes: readonly ProgramNode[],
): ProgramNode[] {
  const values = new Map(tensors.map(({ name, value }) => [name, value]));
  const defined = new Set(nodes.flatMap(({ outputs }) => outputs.flatMap(({ names }) => names)));
  return signature
    .get('output_specs')
    .list()
    .flatMap((spec): ProgramNode[] => {
      const [kind, content] = spec.union();
      if (kind !== 'buffer_mutation') return [];
      const from = content.get('arg').get('name').string();
      const to = values.get(content.get('buffer_name').string());
      if (to === undefined) return spec.fail('an update of a buffer that there is');
      if (!defined.has(from)) return [];
      const plain = `${from}/plain`;
      const shared = { overload: '', isScalar: false, outputType: null, module: '' };
      const value = (text: string) => ({ kind: 'value', text }) as const;
      return [
        {
          ...shared,
          name: 'aten::detach',
          inputs: [['self', value(from)]],
          outputs: [{ kind: 'tensor', names: [plain] }],
        },
        {
          ...shared,
          name: 'aten::copy_',
          inputs: [
            ['self', value(to)],
            ['src', value(plain)],
          ],
          outputs: [],
        },
      ];
    });
}

/** What the model's caller gets. */
function readResult(signature: Json, call: Json | undefined): RawArgument {
  const values = signature
    .get('output_specs')
    .list()
    .flatMap((spec) => {
      const [kind, content] = spec.union();
      if (kind === 'user_output') return [readArgument(content.get('arg'), keepName)];
      return kind === 'loss_output'
        ? [{ kind: 'value' as const, text: content.get('arg').get('name').string() }]
        : [];
    });
  const tree = call === undefined || call.isNull ? null : readTree(call.get('out_spec'));
  if (tree !== null && numLeaves(tree) === values.length) return nest(tree, values);
  return values.length === 1 ? values[0]! : { kind: 'tuple', items: values };
}
