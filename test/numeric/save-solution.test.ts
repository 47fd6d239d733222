import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadSolution,
  ownSolution,
  previewSolution,
  readCheckpoint,
  saveSolution,
  Solution,
  type CheckpointTensor,
} from '../../dist/index.js';
import { stateDictOrder } from '../../dist/model/state-dict-order.js';
import { rejects } from '../support/errors.js';
import { fixture, loadFixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

const plain = (tensors: ReadonlyMap<string, CheckpointTensor>) =>
  Array.from(tensors, ([name, { dtype, shape, data }]) => [name, dtype, [...shape], data]);

describe('solutions for PyTorch', () => {
  expectNoLiveHandles();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
  });
  after(() => rm(folder, { recursive: true }));

  const tensorsIn = async (path: string) => {
    const checkpoint = await readCheckpoint(path);
    await checkpoint.load();
    return checkpoint.stateDict();
  };

  it("a model's own solution is saved as PyTorch saved its state dict: names, order, dtypes, values", async () => {
    using model = await loadFixture('convbn');
    using own = await ownSolution(model);
    for (const name of ['a.pt', 'a.safetensors']) {
      const path = join(folder, name);
      await saveSolution(path, own);
      const [found, expected] = [await tensorsIn(path), await tensorsIn(fixture('convbn_state_dict.pt'))];
      const sorted = (tensors: typeof found) => new Map([...tensors].sort());
      const arrange = name.endsWith('.pt') ? (tensors: typeof found) => tensors : sorted;
      // Its running statistics are of a later moment than the model's.
      const described = (tensors: typeof found) =>
        plain(arrange(tensors)).map(([key, ...rest]) => [
          key,
          ...(/running|tracked/.test(key as string) ? rest.slice(0, 2) : rest),
        ]);
      expect(described(found)).to.deep.equal(described(expected));
      expect(found.get('bn1.running_var')!.data).to.deep.equal(await model.buffer('bn1.running_var'));
      expect(found.get('bn1.num_batches_tracked')!.data).to.deep.equal(BigInt64Array.of(0n));
      using again = await loadSolution(model, path);
      expect(await again.hash()).to.equal(await own.hash());
    }
  });

  it('a perturbed solution comes back in the dtype asked for, under prefixes too', async () => {
    using model = await loadFixture('convbn');
    using theta = await model.randomVector('gaussian', 5);
    using buffers = await model.bufferState();
    using moved = new Solution('moved', theta, buffers);
    const path = join(folder, 'b.pt');
    await saveSolution(path, moved, { dtype: 'float32', prefix: 'module.' });
    const tensors = await tensorsIn(path);
    expect([...tensors.keys()][0]).to.equal('module.conv1.weight');
    expect(tensors.get('module.conv1.weight')!.dtype).to.equal('float32');
    expect(tensors.get('module.bn1.num_batches_tracked')!.dtype).to.equal('int64');
    using again = await loadSolution(model, path);
    const expected = Float64Array.from(Float32Array.from(await theta.toArray()));
    expect(await again.theta.toArray()).to.deep.equal(expected);
  });

  it('a base gives its names, order and dtypes; tied parameters are saved under each of their names', async () => {
    using model = await loadFixture('tied');
    const base = fixture('checkpoints/tied_state_dict.pt');
    using loaded = await loadSolution(model, base);
    using theta = await model.randomVector('gaussian', 6);
    using moved = new Solution('moved', theta, loaded.buffers);
    const path = join(folder, 'c.pt');
    await saveSolution(path, moved, { base });
    const values = await theta.toArray();
    expect(plain(await tensorsIn(path))).to.deep.equal([
      ['encoder.weight', 'float64', [4, 4], values],
      ['decoder.weight', 'float64', [4, 4], values],
    ]);
    // The model knows them too.
    await saveSolution(path, moved);
    expect([...(await tensorsIn(path)).keys()]).to.deep.equal(['encoder.weight', 'decoder.weight']);
    using other = await loadFixture('convbn');
    using own = await ownSolution(other);
    await rejects(async () => saveSolution(path, own, { base }), 'ERR_CHECKPOINT_MISMATCH', /Missing: conv1/);
    await rejects(
      async () => saveSolution(path, own, { key: 'a' }),
      'ERR_INVALID_OPTION',
      /together with 'base'/,
    );
    await rejects(async () => saveSolution(join(folder, 'no', 'x'), own), 'ERR_FILE_NOT_WRITABLE');
  });

  it('a dry run says what would go where, and reads no data', async () => {
    using model = await loadFixture('convbn');
    const good = await previewSolution(model, fixture('convbn_state_dict.pt'));
    expect([good.fits, good.mapping.length, good.missing.length]).to.deep.equal([true, 13, 0]);
    expect(good.table.split('\n').slice(0, 2)).to.deep.equal([
      'model             shape         checkpoint               dtype',
      'conv1.weight      [3, 2, 3, 3]  conv1.weight             float64',
    ]);
    const bad = await previewSolution(model, fixture('checkpoints/adam.pt'));
    expect(bad.fits).to.equal(false);
    expect(bad.table).to.match(/conv1\.weight +\[3, 2, 3, 3\] +OTHER SHAPE \[2, 1, 3, 3\]\n/);
    expect(bad.table).to.match(/conv2\.weight +\[4, 3, 2, 2\] +MISSING\n/);
    expect(bad.table).to.match(/\n1 of 13 found, 5 missing, 7 of another shape, 1 not wanted$/);
    using tied = await loadFixture('tied');
    expect((await previewSolution(tied, fixture('checkpoints/tied_state_dict.pt'))).fits).to.equal(true);
  });

  it('names come in the order of state_dict()', () => {
    const parameters = ['scale', 'a.w', 'a.b', 'c.0.w', 'c.2.w'];
    const buffers = ['shift', 'n.mean', 'a.mean', 'c.1.mean', 'd.mean'];
    expect(stateDictOrder(parameters, buffers)).to.deep.equal([
      ...['scale', 'shift', 'n.mean', 'a.w', 'a.b', 'a.mean', 'c.0.w', 'c.1.mean', 'c.2.w', 'd.mean'],
    ]);
  });
});
