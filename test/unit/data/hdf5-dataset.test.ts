import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadHdf5, type LoadHdf5Options } from '../../../dist/data/hdf5-dataset.js';
import { rejects } from '../../support/errors.js';
import { fuzz, scratchFolder } from './files.js';

// Written by h5py in test/fixtures/data.py: most arrays are 0 to 11 as [6, 2].
const path = fileURLToPath(new URL('../../../test/fixtures/data.h5', import.meta.url));
const upTo12 = Array.from({ length: 12 }, (_, i) => i);

describe('loadHdf5', () => {
  const file = scratchFolder();

  it('inputs and targets by their paths', async () => {
    const data = await loadHdf5(path, { inputs: 'train/x', targets: '/train/y' });
    expect(data.name).to.equal('data.h5');
    expect(data.inputs).to.deep.equal([{ data: Float32Array.from(upTo12), shape: [6, 2] }]);
    expect(data.targets).to.deep.equal({ data: BigInt64Array.of(0n, 1n, 0n, 1n, 2n, 2n), shape: [6] });
    expect((await loadHdf5(path, { inputs: 'soft' })).targets).to.equal(null);
    const two = await loadHdf5(path, { inputs: ['train/x', 'chunked'], limit: 1 });
    expect(two.inputs.map(({ data }) => [...data])).to.deep.equal([
      [0, 1],
      [0, 1],
    ]);
  });

  it('every type of number, in either byte order', async () => {
    const read = async (inputs: string) => (await loadHdf5(path, { inputs })).inputs[0]!.data;
    expect(await read('big_endian/int32')).to.deep.equal(Int32Array.from(upTo12));
    expect(await read('big_endian/float64')).to.deep.equal(Float64Array.from(upTo12));
    expect(await read('chunked')).to.deep.equal(Uint8Array.from(upTo12));
    expect(await read('uint32')).to.deep.equal(BigInt64Array.from(upTo12, BigInt));
    expect(await read('bool')).to.deep.equal(Int8Array.from(upTo12, (v) => 1 - (v % 2)));
  });

  it('reads rows in the order asked for, also twice and across chunks', async () => {
    for (const inputs of ['train/x', 'chunked']) {
      const { inputs: read, preprocessing } = await loadHdf5(path, { inputs, indices: [5, 0, 3, 4, 0] });
      expect(Array.from(read[0]!.data, Number)).to.deep.equal([10, 11, 0, 1, 6, 7, 8, 9, 0, 1]);
      expect(preprocessing).to.match(/^5 given indices of 6 samples \(SHA-256 [0-9a-f]{16}\)$/);
    }
  });

  it('reads only what is asked for: two rows of 4 TB', async () => {
    const data = await loadHdf5(path, { inputs: 'huge', indices: [999_999_999, 4] });
    expect(data.inputs[0]!.shape).to.deep.equal([2, 1000]);
    const drawn = await loadHdf5(path, { inputs: 'huge', sample: { count: 3, seed: 1 } });
    expect(drawn.numSamples).to.equal(3);
    await rejects(
      () => loadHdf5(path, { inputs: 'huge' }),
      'ERR_INVALID_DATA',
      /'huge': 4000000000000 bytes are asked for/,
    );
  });

  it('gives samples a shape, and balances them', async () => {
    const data = await loadHdf5(path, {
      inputs: 'train/x',
      targets: 'train/y',
      shape: [1, 1, 2],
      perClass: 1,
    });
    expect(data.inputs[0]).to.deep.equal({ data: Float32Array.of(0, 1, 2, 3, 8, 9), shape: [3, 1, 1, 2] });
    expect(data.preprocessing).to.equal('samples of shape [1, 1, 2]; the first 1 of each label');
    const wrong = { inputs: 'train/x', shape: [1, 3] };
    await rejects(() => loadHdf5(path, wrong), 'ERR_INVALID_DATA', /'train\/x': samples of \[2\].*\[1, 3\]/);
    const several = { inputs: ['bool', 'chunked'], shape: [1, 2] };
    await rejects(() => loadHdf5(path, several), 'ERR_INVALID_OPTION', /'shape' is for one input/);
  });

  const refused: readonly [string, RegExp][] = [
    ['train/X2', /data\.h5' has no data set 'train\/X2'\. Did you mean 'train\/x'\?/],
    ['nothing_like_it', /Known: .*train\/x, train\/y/],
    ['train', /no data set 'train'/],
    ['dangling', /no data set 'dangling'/],
    ['elsewhere', /link to another file \('other\.h5'\)/],
    ['virtual', /virtual: its values lie in other files/],
    ['lzf', /data\.h5', 'lzf': cannot be read \(required filter 'lzf' is not registered\)/],
    ['half', /no integers .* and no floats of 4 or 8 \(2 bytes each\)/],
    ['text', /no integers/],
    ['compound', /no integers/],
    ['scalar', /no dimension of samples/],
    ['empty', /'empty': the data set is empty/],
  ];
  for (const [inputs, message] of refused) {
    it(`refuses '${inputs}' and says why`, async () => {
      await rejects(() => loadHdf5(path, { inputs }), 'ERR_INVALID_DATA', message);
    });
  }

  it('lists each data set once, however the links of the file run', async () => {
    const error = await rejects(() => loadHdf5(path, { inputs: 'nothing_like_it' }), 'ERR_INVALID_DATA');
    expect(error.message.match(/chunked/g)).to.have.length(1);
  });

  it('names a label that mapLabels lacks, and its sample', async () => {
    await rejects(
      () =>
        loadHdf5(path, { inputs: 'chunked', targets: 'train/y', indices: [0, 4], mapLabels: { 0: 1, 1: 0 } }),
      'ERR_INVALID_DATA',
      /data\.h5', 'train\/y', sample 4: the label 2 is not among those of mapLabels: 0, 1/,
    );
  });

  it('says what a file is not', async () => {
    const some: LoadHdf5Options = { inputs: 'x' };
    const text = await file('notes.h5', Buffer.from('no data'));
    await rejects(() => loadHdf5(text, some), 'ERR_INVALID_DATA', /notes\.h5': no HDF5 file/);
    await rejects(
      async () => loadHdf5(await file('e.h5', new Uint8Array(0)), some),
      'ERR_INVALID_DATA',
      /e\.h5/,
    );
    await rejects(() => loadHdf5('nowhere.h5', some), 'ERR_FILE_NOT_FOUND', /nowhere\.h5/);
    const folder = fileURLToPath(new URL('.', import.meta.url));
    await rejects(() => loadHdf5(folder, some), 'ERR_FILE_UNREADABLE', /it is a folder/);
    await rejects(() => loadHdf5(path, {} as LoadHdf5Options), 'ERR_INVALID_OPTION', /'inputs'/);
    await rejects(
      () => loadHdf5(path, { ...some, target: 'y' } as LoadHdf5Options),
      'ERR_INVALID_OPTION',
      /'targets'/,
    );
  });

  it('throws only LossAtlasError on damaged files', async () => {
    const bytes = readFileSync(path);
    const read = async (damaged: Uint8Array) =>
      loadHdf5(await file('fuzz.h5', damaged), { inputs: 'chunked', targets: 'train/y' });
    expect(await fuzz(bytes, 60, read)).to.be.above(20);
    // Later files are read as if nothing had been.
    expect((await loadHdf5(path, { inputs: 'chunked' })).numSamples).to.equal(6);
  });
});
