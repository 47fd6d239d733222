import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { loadModel, writeNpz } from '../../dist/index.js';
import { projectPath } from '../support/fixtures.js';

const readme = readFileSync(projectPath('README.md'), 'utf8');

/** The example's parameters, all a little larger. */
async function writeOtherSolution(path: string): Promise<void> {
  using model = await loadModel(projectPath('examples/digits/digits.script.pt'));
  using theta = await model.theta();
  const values = (await theta.toArray()).map((value) => 1.1 * value);
  const parameters = model.parameters.map(
    ({ name, shape, offset, numel }) =>
      [name, { shape, data: values.slice(offset, offset + numel) }] as const,
  );
  const buffers = await Promise.all(
    model.buffers.map(async ({ name, shape }) => [name, { shape, data: await model.buffer(name) }] as const),
  );
  const arrays = [...parameters, ...buffers].map(
    ([name, { shape, data }]) => [name, { dtype: 'f8', shape, data: Float64Array.from(data) }] as const,
  );
  writeFileSync(path, writeNpz(Object.fromEntries(arrays)));
}

describe('README', () => {
  it('its first example has at most a dozen lines; it and what follows run as they stand', async function () {
    this.timeout(120_000);
    const blocks = Array.from(readme.matchAll(/```ts\n([\s\S]*?)```/g), ([, text]) => text!.split('\n'));
    const isImport = (line: string) => line.startsWith('import');
    const bodies = blocks.map((lines) => lines.filter((line) => line !== '' && !isImport(line)));
    expect(bodies[0]!.length).to.be.at.most(12);
    const imports = blocks.flatMap((lines) => lines.filter(isImport));
    // The second continues the first, with names of its own and a grid that suits a test.
    const second = bodies[1]!.map((line) => line.replace('points: 201', 'points: 11'));
    const code = [...imports, ...bodies[0]!, '{', ...second, '}{', ...bodies[2]!, '}'].join('\n');
    const folder = mkdtempSync(join(tmpdir(), 'lossatlas-readme-'));
    try {
      for (const name of ['digits.script.pt', 'digits.npz']) {
        copyFileSync(projectPath(`examples/digits/${name}`), join(folder, name));
      }
      copyFileSync(projectPath('examples/digits/digits.script.pt'), join(folder, 'a.pt'));
      await writeOtherSolution(join(folder, 'b.pt'));
      const library = JSON.stringify(projectPath('dist/index.js'));
      const { outputText } = ts.transpileModule(code.replaceAll("'lossatlas'", library), {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      });
      writeFileSync(join(folder, 'example.mjs'), outputText);
      const run = spawnSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8' });
      expect(run.status, run.stderr).to.equal(0);
      for (const name of ['surface.png', 'sweep.bin', 'plane.npz'])
        expect(existsSync(join(folder, name)), name).to.equal(true);
      expect(run.stdout).to.match(/the largest loss is/);
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
