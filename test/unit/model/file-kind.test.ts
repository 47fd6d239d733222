import { expect } from 'chai';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LossAtlasError } from '../../../dist/errors.js';
import { fileKind } from '../../../dist/model/file-kind.js';

const fixtures = new URL('../../../test/fixtures/', import.meta.url);

describe('fileKind', () => {
  it('tells PyTorch’s files apart', async () => {
    const kinds = {
      'mlp.pt': 'torchscript',
      'convbn_traced_eval.pt': 'torchscript',
      'convbn_frozen.pt': 'torchscript',
      'convbn_state_dict.pt': 'state-dict',
      'convbn_state_dict_legacy.pt': 'legacy-checkpoint',
      'golden.npz': 'unknown',
      'make.py': 'unknown',
    };
    for (const [name, kind] of Object.entries(kinds)) {
      expect(await fileKind(new URL(name, fixtures).pathname), name).to.equal(kind);
    }
  });

  it('never throws anything but typed errors on 500 damaged archives', async () => {
    const whole = await readFile(new URL('convbn_state_dict.pt', fixtures));
    const folder = await mkdtemp(join(tmpdir(), 'lossatlas-'));
    const path = join(folder, 'damaged.pt');
    let state = 7;
    const random = (n: number) => (state = (state * 48271) % 2147483647) % n;
    try {
      for (let i = 0; i < 500; i++) {
        const bytes = Buffer.from(whole.subarray(0, i % 3 === 0 ? random(whole.length) : whole.length));
        // Half of the damage goes to the directory at the end.
        for (let k = 0; k < 8 && bytes.length > 0; k++) {
          const reach = k % 2 === 0 ? bytes.length : Math.min(bytes.length, 900);
          bytes[bytes.length - 1 - random(reach)] = random(256);
        }
        await writeFile(path, bytes);
        try {
          await fileKind(path);
        } catch (error) {
          expect(error).to.be.instanceOf(LossAtlasError);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
