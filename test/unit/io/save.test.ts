import { expect } from 'chai';
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LossAtlasError } from '../../../dist/errors.js';
import { savePng, saveSvg } from '../../../dist/io/save.js';
import { writeWholeFile } from '../../../dist/io/write-file.js';

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="20"/>';

describe('saving figures', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'save-'))));
  afterEach(async () => rm(folder, { recursive: true }));

  const failure = async (work: Promise<void>): Promise<LossAtlasError> => {
    const error: unknown = await work.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(LossAtlasError);
    expect(error).to.have.property('code', 'ERR_FILE_NOT_WRITABLE');
    return error as LossAtlasError;
  };

  it('writes SVG and PNG and leaves nothing else', async () => {
    await saveSvg(join(folder, 'a.svg'), svg);
    await savePng(join(folder, 'a.png'), svg, { scale: 3 });
    expect(await readFile(join(folder, 'a.svg'), 'utf8')).to.equal(`${svg}\n`);
    const png = await readFile(join(folder, 'a.png'));
    expect(png.subarray(1, 4).toString()).to.equal('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).to.deep.equal([30, 60]);
    expect(await readdir(folder)).to.have.members(['a.svg', 'a.png']);
  });

  it('replaces a file and keeps its rights and a link to it', async () => {
    const [path, link] = [join(folder, 'a.svg'), join(folder, 'link.svg')];
    await writeFile(path, 'old');
    await chmod(path, 0o640);
    await symlink(path, link);
    await saveSvg(link, svg);
    expect(await readFile(path, 'utf8')).to.equal(`${svg}\n`);
    expect(statSync(path).mode & 0o777).to.equal(0o640);
    expect(await readdir(folder)).to.have.members(['a.svg', 'link.svg']);
  });

  it('names path and reason when it cannot write', async () => {
    const missing = join(folder, 'none', 'a.svg');
    expect((await failure(saveSvg(missing, svg))).message).to.equal(
      `Cannot write '${missing}': the folder does not exist.`,
    );
    await writeFile(join(folder, 'file'), '');
    expect((await failure(saveSvg(join(folder, 'file', 'a.svg'), svg))).message).to.match(/is no folder/);
    await mkdir(join(folder, 'folder'));
    expect((await failure(saveSvg(join(folder, 'folder'), svg))).message).to.match(/it is a folder/);
    expect(await readdir(folder)).to.have.members(['file', 'folder']);
  });

  it('leaves the old file and no temporary one when the write fails', async () => {
    const path = join(folder, 'a.svg');
    await writeFile(path, 'old');
    const notData = { length: 1 } as unknown as Uint8Array;
    await failure(writeWholeFile(path, notData));
    expect(await readFile(path, 'utf8')).to.equal('old');
    expect(await readdir(folder)).to.deep.equal(['a.svg']);
  });

  it('reports a full disk and keeps devices in place', async function () {
    if (!existsSync('/dev/full')) {
      console.log('      skipped: no /dev/full here');
      this.skip();
    }
    const error = await failure(saveSvg('/dev/full', svg));
    expect(error.message).to.equal("Cannot write '/dev/full': no space left on the device.");
    expect(statSync('/dev/full').isCharacterDevice()).to.equal(true);
  });
});
