import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJson } from '../../../dist/io/json.js';
import { resultSamples } from './result-samples.js';

const root = new URL('../../../', import.meta.url);
const schema = JSON.parse(
  readFileSync(new URL('docs/schema/lossatlas-result.schema.json', root), 'utf8'),
) as object;
type Data = Record<string, unknown>;

describe('JSON schema of results', () => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

  it('is what the tables of fields make of it', () => {
    const script = fileURLToPath(new URL('scripts/schema.mjs', root));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
  });

  for (const [i, result] of resultSamples.entries()) {
    it(`holds for sample ${i}, a ${result.kind}, and for nothing like it`, () => {
      const text = toJson(result);
      const isValid = validate(JSON.parse(text));
      expect(isValid, JSON.stringify(validate.errors?.slice(0, 3))).to.equal(true);
      const refuses = (change: (data: Data) => void) => {
        const data = JSON.parse(text) as Data;
        change(data);
        return !validate(data);
      };
      for (const key of Object.keys(JSON.parse(text) as Data)) {
        expect(
          refuses((data) => Reflect.deleteProperty(data, key)),
          `without ${key}`,
        ).to.equal(true);
        expect(
          refuses((data) => (data[key] = { other: 1 })),
          `other ${key}`,
        ).to.equal(true);
      }
      expect(refuses((data) => (data.more = 1))).to.equal(true);
      expect(refuses((data) => (data.formatVersion = 99))).to.equal(true);
      expect(refuses((data) => (data.kind = 'other'))).to.equal(true);
    });
  }
});
