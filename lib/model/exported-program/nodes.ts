import { LossAtlasError } from '../../errors.js';
import type { RawArgument, RawNode, RawOutput } from '../../native/exported-program.js';
import { readArgument, readOutput, type Rename } from './argument.js';
import type { Json } from './json.js';
import { isModulePath } from './module-path.js';
import { scalarType } from './types.js';

/** A node, and the innermost module of Python that it came from. */
export interface ProgramNode extends RawNode {
  readonly module: string;
}

const maxNesting = 16;

/** What only asserts about shapes that it was exported with, or about types that may since be converted. */
const assertions =
  /^(torch\.ops\.aten\.(_assert_\w+|_assert_async|sym_constrain_range\w*)\.\w+|torch\._check.*|torch\.ops\.profiler\..*)$/;

/** Nodes in the order of execution; regions without gradients or with autocast switched off are put in their place. */
export function readNodes(graph: Json, rename: Rename = (name) => name, depth = 0): ProgramNode[] {
  if (depth > maxNesting) graph.fail('nested less deeply');
  const types = graph.get('tensor_values');
  return graph
    .get('nodes')
    .list()
    .flatMap((node): ProgramNode[] => {
      const target = node.get('target').string();
      if (assertions.test(target)) return [];
      const higher = /^torch\.ops\.higher_order\.(\w+)$/.exec(target);
      if (higher !== null) return inlineRegion(node, higher[1]!, rename, depth);
      const inputs = node
        .get('inputs')
        .list()
        .map((item) => [item.get('name').string(), readArgument(item.get('arg'), rename)] as const);
      const results = node.get('outputs').list();
      const outputs = results.map((item) => readOutput(item, rename));
      const module = innermostClass(node);
      const scalar = scalarOperators[target];
      if (scalar !== undefined)
        return [{ name: scalar, overload: '', isScalar: true, inputs, outputs, outputType: null, module }];
      const made = { inputs, outputs, outputType: firstType(results, types), module, isScalar: false };
      return [rewritten({ ...operatorOf(node, target), ...made })];
    });
}

/** `torch.ops.aten.conv2d.padding` */
function operatorOf(node: Json, target: string): Pick<RawNode, 'name' | 'overload'> {
  const parts = /^torch\.ops\.(\w+)\.(\w+)\.(\w+)$/.exec(target);
  const [, space, name, overload] = parts ?? [];
  if (space === undefined || name === undefined || overload === undefined) {
    throw new LossAtlasError(
      'ERR_MODEL_LOAD',
      `${node.place}: the operator '${target}' is not supported. Export the model without it, or as TorchScript.`,
    );
  }
  return { name: `${space}::${name}`, overload: overload === 'default' ? '' : overload };
}

/** Python's arithmetic on sizes, by libtorch's operators on numbers. */
const scalarOperators: Readonly<Record<string, string>> = {
  '_operator.add': 'aten::add',
  '_operator.sub': 'aten::sub',
  '_operator.mul': 'aten::mul',
  '_operator.floordiv': 'aten::floordiv',
  '_operator.truediv': 'aten::div',
  '_operator.mod': 'aten::remainder',
  '_operator.pow': 'aten::pow',
  '_operator.neg': 'aten::neg',
  '_operator.eq': 'aten::eq',
  '_operator.ne': 'aten::ne',
  '_operator.lt': 'aten::lt',
  '_operator.le': 'aten::le',
  '_operator.gt': 'aten::gt',
  '_operator.ge': 'aten::ge',
  '_operator.and_': 'aten::__and__',
  '_operator.or_': 'aten::__or__',
  'math.trunc': 'aten::Int',
  'torch.sym_int': 'aten::Int',
  'torch.sym_float': 'aten::Float',
  'torch.sym_max': 'prim::max',
  'torch.sym_min': 'prim::min',
  'torch.sym_not': 'aten::__not__',
  'torch._sym_sqrt': 'aten::sqrt',
  'torch.sym_sqrt': 'aten::sqrt',
};

/** Forms of operators that would fix a mode, or that only exist for sizes that are not known yet. */
function rewritten(node: ProgramNode): ProgramNode {
  switch (node.name) {
    case 'aten::sym_size':
      return { ...node, name: 'aten::size' };
    case 'aten::sym_stride':
      return { ...node, name: 'aten::stride' };
    case 'aten::sym_numel':
      return { ...node, name: 'aten::numel' };
    case 'aten::_native_batch_norm_legit_no_training':
      return batchNorm(node, [...node.inputs, ['training', { kind: 'bool', number: 0 }]], 3);
    case 'aten::_native_batch_norm_legit':
      return node.overload === '' ? batchNorm(node, node.inputs, 3) : node;
    case 'aten::_native_batch_norm_legit_functional':
      // Its new statistics are written to the buffers, as the other form does by itself.
      return batchNorm(node, node.inputs, 3);
    default:
      return node;
  }
}

