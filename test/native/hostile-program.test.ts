import { unzipSync, zipSync } from 'fflate';
import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel } from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { fixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

interface Node {
  target: string;
  inputs: { name: string; arg: Record<string, unknown>; kind: number }[];
  outputs: Record<string, unknown>[];
  metadata: Record<string, string>;
  name: string;
}
interface Program {
  graph_module: {
    graph: { nodes: Node[] };
    signature: { input_specs: Record<string, Record<string, unknown>>[] };
  };
}

describe('exported programs that nobody exported so', () => {
  expectNoLiveHandles();
  const folder = mkdtempSync(join(tmpdir(), 'lossatlas-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** A fixture whose JSON files are changed. */
  function changed(
    name: string,
    change: (json: Program, weights: { config: Record<string, unknown> }) => void,
  ): string {
    const files = unzipSync(readFileSync(fixture(`exported/${name}`)));
    const find = (end: string) => Object.keys(files).find((file) => file.endsWith(end))!;
    const read = (file: string): unknown => JSON.parse(Buffer.from(files[file]!).toString('utf8'));
    const [model, weights] = [find('models/model.json'), find('model_weights_config.json')];
    const [program, config] = [read(model) as Program, read(weights) as { config: Record<string, unknown> }];
    change(program, config);
    files[model] = Buffer.from(JSON.stringify(program));
    files[weights] = Buffer.from(JSON.stringify(config));
    const path = join(folder, name);
    writeFileSync(path, zipSync(files, { level: 6 }));
    return path;
  }

  for (const [what, name] of [
    ['a hundred thousand modules deep', `${'a.'.repeat(100_000)}w`],
    ['with an empty part', 'a..w'],
    ['that is very long', 'x'.repeat(5000)],
  ] as const) {
    it(`refuses a tensor's name ${what}`, async () => {
      const path = changed('rnn.pt2', ({ graph_module: { signature } }, { config }) => {
        const spec = signature.input_specs[0]!.parameter!;
        config[name] = config[spec.parameter_name as string];
        spec.parameter_name = name;
      });
      await rejects(() => loadModel(path), 'ERR_MODEL_LOAD', /name that no module gives/);
    });
  }

  it('ignores module paths that are too deep', async () => {
    const path = changed('rnn.pt2', ({ graph_module: { graph } }) => {
      graph.nodes[0]!.metadata.nn_module_stack = `k,${'a.'.repeat(100_000)}w,torch.nn.Module`;
    });
    using model = await loadModel(path);
    expect(model.size).to.be.above(0);
  });

  it('refuses a name that is a module and a tensor', async () => {
    const path = changed('rnn.pt2', ({ graph_module: { signature } }, { config }) => {
      const [first, second] = signature.input_specs.map((spec) => spec.parameter!);
      config.clash = config[first!.parameter_name as string];
      config['clash.inner'] = config[second!.parameter_name as string];
      first!.parameter_name = 'clash';
      second!.parameter_name = 'clash.inner';
    });
    await rejects(() => loadModel(path), 'ERR_MODEL_LOAD');
  });

  const region = (
    operator: string,
    before: Node['inputs'],
    inner: Record<string, unknown>,
    input: string,
  ): Node => ({
    target: `torch.ops.higher_order.${operator}`,
    inputs: [
      ...before,
      { name: 'graph', arg: { as_graph: { name: 'body', graph: inner } }, kind: 1 },
      { name: 'x', arg: { as_tensor: { name: input } }, kind: 1 },
    ],
    outputs: [{ as_tensor: { name: 'from_region' } }],
    metadata: {},
    name: 'region',
  });
  const body = (operator: string) => ({
    inputs: [{ as_tensor: { name: 'inside' } }],
    outputs: [{ as_tensor: { name: 'result' } }],
    nodes: [
      {
        target: `torch.ops.aten.${operator}.default`,
        inputs: [{ name: 'self', arg: { as_tensor: { name: 'inside' } }, kind: 1 }],
        outputs: [{ as_tensor: { name: 'result' } }],
        metadata: {},
        name: 'result',
      },
    ],
    tensor_values: {},
    sym_int_values: {},
    sym_bool_values: {},
  });
  const named = (name: string, arg: Record<string, unknown>) => ({ name, arg, kind: 1 });
  const autocast = (enabled: boolean, cache: boolean) => [
    named('device_type', { as_string: 'cpu' }),
    named('dtype', { as_none: true }),
    named('enabled', { as_bool: enabled }),
    named('cache_enabled', { as_bool: cache }),
  ];
  /** With a region that takes the first value of the graph and that nobody uses. */
  const withRegion = (operator: string, before: Node['inputs'], inner: Record<string, unknown>) =>
    changed('convbn_eval.pt2', ({ graph_module: { graph } }) => {
      const [first] = graph.nodes;
      const value = (first!.outputs[0]!.as_tensor as { name: string }).name;
      graph.nodes.splice(1, 0, region(operator, before, inner, value));
    });

  it('runs a region without autocast, and refuses one with it', async () => {
    using model = await loadModel(withRegion('wrap_with_autocast', autocast(false, true), body('relu')));
    expect(model.size).to.be.above(0);
    for (const cache of [true, false]) {
      const path = withRegion('wrap_with_autocast', autocast(true, cache), body('relu'));
      await rejects(() => loadModel(path), 'ERR_MODEL_LOAD', /wrap_with_autocast.*not supported/);
    }
  });

  it('refuses to write to outside values from a region without gradients', async () => {
    const disabled = [named('enter_grad', { as_bool: false })];
    using model = await loadModel(withRegion('wrap_with_set_grad_enabled', disabled, body('relu')));
    expect(model.size).to.be.above(0);
    const path = withRegion('wrap_with_set_grad_enabled', disabled, body('relu_'));
    await rejects(() => loadModel(path), 'ERR_MODEL_LOAD', /aten::relu_' writes to a value from outside/);
  });

  it('keeps both modes from a program that has parts of both, unless told to free them', async () => {
    const path = changed('convbn_eval.pt2', ({ graph_module: { graph } }) => {
      const dropout = graph.nodes.find(({ target }) => target.includes('dropout'))!;
      dropout.inputs.find(({ name }) => name === 'train')!.arg = { as_bool: true };
    });
    using model = await loadModel(path);
    expect(model.fixedMode).to.equal('mixed');
    using free = await loadModel(path, { tracedMode: 'free' });
    expect(free.fixedMode).to.equal(null);
  });
});
