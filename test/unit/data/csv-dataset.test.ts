import { expect } from 'chai';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { loadCsv, type LoadCsvOptions } from '../../../dist/data/csv-dataset.js';
import { readCsv } from '../../../dist/io/csv.js';
import { rejects } from '../../support/errors.js';
import { fuzz, scratchFolder } from './files.js';
import { dataFile, goldenTexts } from './golden.js';

describe('loadCsv', () => {
  const file = scratchFolder();
  const text = async (content: string, options: Partial<LoadCsvOptions> = {}, name = 'a.csv') =>
    loadCsv(await file(name, Buffer.from(content)), { target: null, ...options });

  it("reads what Python's csv wrote as it reads it: quotes, delimiters and line breaks within, a BOM", async () => {
    const { header, names, labels, features } = goldenTexts.csv;
    const data = await loadCsv(dataFile('quoted.csv'), { target: 'the "species"' });
    expect(header[2]).to.equal('the "species"');
    expect(data.classNames).to.deep.equal(names);
    expect([...data.targets!.data]).to.deep.equal(labels);
    expect(data.inputs[0]!.shape).to.deep.equal([features.length, 3]);
    expect(data.inputs[0]!.data).to.deep.equal(Float64Array.from(features.flat()));
    expect(data.preprocessing).to.match(/^5 classes in order: Zürich, iris, wild, /);
    const mapped = await loadCsv(dataFile('quoted.csv'), {
      target: 2,
      mapLabels: { 0: 1, 1: 0, 2: 0, 3: 0, 4: 0 },
    });
    expect(mapped.classNames).to.equal(null);
  });

  it('target by name, number and from the end; columns; numbers as targets; a header or none', async () => {
    const content = 'x,y,z\n1,2,3\n4,5,6\n';
    const data = await text(content, { target: 'y' });
    expect(data.targets).to.deep.equal({ data: Int32Array.of(2, 5), shape: [2] });
    expect([...data.inputs[0]!.data]).to.deep.equal([1, 3, 4, 6]);
    expect((await text(content, { target: -1 })).targets!.data).to.deep.equal(Int32Array.of(3, 6));
    const chosen = await text(content, { target: 0, columns: ['z', 1] });
    expect([...chosen.inputs[0]!.data]).to.deep.equal([3, 2, 6, 5]);
    expect((await text(content)).targets).to.equal(null);
    expect((await text('1,2\n3,0.5\n', { target: 1 })).targets!.data).to.deep.equal(Float64Array.of(2, 0.5));
    expect((await text('5,iris\n6,rose', { target: 1 })).classNames).to.deep.equal(['iris', 'rose']);
    expect((await text('1,2\n3,4\n', { header: true, target: '2' })).numSamples).to.equal(1);
    const shaped = await text('1,2,3,4\r\n\r\n5,6,7,8\r', { shape: [1, 2, 2] });
    expect(shaped.inputs[0]!.shape).to.deep.equal([2, 1, 2, 2]);
    expect(shaped.preprocessing).to.equal('samples of shape [1, 2, 2]');
    expect((await text('1;2\n', { delimiter: ';' })).inputs[0]!.shape).to.deep.equal([1, 2]);
    expect((await text('1\t2\n', {}, 'a.tsv')).inputs[0]!.shape).to.deep.equal([1, 2]);
  });

  it('names file, line and column of what is wrong', async () => {
    const bad = async (content: string, message: RegExp, options: Partial<LoadCsvOptions> = {}) =>
      rejects(async () => text(content, options), 'ERR_INVALID_DATA', message);
    await bad('x,y\n1,2\n3,four\n', /a\.csv', line 3, column 'y': 'four' is no number/);
    await bad('1,2\n3,\n', /line 2, column 1 \(from 0\): '' is no number/);
    await bad('1,nan\n1,2', /line 1, column 1/, { header: false });
    await bad('1,2\n3\n', /line 2: the number of fields is 1, that of the first line is 2/);
    await bad('"a\nb",y\n1,2\n3,x\n', /line 4, column 'y'/);
    await bad('1,"2\n', /line 1: a quoted field has no closing quote/);
    await bad('1,"2"3\n', /line 1: field 2 goes on after its closing quote/);
    await bad('x,label\n1,\n', /line 2, column 'label': the target is empty/, { target: 'label' });
    await bad('x,label\n1,2\n', /no column 'lable'\. Did you mean 'label'/, { target: 'lable' });
    await bad('1,2\n', /the first line is no header/, { target: 'y' });
    await bad('1,2\n', /target is 2, but there are 2 columns/, { target: 2 });
    await bad('1\n', /no column of features/, { target: 0 });
    await bad('a,b\n1,2\n', /line 2: the label 2 is not among/, { target: 1, mapLabels: { 1: 0 } });
    const wide = await file('wide.csv', Buffer.from('\ufeff1,2', 'utf16le'));
    await rejects(() => loadCsv(wide, { target: null }), 'ERR_INVALID_DATA', /UTF-16/);
    for (const empty of ['', '\n\n', 'x,y\n']) {
      await rejects(() => text(empty), 'ERR_EMPTY_DATA', /a\.csv/);
    }
    await rejects(() => loadCsv('a.csv', {} as LoadCsvOptions), 'ERR_INVALID_OPTION', /'target'/);
    await rejects(
      () => text('1', { delimter: ';' } as object),
      'ERR_INVALID_OPTION',
      /Did you mean 'delimiter'/,
    );
    await rejects(() => text('1', { delimiter: '"' }), 'ERR_INVALID_OPTION', /'delimiter'/);
  });

  it('any fields survive quoting', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ü', '🌺') });
    fc.assert(
      fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 5 }), { maxLength: 6 }), (rows) => {
        const content = rows
          .map((row) => row.map((f) => `"${f.replaceAll('"', '""')}"`).join(','))
          .join('\r\n');
        const read = [...readCsv(Buffer.from(content), ',', 'x')].map(({ fields }) => fields);
        expect(read).to.deep.equal(rows);
      }),
    );
  });

  it('line ends of every kind, the same behind a line of quotes, which is read another way', () => {
    const pieces = fc.constantFrom('1', 'a', ',', '\n', '\r\n', '\r', '""', '"x\ny"', ' ', '\u2028');
    const slow = (text: string) => [...readCsv(Buffer.from(`"",\r${text}`), ',', 'x')].slice(1);
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const read = (from: () => unknown): unknown => {
          try {
            return from();
          } catch (error) {
            return (error as Error).message.replace(/\d+/, '');
          }
        };
        const fast = read(() => [...readCsv(Buffer.from(text), ',', 'x')].map(({ fields }) => fields));
        expect(fast).to.deep.equal(read(() => slow(text).map(({ fields }) => fields)));
      }),
    );
  });

  it('takes time in proportion to the file, whatever ends its lines', () => {
    const numRecords = [...readCsv(Buffer.from('1,2\r'.repeat(300_000)), ',', 'x')].length;
    expect(numRecords).to.equal(300_000);
  });

  it('any numbers survive', async () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(finite, finite), { minLength: 1, maxLength: 9 }), async (rows) => {
        const data = await text(rows.map((row) => row.join()).join('\n'), { header: false });
        expect([...data.inputs[0]!.data].map((v) => Number(v) + 0)).to.deep.equal(
          rows.flat().map((v) => v + 0),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('throws only LossAtlasError on damaged files', async () => {
    const bytes = readFileSync(dataFile('quoted.csv'));
    const refused = await fuzz(bytes, 200, async (damaged) =>
      loadCsv(await file('fuzz.csv', damaged), { target: 2, header: true }),
    );
    expect(refused).to.be.above(80);
  });
});
