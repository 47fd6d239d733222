import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import {
  hessian,
  loadLoss,
  loadModel,
  loadMoments,
  loadSafetensors,
  loadSolution,
  numLiveHandles,
  objective,
  readNpz,
  type Dataset,
  type LossChoice,
  type Mode,
  type Model,
} from '../../dist/index.js';
import { expectNoLiveHandles } from '../support/handles.js';
import { projectPath } from '../support/fixtures.js';
import { relativeError } from '../support/numbers.js';

interface Manifest {
  readonly model: { file: string; modes: 'both' | 'eval'; dynamicBatch: boolean; notes: readonly string[] };
  readonly data: {
    inputs: readonly { name: string }[];
    targets: { name: string } | null;
    batchSize: number;
  };
  readonly output: string | number | null;
  readonly loss: LossChoice;
  readonly check: { loss: number };
}

interface Details {
  /** PyTorch's trainable parameters in their order. */
  readonly parameters: readonly (readonly [name: string, shape: readonly number[]])[];
}

const cases = {
  torch: ['convnet', 'transformer', 'autoencoder', 'stochastic_depth'],
  torchvision: ['shufflenet_v2_x0_5'],
  timm: ['vit_tiny_patch16_224', 'resnet10t'],
  transformers: ['bert', 'bert_own_loss', 'gpt2', 'llama', 't5'],
  lightning: ['classifier'],
} as const;
type Package = keyof typeof cases;

const python = process.env.LOSSATLAS_PYTHON ?? projectPath('bench/.cache/venv/bin/python');
const recipe = projectPath('python/lossatlas_export.py');
const docs = readFileSync(projectPath('docs/from-python.md'), 'utf8');

function runPython(args: readonly string[], cwd?: string) {
  const env = {
    ...process.env,
    PYTHONPATH: projectPath('python'),
    HF_HUB_OFFLINE: '1',
    OMP_NUM_THREADS: '1',
  };
  return spawnSync(python, args, { cwd, env, encoding: 'utf8', timeout: 240_000, maxBuffer: 2 ** 26 });
}

const probe = `
import importlib.util, json
names = ['torch', 'numpy', 'torchvision', 'timm', 'transformers', 'lightning', 'pytorch_lightning']
print(json.dumps([name for name in names if importlib.util.find_spec(name)]))`;

/** What the interpreter has; null with the reason said aloud. */
function findPackages(): ReadonlySet<string> | null {
  const skipped = (why: string) => {
    process.stdout.write(
      `      (skipped: ${why}; LOSSATLAS_PYTHON names an interpreter with torch and numpy)\n`,
    );
    return null;
  };
  const { status, stdout } = runPython(['-c', probe]);
  if (status !== 0) return skipped('there is no Python that runs');
  const found = new Set(JSON.parse(stdout) as string[]);
  if (found.has('pytorch_lightning')) found.add('lightning');
  return found.has('torch') && found.has('numpy') ? found : skipped('the Python lacks torch or numpy');
}

async function dataOf(folder: string, { data }: Manifest): Promise<Dataset> {
  return loadSafetensors(join(folder, 'data.safetensors'), {
    inputs: Object.fromEntries(data.inputs.map(({ name }) => [name, name])),
    ...(data.targets && { targets: data.targets.name }),
  });
}

const every = (values: Float64Array, stride: number) => values.filter((_, i) => i % stride === 0);

