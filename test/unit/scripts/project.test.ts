import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadScript, useScratchFolder, writeFile } from './helpers.js';

interface ProjectModule {
  isClone: (folder: string, env: NodeJS.ProcessEnv) => boolean;
}

describe('scripts/project', () => {
  const scratch = useScratchFolder();
  let isClone: ProjectModule['isClone'];
  before(async () => {
    isClone = ((await loadScript('project.mjs')) as ProjectModule).isClone;
  });

  function sources(folder: string): string {
    for (const name of ['lib', 'native']) mkdirSync(join(folder, name), { recursive: true });
    writeFile(join(folder, 'tsconfig.json'), '{}');
    return folder;
  }

  it('knows a clone by its sources', () => {
    expect(isClone(sources(join(scratch(), 'clone')), {})).to.equal(true);
    expect(isClone(join(scratch(), 'package'), {})).to.equal(false);
  });

  it('takes nothing inside node_modules for a clone', () => {
    expect(isClone(sources(join(scratch(), 'node_modules', 'lossatlas')), {})).to.equal(false);
  });

  it("does not take npm's own temporary clone of a git dependency for a clone", () => {
    const folder = sources(join(scratch(), 'git-clone'));
    expect(isClone(folder, { _PACOTE_NO_PREPARE_: '' })).to.equal(false);
  });
});
