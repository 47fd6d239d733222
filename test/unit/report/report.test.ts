import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LossAtlasError } from '../../../dist/errors.js';
import { fromJson, type Result } from '../../../dist/io/json.js';
import { drawResult } from '../../../dist/report/draw-result.js';
import { reportHtml } from '../../../dist/report/report.js';
import { saveReport } from '../../../dist/report/save-report.js';
import { rejects } from '../../support/errors.js';
import { resultSamples } from '../io/result-samples.js';
import { atlasOf, bowl, exploded, lineOf, provenance, trajectoryOf } from '../plot/results.js';
import { count, duplicateIds, part } from '../plot/svg-reading.js';

const refuses = (results: unknown, options: unknown, message: RegExp) =>
  expect(() => reportHtml(results as Result[], options as object))
    .to.throw(LossAtlasError, message)
    .with.property('code', 'ERR_INVALID_OPTION');

/** What stands in the page's data for the result at `index`. */
const dataOf = (html: string, index: number) =>
  new RegExp(`<script type="application/json" id="data-${index}">([^<]*)</script>`).exec(html)![1]!;

/** Numbers of the page that readers see. */
const words = (html: string) =>
  html
    .replace(/<(script|style|svg)[ >].*?<\/\1>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

describe('reportHtml', () => {
  for (const result of resultSamples) {
    it(`holds a section and all data of a ${result.kind}`, () => {
      const html = reportHtml([result]);
      expect(count(html, '<section id="result-')).to.equal(1);
      expect(fromJson(dataOf(html, 0))).to.deep.equal(result);
      expect(words(html)).not.to.match(/undefined|\[object/);
      // Everything of the provenance, as far as there is one.
      if ('source' in result && result.source !== null) {
        expect(words(html)).to.include(result.source.file).and.to.include('unknown');
        return;
      }
      if (result.kind === 'weight-histogram') {
        expect(words(html)).to.include(result.modelHash);
        return;
      }
      for (const fact of ['12fc', 'b956', 'cross-entropy', '272474', '2.13.0', '2026-01-01T00:00:00Z'])
        expect(words(html), fact).to.include(fact);
    });
  }

  it('marks in a spectrum the eigenvalues of the same loss alone', () => {
    const spectrum = resultSamples.find((result) => result.kind === 'spectral-density')!;
    const pairs = resultSamples.find((result) => result.kind === 'eigenpairs')!;
    const numMarks = (change: object) => {
      const options = { ...spectrum.provenance.options, ...change };
      const other = { ...pairs, provenance: { ...spectrum.provenance, options } };
      return count(reportHtml([spectrum, other]), 'class="markers"');
    };
    expect(numMarks({})).to.be.above(0);
    expect(numMarks({ metrics: ['error'] })).to.be.above(0);
    expect(numMarks({ labelSmoothing: 0.5 })).to.equal(0);
  });

  it('shows of an analysis its parts, its own eigenvalues marked, and its provenance once', () => {
    const analysis = resultSamples.find((result) => result.kind === 'hessian-analysis')!;
    const html = reportHtml([analysis]);
    expect(count(html, 'class="markers"')).to.be.above(0);
    expect(count(html, 'How this was made')).to.equal(1);
    for (const heading of ['Criteria', 'Eigenvalues', 'Trace'])
      expect(html).to.include(`<h3>${heading}</h3>`);
    expect(words(html))
      .to.include('Spectrum, eigenvalues and trace')
      .and.to.match(/together 52/);
    const names = ['density', 'log-density', 'criteria', 'table'];
    expect(drawResult(analysis).map(({ name }) => name)).to.deep.equal(names);
    const ofParts = [analysis.density, analysis.eigenpairs].flatMap((part) => drawResult(part));
    // The density alone has no marks.
    expect(drawResult(analysis, { figures: ['log-density', 'criteria', 'table'] })).to.deep.equal(
      ofParts.slice(1),
    );
  });

  it('has headings in order, a way past them, and ids that are used once', () => {
    const html = reportHtml([...resultSamples], { title: 'All' });
    const levels = [...html.matchAll(/<h([1-6])[ >]/g)].map((match) => Number(match[1]));
    expect(levels[0]).to.equal(1);
    expect(levels.filter((level) => level === 1)).to.have.length(1);
    levels.slice(1).forEach((level, i) => expect(level).to.be.at.most(levels[i]! + 1));
    expect(html).to.include('href="#main"').and.to.include('<main id="main"').and.to.include('lang="en"');
    expect(duplicateIds(html.replace(/<script>.*<\/script>/s, ''))).to.deep.equal([]);
    for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) expect(html).to.include(`id="${id}"`);
  });

  it('allows its own script by hash and no request', () => {
    const html = reportHtml([bowl(5)]);
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)![1]!;
    const script = /<script>(.*)<\/script>/s.exec(html)![1]!;
    const hash = createHash('sha256').update(script).digest('base64');
    expect(policy).to.include("default-src 'none'").and.to.include(`'sha256-${hash}'`);
    expect(html).not.to.match(/<(?:link|iframe|object|embed|base)[ >]| (?:src|action)=/);
  });

  it('keeps hostile names as text', () => {
    const name = `</script><img src=x onerror="alert('1')"><!-- & "`;
    const surface = {
      ...bowl(5),
      metrics: { [name]: new Float64Array(25) },
      solutions: [{ label: name, coordinates: Float64Array.of(0, 0) }],
      provenance: { ...provenance, model: name, data: name },
      recipe: { name: 'lla', notes: [name] },
    } as const;
    const html = reportHtml([{ result: surface, title: name }, surface], { title: name });
    expect(html).not.to.include('<img').and.not.to.include('<!-- ');
    // The two results, and the viewer.
    expect(count(html, '</script>')).to.equal(3);
    expect(fromJson(dataOf(html, 1))).to.deep.equal(surface);
  });

  it('is below 2 MB for 51 × 51 points with accuracy and gradient norms', () => {
    // Digits as real losses have them.
    const surface = {
      ...bowl(51),
      loss: bowl(51).loss.map((value, i) => value * (1 + Math.sin(i) / 7)),
      accuracy: bowl(51).loss.map((_, i) => Math.cos(i) ** 2),
      gradientNorm: bowl(51).loss.map((_, i) => Math.exp(Math.sin(i) * 20)),
    };
    expect(Buffer.byteLength(reportHtml([surface]))).to.be.below(2e6);
  });

  it('is made within two seconds', () => {
    const started = performance.now();
    reportHtml([bowl(51), atlasOf([bowl(51), bowl(51)]), lineOf(101, Math.abs)]);
    expect(performance.now() - started).to.be.below(2000);
  });

  it('gives the same text for the same results', () => {
    const results = [bowl(5), lineOf(5, Math.abs)];
    expect(reportHtml(results)).to.equal(reportHtml(results));
  });

  it('says in words what the self-checks found', () => {
    const good = words(reportHtml([bowl(5)]));
    expect(good).to.include('up to rounding').and.to.include('as good as orthogonal');
    expect(good).to.include('Every value is finite');
    const surface = {
      ...bowl(5),
      explosion: exploded,
      checks: {
        centerDifference: 0.5,
        cosine: 0.9,
        numNonFinite: 3,
        shareNonFinite: 0.12,
        curvature: [{ secondDifference: 4, quadraticForm: 1, step: 0.01 }],
      },
    };
    const bad = words(reportHtml([surface]));
    expect(bad).to.include('the centre is not the model').and.to.include('nearly the same way');
    expect(bad).to.include('3 points (12 %) are not finite').and.to.include('Value explosion.');
    expect(bad).to.match(/Curvature along α: 4 by differences of the loss, 1 by .* keep them apart/);
    expect(count(bad, '! Warning:')).to.equal(4);
  });

  it('explains criteria that the steps do not determine', () => {
    const spectrum = resultSamples.filter(({ kind }) => kind === 'spectral-density');
    const text = words(reportHtml(spectrum));
    expect(text).to.match(/mass near zero 0\.1 [^a-z]* no /);
    expect(text).to.include('do not determine it');
  });

  it('draws a trajectory on the surface before it, and on no other', () => {
    const path = trajectoryOf([
      [0.8, 0.5],
      [0.2, 0.1],
      [0, 0],
    ]);
    const has = (html: string) => part(html, 'path-points') !== '';
    expect(has(reportHtml([bowl(5), path]))).to.equal(true);
    expect(has(reportHtml([path, bowl(5)]))).to.equal(false);
  });

  it('shows every surface of an atlas', () => {
    expect(count(reportHtml([atlasOf([bowl(3), bowl(3)]), bowl(3)]), '<figure class="viewer"')).to.equal(3);
  });

  it('shows losses that grow on a log scale where all are positive', () => {
    const scale = (surface: Result) => / value="(\w+)" selected/.exec(reportHtml([surface]))![1];
    expect(scale(bowl(5))).to.equal('linear');
    expect(scale({ ...bowl(5), explosion: exploded })).to.equal('log');
    const negative = { ...bowl(5), loss: bowl(5).loss.map((value) => value - 1), explosion: exploded };
    expect(scale(negative)).to.equal('linear');
  });

  it('tells results of the same kind apart', () => {
    const titles = (html: string) =>
      [...html.matchAll(/<h2 id="result-\d+-title">([^<]*)/g)].map((match) => match[1]);
    expect(titles(reportHtml([bowl(3), bowl(3), { result: bowl(3), title: 'Mine' }]))).to.deep.equal([
      'Loss surface along Gaussian directions',
      'Loss surface along Gaussian directions (2)',
      'Mine',
    ]);
    const other = { ...bowl(3), provenance: { ...provenance, model: 'other.pt' } };
    expect(titles(reportHtml([bowl(3), other]))[1]).to.match(/: other\.pt · cifar10\.bin$/);
  });

  it('names what is wrong with its arguments', () => {
    refuses([], {}, /results must be a list of at least one result/);
    refuses(bowl(3), {}, /results must be a list/);
    refuses([bowl(3)], { titel: 'x' }, /Did you mean 'title'/);
    refuses([{ result: bowl(3), title: 3 }], {}, /results\[0\]\.title must be a non-empty string/);
    expect(() => reportHtml([{ kind: 'other' } as unknown as Result])).to.throw(LossAtlasError, /'kind'/);
  });
});

describe('saveReport', () => {
  it('writes the report whole or not at all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lossatlas-test-'));
    try {
      const path = join(folder, 'report.html');
      await saveReport(path, [bowl(3)], { title: 'Bowl' });
      expect(await readFile(path, 'utf8')).to.equal(reportHtml([bowl(3)], { title: 'Bowl' }));
      await rejects(() => saveReport(join(folder, 'absent', 'x.html'), [bowl(3)]), 'ERR_FILE_NOT_WRITABLE');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