/** Loss, gradient and a Hessian product against PyTorch's in float64. */
async function expectTruth(
  folder: string,
  about: Manifest,
  dtype: 'float64' | 'float32',
  mode: Mode,
): Promise<void> {
  const arrays = readNpz(readFileSync(join(folder, 'truth.npz')));
  const truth = (key: string) => Float64Array.from(arrays[`${mode}.${key}`]!.data as Float64Array);
  using model = await loadModel(join(folder, about.model.file), { dtype });
  const isOwn = about.loss === ('loss.pt' as string);
  using own = isOwn ? await loadLoss(join(folder, 'loss.pt'), model) : null;
  using loss = objective(model, await dataOf(folder, about), {
    loss: own ?? about.loss,
    mode,
    batchSize: about.data.batchSize,
    ...(about.output !== null && { output: about.output }),
  });
  const { loss: value } = await loss.evaluate();
  const [tight, wide] = dtype === 'float64' ? [1e-9, 1e-9] : [1e-5, 1e-4];
  const expected = truth('loss')[0]!;
  expect(Math.abs(value / expected - 1), `loss (${dtype}, ${mode})`).to.be.below(tight);
  if (mode === 'eval')
    expect(Math.abs(value / about.check.loss - 1), 'loss of export.json').to.be.below(1e-5);
  const stride = Math.max(1, Math.floor(model.size / 100_000));
  const { gradient: computed } = await loss.gradient();
  using gradient = computed;
  const error = relativeError(every(await gradient.toArray(), stride), truth('gradient'));
  expect(error, `gradient (${dtype}, ${mode})`).to.be.below(wide);
  using curvature = hessian(loss);
  using v = await model.vector(Float64Array.from({ length: model.size }, (_, i) => Math.sin(i)));
  const [product] = await curvature.apply([v]);
  using out = product!;
  const difference = relativeError(every(await out.toArray(), stride), truth('product'));
  expect(difference, `product (${dtype}, ${mode})`).to.be.below(wide);
}

/** Names, weights and moments are PyTorch's; weights bit for bit. */
async function expectState(folder: string, about: Manifest, details: Details): Promise<void> {
  using model = await loadModel(join(folder, about.model.file));
  expect(model.parameters.map(({ name, shape }) => [name, shape])).to.deep.equal(details.parameters);
  if (model.inputs !== null)
    expect(model.inputs.map(({ name }) => name)).to.deep.equal(about.data.inputs.map(({ name }) => name));
  if (about.model.modes === 'both') expect(model.fixedMode).to.equal(null);
  else expect(model.fixedMode).to.equal('eval');
  using moments = await loadMoments(model, join(folder, 'optimizer.pt'));
  expect(await moments.expAvgSq.dot(moments.expAvgSq)).to.be.above(0);
  await expectSolution(model, join(folder, 'state_dict.safetensors'));
}

