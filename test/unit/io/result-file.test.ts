import { expect } from 'chai';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LossAtlasError } from '../../../dist/errors.js';
import { toJson, type Result } from '../../../dist/io/json.js';
import { loadResult, saveResult } from '../../../dist/io/result-file.js';
import { writeNpy } from '../../../dist/io/npy.js';
import { csvKinds } from '../../../dist/io/results/csv-tables.js';
import { bowl, lineOf, trajectoryOf } from '../plot/results.js';
import { resultSamples } from './result-samples.js';

const extensions = ['json', 'npz', 'h5', 'hdf5', 'csv', 'vtp'] as const;

function holds(extension: (typeof extensions)[number], { kind }: Result): boolean {
  if (extension === 'csv') return csvKinds.includes(kind);
  return extension !== 'vtp' || kind === 'loss-surface';
}

/** Deep equality, and bit for bit: chai takes −0 for different from 0, and NaN for NaN. */
async function roundTrips(path: string, result: Result): Promise<void> {
  await saveResult(path, result);
  const loaded = await loadResult(path, result.kind);
  expect(loaded).to.deep.equal(result);
  expect(loaded).to.be.frozen;
  expect(toJson(loaded)).to.equal(toJson(result));
}

const codeOf = async (work: Promise<unknown>) =>
  work.catch((error: unknown) => (error as LossAtlasError).code);

