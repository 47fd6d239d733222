import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { fromJson, type Result } from '../../../dist/io/json.js';
import { fileURLToPath } from 'node:url';
import { resultSamples } from './result-samples.js';

// Not of support/fixtures, which opens the addon.
const fixtures = fileURLToPath(new URL('../../../test/fixtures', import.meta.url));
const folders = readdirSync(fixtures).filter((name) => /^results-v\d+$/.test(name));

/** The samples that test/fixtures/results.mjs wrote, by the names of their files. */
function samplesByName(): Map<string, Result> {
  const samples = new Map<string, Result>();
  for (const result of resultSamples) {
    let name: string = result.kind;
    for (let number = 2; samples.has(name); number++) name = `${result.kind}-${number}`;
    samples.set(name, result);
  }
  return samples;
}

describe('files of older versions', () => {
  const samples = samplesByName();
  for (const folder of folders) {
    for (const file of readdirSync(`${fixtures}/${folder}`)) {
      it(`${folder}/${file} loads as what it was`, () => {
        const text = readFileSync(`${fixtures}/${folder}/${file}`, 'utf8');
        const expected = samples.get(file.replace('.json', ''));
        expect(expected).to.not.equal(undefined);
        expect(fromJson(text, file)).to.deep.equal(expected);
      });
    }
  }
});