async function expectSolution(model: Model, path: string): Promise<void> {
  using solution = await loadSolution(model, path);
  using own = await model.theta();
  expect([...(await solution.theta.toArray())]).to.deep.equal([...(await own.toArray())]);
  for (const { name } of model.buffers)
    expect([...(await solution.buffers.toArray(name))], name).to.deep.equal([...(await model.buffer(name))]);
}

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('from Python (docs/from-python.md)', function () {
  this.timeout(300_000);
  expectNoLiveHandles();
  let packages: ReadonlySet<string>;
  let scratch: string;
  let made: ReadonlyMap<string, { error?: string }>;

  before(function () {
    const found = findPackages();
    if (found === null) return this.skip();
    packages = found;
    scratch = mkdtempSync(join(tmpdir(), 'lossatlas-python-'));
    const names = Object.entries(cases).flatMap(([group, models]) =>
      models.map((name) => `${group}.${name}`),
    );
    const { stdout, stderr } = runPython([projectPath('test/fixtures/from_python.py'), scratch, ...names]);
    const lines = stdout.split('\n').filter((line) => line.startsWith('{"name"'));
    made = new Map(
      lines
        .map((line) => JSON.parse(line) as { name: string; error?: string })
        .map((item) => [item.name, item]),
    );
    expect(made.size, stderr).to.equal(names.length);
  });
  after(() => {
    if (scratch) rmSync(scratch, { recursive: true });
  });

  function requirePackage(context: Mocha.Context, name: string): void {
    if (packages.has(name)) return;
    process.stdout.write(`      (skipped: the Python has no ${name})\n`);
    context.skip();
  }

  it('the file tests itself', () => {
    const { status, stdout, stderr } = runPython([recipe, '--self-test']);
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/^ok: torch\.export in train mode, any batch size, loss 1\.\d+\n$/);
  });

  for (const group of Object.keys(cases) as Package[]) {
    for (const name of cases[group]) {
      it(`${group}: ${name} is what PyTorch computes`, async function () {
        requirePackage(this, group);
        expect(made.get(`${group}.${name}`)?.error).to.equal(undefined);
        const folder = join(scratch, `${group}.${name}`);
        const about = read(join(folder, 'export.json')) as Manifest;
        expect(about.model.dynamicBatch).to.equal(true);
        await expectState(folder, about, read(join(folder, 'details.json')) as Details);
        const hasTrain = 'train.loss' in readNpz(readFileSync(join(folder, 'truth.npz')));
        for (const mode of ['eval', 'train'] as const) {
          if (mode === 'train' && !(hasTrain && about.model.modes === 'both')) continue;
          await expectTruth(folder, about, 'float64', mode);
          // Statistics of three samples are badly conditioned.
          if (mode === 'eval') await expectTruth(folder, about, 'float32', mode);
        }
      });
    }
  }

  it('torch: what only train mode has keeps a program to eval mode, and it says so', () => {
    const { model } = read(join(scratch, 'torch.stochastic_depth/export.json')) as Manifest;
    expect(model.modes).to.equal('eval');
    expect(model.notes.join()).to.match(/train mode.*its output differs/);
  });

  it('lightning: a .ckpt is a solution and has its moments', async function () {
    requirePackage(this, 'lightning');
    const folder = join(scratch, 'lightning.classifier');
    for (const path of ['model.pt2', 'whole/model.pt2']) {
      using model = await loadModel(join(folder, path));
      await expectSolution(model, join(folder, 'last.ckpt'));
      using moments = await loadMoments(model, join(folder, 'last.ckpt'));
      using same = await loadMoments(model, join(folder, 'optimizer.pt'));
      for (const key of ['expAvg', 'expAvgSq'] as const)
        expect([...(await moments[key].toArray())]).to.deep.equal([...(await same[key].toArray())]);
    }
  });

  it('the snippets of the documentation run as they stand', function () {
    const blocks = Array.from(docs.matchAll(/```(python|ts)\n([\s\S]*?)```/g), ([, kind, text]) => ({
      kind,
      text: text!,
    }));
    const needs = (text: string) =>
      ['torchvision', 'timm', 'transformers'].filter(
        (name) => text.includes(`${name} import`) || text.includes(`import ${name}`),
      );
    const usable = blocks
      .filter(({ kind }) => kind === 'python')
      .filter(({ text }) => {
        const missing = [...needs(text), ...(text.includes('trainer') ? ['lightning'] : [])].filter(
          (name) => !packages.has(name),
        );
        if (missing.length > 0)
          process.stdout.write(`      (skipped: a snippet, for the Python has no ${missing.join(', ')})\n`);
        return missing.length === 0;
      });
    const folder = join(scratch, 'docs');
    mkdirSync(folder);
    writeFileSync(join(folder, 'snippets.py'), [prelude, ...usable.map(({ text }) => text)].join('\n'));
    const python = runPython(['snippets.py'], folder);
    expect(python.status, python.stderr).to.equal(0);
    expect(existsSync(join(folder, 'run/optimizer.pt'))).to.equal(true);
    const scripts = blocks.filter(({ kind }) => kind === 'ts');
    expect(scripts.length).to.equal(2);
    scripts.forEach(({ text }, i) => {
      const [needed] = /run-\w+/.exec(text)!;
      if (!existsSync(join(folder, needed))) return;
      const { outputText } = ts.transpileModule(
        text.replaceAll("'lossatlas'", JSON.stringify(projectPath('dist/index.js'))),
        { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } },
      );
      writeFileSync(join(folder, `example${i}.mjs`), outputText);
      const run = spawnSync(process.execPath, [`example${i}.mjs`], { cwd: folder, encoding: 'utf8' });
      expect(run.status, run.stderr).to.equal(0);
    });
    expect(numLiveHandles()).to.equal(0);
  });
});

/** What a reader of the documentation has at hand. */
const prelude = `
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters())
loader = DataLoader(TensorDataset(torch.randn(8, 3, 32, 32), torch.arange(8)), batch_size=4)
for x, y in loader:
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
ids = torch.randint(0, 100, (8, 6))
rows = [{"input_ids": i, "attention_mask": torch.ones_like(i), "labels": torch.tensor(n % 3)} for n, i in enumerate(ids)]
token_batches = list(DataLoader(rows, batch_size=4))
try:
    import lightning as L

    class Module(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 8), nn.ReLU(), nn.Linear(8, 10))

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, _):
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters())

    module = Module()
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
except ImportError:
    pass
`;