describe('saveResult and loadResult', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'results-'))));
  after(async () => rm(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);

  for (const extension of extensions) {
    for (const [i, result] of resultSamples.entries()) {
      if (!holds(extension, result)) continue;
      it(`.${extension} gives sample ${i}, a ${result.kind}, back`, async () => {
        await roundTrips(at(`sample.${extension}`), result);
      });
    }
  }

  it('gives any numbers on any grid back, in every format', async () => {
    const numbers = (length: number) =>
      fc
        .array(fc.double(), { minLength: length, maxLength: length })
        .map((values) => Float64Array.from(values));
    const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
    const name = fc.string({ unit: 'grapheme', maxLength: 8 });
    const surfaces = sizes.chain(([nx, ny]) =>
      fc
        .tuple(numbers(nx), numbers(ny), numbers(nx * ny), numbers(nx * ny), name, name)
        .map(([x, y, loss, other, first, second]) => ({
          ...bowl(2, 2),
          ...{ x, y, loss, accuracy: other, gradientNorm: other },
          metrics: Object.fromEntries([
            [first, other],
            [second, loss],
          ]),
        })),
    );
    const lines = fc
      .integer({ min: 1, max: 9 })
      .chain((count) => fc.tuple(numbers(count), numbers(count)))
      .map(([coordinates, loss]) => ({ ...lineOf(2, Math.abs), coordinates, loss }));
    const paths = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 6 }).chain((labels) =>
      numbers(labels.length).map((x) => ({
        ...trajectoryOf([]),
        ...{ labels, x, y: x, distance: x, loss: x, projectedLoss: x, accuracy: x },
      })),
    );
    const any: fc.Arbitrary<Result> = fc.oneof(surfaces, lines, paths);
    await fc.assert(
      fc.asyncProperty(any, fc.constantFrom(...extensions), async (result, extension) => {
        if (holds(extension, result)) await roundTrips(at(`any.${extension}`), result);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('refuses an unknown extension, with a list', async () => {
    const error = await saveResult(at('x.mat'), bowl(2, 2)).catch((cause: unknown) => cause);
    expect(error).to.have.property('code', 'ERR_INVALID_OPTION');
    expect(error)
      .to.have.property('message')
      .which.matches(/\.json, \.npz, \.h5, \.hdf5, \.csv, \.vtp/);
    expect(await codeOf(loadResult(at('x')))).to.equal('ERR_INVALID_OPTION');
  });

  it('says which formats can hold a kind', async () => {
    const atlas = resultSamples.find(({ kind }) => kind === 'landscape-atlas')!;
    for (const extension of ['csv', 'vtp']) {
      const error = await saveResult(at(`x.${extension}`), atlas).catch((cause: unknown) => cause);
      expect(error)
        .to.have.property('message')
        .which.matches(/landscape-atlas\. These can: \.json, \.npz, \.h5, \.hdf5\./);
    }
    expect(await readdir(folder)).to.not.include('x.csv');
  });

  it('refuses options of other formats, other kinds and what is no result', async () => {
    expect(await codeOf(saveResult(at('x.json'), bowl(2, 2), { scale: 'log' }))).to.equal(
      'ERR_INVALID_OPTION',
    );
    await saveResult(at('tested.h5'), bowl(3), { split: 'test' });
    expect((await loadResult(at('tested.h5'), 'loss-surface', { split: 'test' })).loss).to.have.length(9);
    expect(await codeOf(loadResult(at('tested.h5'), undefined, { split: 'train' }))).to.equal(
      'ERR_INVALID_DATA',
    );
    expect(await codeOf(loadResult(at('x.json'), 'loss-line', { split: 'test' }))).to.equal(
      'ERR_INVALID_OPTION',
    );
    for (const extension of extensions) {
      const path = at(`other.${extension}`);
      await saveResult(path, bowl(2, 2));
      expect(await codeOf(loadResult(path, 'loss-line'))).to.equal('ERR_INVALID_DATA');
      const broken = { ...bowl(2, 2), loss: new Float64Array(3) };
      expect(await codeOf(saveResult(path, broken))).to.equal('ERR_INVALID_DATA');
      expect(await codeOf(saveResult(path, { kind: 'loss-surface' } as Result))).to.equal('ERR_INVALID_DATA');
    }
  });

  it('refuses files of other programs by what they lack', async () => {
    for (const extension of extensions) {
      const path = at(`foreign.${extension}`);
      await writeFile(path, 'a,b\n1,2\n');
      expect(await codeOf(loadResult(path)), extension).to.equal('ERR_INVALID_DATA');
    }
    expect(await codeOf(loadResult(at('none.csv')))).to.equal('ERR_FILE_NOT_FOUND');
  });

  it('goes on writing and reading HDF5 after files that are damaged', async () => {
    const path = at('damaged.h5');
    for (let cut = 100; cut < 4000; cut += 300) {
      await saveResult(path, bowl(3, 3));
      const bytes = await readFile(path);
      await writeFile(
        path,
        Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(200, 255), bytes.subarray(cut + 200)]),
      );
      const outcome = await loadResult(path).catch((error: unknown) => (error as LossAtlasError).code);
      if (typeof outcome === 'string') expect(outcome).to.equal('ERR_INVALID_DATA');
      await roundTrips(at('whole.h5'), bowl(3, 3));
    }
  });

  it('refuses an archive that unpacks to far more than it is', async () => {
    await saveResult(at('bomb.npz'), bowl(3, 3));
    const members = unzipSync(await readFile(at('bomb.npz')));
    const zeros = writeNpy({ dtype: 'f8', shape: [9e6], data: new Float64Array(9e6) });
    await writeFile(at('bomb.npz'), zipSync({ ...members, 'loss.npy': zeros }));
    const error = await loadResult(at('bomb.npz')).catch((cause: unknown) => cause);
    expect(error)
      .to.have.property('message')
      .which.matches(/unpacks to/);
  });

  it('has no place for prototypes and takes no array twice', async () => {
    const surface = {
      ...bowl(2, 2),
      metrics: JSON.parse('{"__proto__": 0}') as Record<string, Float64Array>,
    };
    Object.defineProperty(surface.metrics, '__proto__', { value: new Float64Array(4), enumerable: true });
    for (const extension of extensions) await roundTrips(at(`proto.${extension}`), surface);
    expect(({} as Record<string, unknown>).length).to.equal(undefined);
    await saveResult(at('twice.csv'), bowl(2, 2));
    const text = await readFile(at('twice.csv'), 'utf8');
    await writeFile(at('twice.csv'), text.replace('"gradientNorm":null', '"gradientNorm":{"array":"loss"}'));
    const error = await loadResult(at('twice.csv')).catch((cause: unknown) => cause);
    expect(error)
      .to.have.property('message')
      .which.matches(/'gradientNorm' should be an array of its own/);
  });

  describe('CSV', () => {
    it('is a table below one comment line', async () => {
      await saveResult(
        at('line.csv'),
        lineOf(3, (t) => (t > 0 ? NaN : -t)),
      );
      const lines = (await readFile(at('line.csv'), 'utf8')).split('\n');
      expect(lines[0]).to.match(/^# \{"kind":"loss-line"/);
      expect(lines.slice(1)).to.deep.equal(['coordinates,loss', '-1,1', '0,-0.0', '1,NaN', '']);
    });

    it('notices rows in another order and texts that were changed', async () => {
      const path = at('sorted.csv');
      await saveResult(path, bowl(3, 2));
      const lines = (await readFile(path, 'utf8')).split('\n');
      [lines[2], lines[3]] = [lines[3]!, lines[2]!];
      await writeFile(path, lines.join('\n'));
      const error = await loadResult(path).catch((cause: unknown) => cause);
      expect(error)
        .to.have.property('message')
        .which.matches(/row 1 of the column 'x'.*sorted or edited/);
    });
  });
});