function batchNorm(node: ProgramNode, inputs: RawNode['inputs'], numOutputs: number): ProgramNode {
  return { ...node, name: 'aten::native_batch_norm', inputs, outputs: node.outputs.slice(0, numOutputs) };
}

/** The graph within `wrap_with_set_grad_enabled` and `wrap_with_autocast(enabled=False)`. */
function inlineRegion(node: Json, operator: string, rename: Rename, depth: number): ProgramNode[] {
  const inputs = node.get('inputs').list();
  const place = inputs.findIndex((item) => item.get('arg').union()[0] === 'as_graph');
  const before = inputs.slice(0, Math.max(place, 0)).map((item) => readArgument(item.get('arg'), rename));
  const isFalse = (argument: RawArgument | undefined) => argument?.kind === 'bool' && argument.number === 0;
  const isNoGrad = operator === 'wrap_with_set_grad_enabled' && before.length === 1;
  // (device_type, dtype, enabled, cache_enabled)
  const isNoCast = operator === 'wrap_with_autocast' && before.length === 4 && isFalse(before[2]);
  if (place < 0 || (!isNoGrad && !isNoCast)) {
    throw new LossAtlasError(
      'ERR_MODEL_LOAD',
      `${node.place}: the operator 'torch.ops.higher_order.${operator}' is not supported. ` +
        `Export the model without control flow on values${operator.includes('autocast') ? ' and outside autocast' : ''}.`,
    );
  }
  const inner = inputs[place]!.get('arg').union()[1];
  const graph = inner.get('graph');
  const [formal, results] = [graph.get('inputs').list(), graph.get('outputs').list()];
  const actual = inputs.slice(place + 1).map((item) => readArgument(item.get('arg'), rename));
  if (formal.length !== actual.length) graph.fail('a graph that fits its call');
  // Its inputs are values around it; everything else in it gets a name of its own.
  const own = `${rename(node.get('name').isNull ? inner.get('name').string() : node.get('name').string())}/`;
  const given = new Map<string, string>();
  formal.forEach((item, i) => {
    const argument = actual[i]!;
    const name = readOutput(item, (text) => text).names[0];
    if (argument.kind === 'value' && name !== undefined) given.set(name, argument.text);
  });
  const renameInner: Rename = (name) => given.get(name) ?? own + name;
  const nodes = readNodes(graph, renameInner, depth + 1);
  if (isNoGrad && isFalse(before[0])) requireNoWrites(node, nodes, new Set(given.values()));
  const outputs = outputNames(node, rename);
  const operation = isNoGrad && isFalse(before[0]) ? 'aten::detach' : 'aten::alias';
  const module = innermostClass(node);
  results.slice(0, outputs.length).forEach((item, i) => {
    const from = readArgument(item, renameInner);
    const to: RawOutput = { kind: 'tensor', names: [outputs[i]!] };
    nodes.push({
      name: operation,
      overload: '',
      isScalar: false,
      inputs: [['self', from]],
      outputs: [to],
      outputType: null,
      module,
    });
  });
  return nodes;
}

/** A value from outside that is written to would carry the history that the region is to be without. */
function requireNoWrites(node: Json, nodes: readonly ProgramNode[], outside: ReadonlySet<string>): void {
  const writer = nodes.find(({ name, inputs }) => {
    const target = inputs[0]?.[1];
    return /[^_]_$/.test(name) && target?.kind === 'value' && outside.has(target.text);
  });
  if (writer === undefined) return;
  throw new LossAtlasError(
    'ERR_MODEL_LOAD',
    `${node.place}: '${writer.name}' writes to a value from outside of a region without gradients, which is not supported. ` +
      'Export the model without it, or as TorchScript.',
  );
}

function outputNames(node: Json, rename: Rename): string[] {
  return node
    .get('outputs')
    .list()
    .flatMap((item) => readOutput(item, rename).names);
}

function firstType(outputs: readonly Json[], types: Json): number | null {
  if (outputs.length === 0) return null;
  const [kind, content] = outputs[0]!.union();
  if (kind !== 'as_tensor') return null;
  const meta = types.get(content.get('name').string());
  return meta.isNull ? null : scalarType(meta.get('dtype'));
}

/** Classes by module path, outermost first, as in `L__self__,,Net;L__self__conv,conv,torch.nn.modules.conv.Conv2d`. */
export function moduleStack(node: Json): (readonly [path: string, name: string])[] {
  const stack = node.get('metadata').get('nn_module_stack');
  if (stack.isNull) return [];
  return stack
    .string()
    .split(';')
    .flatMap((entry): (readonly [string, string])[] => {
      const [, path, name] = entry.split(',');
      if (path === undefined || name === undefined || !/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(name))
        return [];
      if (!isModulePath(path) || !isModulePath(name)) return [];
      // Modules that are called twice carry a count.
      return [[path.replace(/@\d+$/, ''), name]];
    });
}

function innermostClass(node: Json): string {
  return moduleStack(node).at(-1)?.[1] ?? '';
}
