import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { projectPath } from '../support/fixtures.js';

const readme = readFileSync(projectPath('README.md'), 'utf8');

describe('README', () => {
  it('its example has at most a dozen lines and runs as it stands', function () {
    this.timeout(120_000);
    const code = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
    const body = code.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
    expect(body.length).to.be.at.most(12);
    const folder = mkdtempSync(join(tmpdir(), 'lossatlas-readme-'));
    try {
      for (const name of ['digits.script.pt', 'digits.npz']) {
        copyFileSync(projectPath(`examples/digits/${name}`), join(folder, name));
      }
      const library = JSON.stringify(projectPath('dist/index.js'));
      const { outputText } = ts.transpileModule(code.replaceAll("'lossatlas'", library), {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      });
      writeFileSync(join(folder, 'example.mjs'), outputText);
      const run = spawnSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
      expect(run.status, run.stderr).to.equal(0);
      expect(existsSync(join(folder, 'surface.png'))).to.equal(true);
      expect(run.stdout).to.match(/Float64Array\(2\)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('its pictures and links exist', () => {
    for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      expect(existsSync(projectPath(target!)), target).to.equal(true);
    }
  });

  it('names the ranges that package.json states', () => {
    const manifest = JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as {
      engines: { node: string };
      lossatlas: { libtorch: { minimum: string; below: string; fetch: string } };
    };
    const { minimum, below, fetch } = manifest.lossatlas.libtorch;
    expect(readme).to.include(`versions from ${minimum} up to, but not including, ${below} `);
    expect(readme).to.include(`version ${fetch},`);
    expect(readme).to.include(`Node ${manifest.engines.node.replace('>=', '≥ ')}`);
  });
});
