import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LossAtlasError } from '../../../dist/errors.js';
import { fromJson, loadJson, saveJson, toJson, type Result } from '../../../dist/io/json.js';
import type { LossLine } from '../../../dist/results.js';
import { bowl } from '../plot/results.js';
import { everyResult } from './every-result.js';

const line = everyResult[0] as LossLine;

function refuses(text: string, message: RegExp): void {
  expect(() => fromJson(text, "'x.json'"))
    .to.throw(LossAtlasError, message)
    .with.property('code', 'ERR_INVALID_DATA');
}

/** The line's JSON with one change. */
function changed(change: (data: Record<string, unknown>) => void): string {
  const data = JSON.parse(toJson(line)) as Record<string, unknown>;
  change(data);
  return JSON.stringify(data);
}

describe('json', () => {
  for (const result of everyResult) {
    it(`round-trips a ${result.kind}`, () => {
      const read = fromJson(toJson(result));
      expect(read).to.deep.equal(result);
      expect(toJson(read)).to.equal(toJson(result));
    });
  }

  it('keeps every float64 bit for bit', () => {
    const doubles = fc
      .array(fc.double(), { minLength: 2, maxLength: 20 })
      .map((values) => Float64Array.from(values));
    fc.assert(
      fc.property(doubles, (loss) => {
        const read = fromJson(
          toJson({ ...line, coordinates: loss, loss, accuracy: null }),
          'text',
          'loss-line',
        );
        // Same bits, so −0 is not 0; fast-check makes only one NaN.
        expect(new BigUint64Array(read.loss.buffer)).to.deep.equal(new BigUint64Array(loss.buffer));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('gives frozen results', () => {
    const read = fromJson(toJson(line), 'text', 'loss-line');
    expect(read).to.be.frozen;
    expect(read.axis).to.be.frozen;
    expect(read.axis.ignored).to.be.frozen;
    expect(read.provenance.versions).to.be.frozen;
  });

  it('writes one key per line and arrays on one line', () => {
    const text = toJson(bowl(2, 2));
    expect(text).to.match(/\n {2}"x": \[-1,1\],\n/);
    expect(text.endsWith('}\n')).to.equal(true);
  });

  it('names the key that is wrong', () => {
    refuses('{', /'x\.json' is not JSON/);
    refuses('[]', /'kind' should be loss-line or loss-surface/);
    refuses('null', /the top level should be a result object/);
    refuses('{"kind": "toString"}', /'kind' should be/);
    refuses(
      changed((data) => (data.formatVersion = 2)),
      /'formatVersion' should be 1/,
    );
    refuses(
      changed((data) => delete data.loss),
      /'x\.json': 'loss' should be present/,
    );
    refuses(
      changed((data) => (data.loss = [1, 2])),
      /'loss' has 2 entries, not 5/,
    );
    refuses(
      changed((data) => (data.loss = '1,2')),
      /'loss' should be a list of numbers/,
    );
    refuses(
      changed((data) => (data.loss = [1, 2, 3, 4, 'nan'])),
      /'loss\[4\]' should be a number/,
    );
    refuses(
      changed((data) => (data.loss = [1, 2, 3, 4, null])),
      /'loss\[4\]' should be a number/,
    );
    refuses(
      changed((data) => (data.extra = 1)),
      /'extra' should be absent/,
    );
    refuses(
      changed((data) => ((data.provenance as { mode: string }).mode = 'test')),
      /'provenance\.mode' should be "eval" or "train"/,
    );
    refuses(
      changed((data) => ((data.axis as { ignored: unknown }).ignored = ['bias', 1])),
      /'axis\.ignored\[1\]'/,
    );
    refuses(
      toJson(line).replace('"modelLoss": "Infinity"', '"modelLoss": 1e999'),
      /'modelLoss' should be a number/,
    );
  });

  it('checks the kind that was asked for', () => {
    expect(() => fromJson(toJson(line), 'x', 'loss-surface')).to.throw(/'kind' should be "loss-surface"/);
  });

  it('refuses to write what is no result', () => {
    expect(() => toJson({ kind: 'other' } as unknown as Result)).to.throw(LossAtlasError, /'kind' should be/);
    const untyped = { ...line, loss: [1, 2, 3, 4, 5] } as unknown as Result;
    expect(() => toJson(untyped)).to.throw(LossAtlasError, /the result: 'loss' should be a Float64Array/);
  });

  describe('files', () => {
    let folder: string;
    before(async () => (folder = await mkdtemp(join(tmpdir(), 'json-'))));
    after(async () => rm(folder, { recursive: true }));

    it('saves and loads', async () => {
      const path = join(folder, 'line.json');
      await saveJson(path, line);
      expect(await loadJson(path, 'loss-line')).to.deep.equal(line);
      expect(await readFile(path, 'utf8')).to.equal(toJson(line));
    });

    it('names a missing, an unreadable and a wrong file', async () => {
      const codeOf = async (path: string) => loadJson(path).catch((error: unknown) => error);
      const missing = join(folder, 'none.json');
      expect(await codeOf(missing)).to.include({
        code: 'ERR_FILE_NOT_FOUND',
        message: `There is no file '${missing}' (working folder: ${process.cwd()}).`,
      });
      expect(await codeOf(folder)).to.include({ code: 'ERR_FILE_UNREADABLE' });
      const wrong = join(folder, 'wrong.json');
      await writeFile(wrong, '{"kind": "trace"}');
      expect(await codeOf(wrong)).to.include({
        code: 'ERR_INVALID_DATA',
        message: `'${wrong}': 'formatVersion' should be 1.`,
      });
    });
  });
});
