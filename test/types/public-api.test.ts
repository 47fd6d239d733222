import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { projectPath } from '../support/fixtures.js';

describe('public types', () => {
  it('have no any', () => {
    const files = readdirSync(projectPath('dist'), { recursive: true, encoding: 'utf8' }).filter((f) =>
      f.endsWith('.d.ts'),
    );
    expect(files.length).to.be.above(40);
    for (const file of files) {
      const code = readFileSync(projectPath(`dist/${file}`), 'utf8').replace(
        /\/\*[\s\S]*?\*\/|\/\/.*$/gm,
        '',
      );
      expect(/[:<|&(,]\s*any\b|\bany\[\]/.exec(code)?.[0], file).to.equal(undefined);
    }
  });
});
