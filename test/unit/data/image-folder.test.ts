import { expect } from 'chai';
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadImageFolder } from '../../../dist/data/image-folder.js';
import { rejects } from '../../support/errors.js';
import { projectPath, sharedFile } from '../../support/fixtures.js';
import { fuzz } from './files.js';
import { dataFile, goldenArrays, goldenTexts } from './golden.js';

const run = promisify(execFile);

describe('loadImageFolder', () => {
  let scratch = '';
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'lossatlas-'));
  });
  after(() => rmSync(scratch, { recursive: true }));

  const images = dataFile('images');
  const golden = goldenArrays.images!;

  it("classes and files in torchvision's order, pixels as Pillow's convert('RGB'), to the last bit", async () => {
    const { classes, labels, files } = goldenTexts.images;
    const data = await loadImageFolder(images);
    expect(data.classNames).to.deep.equal(classes);
    expect([...data.targets!.data]).to.deep.equal(labels);
    expect([data.name, data.isLazy, data.numSamples]).to.deep.equal(['images', true, files.length]);
    expect(data.inputInfo).to.deep.equal([
      { shape: golden.shape, dtype: 'uint8', bytes: golden.data.length },
    ]);
    for (const [i, name] of files.entries()) {
      const [input] = (await data.read(i, i + 1)).inputs;
      const width = golden.data.length / files.length;
      expect(input!.data, name).to.deep.equal(
        (golden.data as Uint8Array).subarray(i * width, (i + 1) * width),
      );
    }
    const loaded = await loadImageFolder(images, { lazy: false });
    expect([loaded.isLazy, loaded.inputs[0]!.data]).to.deep.equal([false, golden.data]);
    expect(loaded.classNames).to.deep.equal(classes);
  });

  it('every option, image by image, as of an array', async () => {
    const { dataset } = await import('../../../dist/data/from-arrays.js');
    const options = {
      grayscale: true,
      resize: [5, 7],
      pad: 1,
      scale: 1 / 255,
      mean: [0.5],
      shuffle: 3,
      limit: 9,
    } as const;
    const targets = goldenTexts.images.labels;
    const whole = dataset({ inputs: { data: golden.data, shape: golden.shape }, targets }, options);
    const data = await loadImageFolder(images, options);
    expect(data.preprocessing).to.equal(`4 classes in order: Z, _z, a b, b; ${whole.preprocessing}`);
    expect(data.inputInfo).to.deep.equal(whole.inputInfo);
    const loaded = await data.load();
    expect([loaded.inputs, loaded.targets]).to.deep.equal([whole.inputs, whole.targets]);
    expect((await data.read(4, 6)).inputs).to.deep.equal(whole.slice(4, 6).inputs);
    const pngs = await loadImageFolder(images, { extensions: ['.png'] }).catch((error: unknown) =>
      String(error),
    );
    expect(pngs).to.match(/'[^']*Z' has no file for its class \(\.png\)/);
  });

  it("the hash covers the files' names and sizes, the order and what is done", async () => {
    const copy = join(scratch, 'copy');
    cpSync(images, copy, { recursive: true });
    const { hash } = await loadImageFolder(images);
    expect((await loadImageFolder(copy)).hash).to.equal(hash);
    const others = [await loadImageFolder(copy, { shuffle: 1 }), await loadImageFolder(copy, { pad: 1 })];
    writeFileSync(
      join(copy, 'b/rgb.png'),
      Buffer.concat([readFileSync(join(images, 'b/rgb.png')), Buffer.alloc(1)]),
    );
    others.push(await loadImageFolder(copy));
    for (const other of others) expect(other.hash).to.not.equal(hash);
  });

  it('names the file that is wrong, and what to do', async () => {
    const odd = dataFile('odd');
    const only = (name: string, bytes: Uint8Array): string => {
      const folder = join(scratch, `only-${name}`);
      mkdirSync(join(folder, 'a'), { recursive: true });
      writeFileSync(join(folder, 'a', name), bytes);
      return folder;
    };
    const bad = async (folder: string, message: RegExp) =>
      rejects(() => loadImageFolder(folder, { lazy: false }), 'ERR_INVALID_DATA', message);
    await bad(odd, /cmyk\.jpg': its colours are CMYK/);
    await bad(
      only('16.png', readFileSync(join(odd, 'deep/16 bits.png'))),
      /16\.png': its values are of type ushort/,
    );
    await bad(only('no.jpg', Buffer.from('no image')), /no\.jpg': no image that is known, or a damaged one/);
    const jpeg = readFileSync(join(images, 'Z/420.jpg'));
    await bad(only('cut.jpg', jpeg.subarray(0, jpeg.length - 60)), /cut\.jpg': no image .* damaged/);
    await bad(
      only('a.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
      /format 'svg'/,
    );
    const claim = Buffer.from(readFileSync(join(images, 'b/rgb.png')));
    claim.writeUInt32BE(60_000, 16);
    claim.writeUInt32BE(60_000, 20);
    await bad(
      only('bomb.png', claim),
      /bomb\.png': 60000×60000 pixels are more than a file of \d+ bytes may unpack to/,
    );
    const mixed = only('1.png', readFileSync(join(images, 'b/rgb.png')));
    const small = await import('sharp').then(({ default: sharp }) =>
      sharp({ create: { width: 3, height: 2, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
    );
    writeFileSync(join(mixed, 'a/2.png'), small);
    await bad(mixed, /2\.png' is an image of 2×3 pixels, '.*1\.png' of 13×11\. Give resize/);
    expect((await loadImageFolder(mixed, { resize: [4, 4], lazy: false })).numSamples).to.equal(2);
    mkdirSync(join(scratch, 'flat'));
    await bad(join(scratch, 'flat'), /has no folders, one for each class/);
    mkdirSync(join(scratch, 'flat/empty'));
    await bad(join(scratch, 'flat'), /empty' has no file for its class/);
    symlinkSync('..', join(scratch, 'flat/empty/loop'));
    await bad(join(scratch, 'flat'), /loop' is a link to a folder that holds it/);
    await rejects(() => loadImageFolder(join(scratch, 'nowhere')), 'ERR_FILE_NOT_FOUND', /nowhere/);
    await rejects(
      () => loadImageFolder(images, { resise: [1, 1] } as object),
      'ERR_INVALID_OPTION',
      /'resize'/,
    );
  });

  it('an error comes with its batch, by the first file of several; an abort between files', async () => {
    const folder = join(scratch, 'late');
    mkdirSync(join(folder, 'a'), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const bytes = readFileSync(join(images, 'b/rgb.png'));
      writeFileSync(
        join(folder, `a/${String(i).padStart(2, '0')}.png`),
        i > 7 ? bytes.subarray(0, 100) : bytes,
      );
    }
    const data = await loadImageFolder(folder);
    expect((await data.read(0, 8)).numSamples).to.equal(8);
    await rejects(() => data.read(4, 12), 'ERR_INVALID_DATA', /08\.png'/);
    await rejects(() => data.read(0, 2, AbortSignal.abort()), 'ERR_ABORTED');
    rmSync(join(folder, 'a/03.png'));
    await rejects(() => data.read(0, 8), 'ERR_FILE_NOT_FOUND', /03\.png/);
  });

  it('throws only LossAtlasError on damaged images', async function () {
    this.timeout(20_000);
    for (const name of ['b/rgb.png', 'Z/420.jpg', '_z/exact.webp', '_z/plain.tiff']) {
      const folder = join(scratch, 'fuzz');
      mkdirSync(join(folder, 'a'), { recursive: true });
      const refused = await fuzz(readFileSync(join(images, name)), 60, async (bytes) => {
        writeFileSync(join(folder, 'a/x.png'), bytes);
        await loadImageFolder(folder, { lazy: false });
      });
      expect(refused, name).to.be.above(20);
    }
  });

  it('without sharp: says what to install, and the rest of the library works', async () => {
    const code = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(\`export async function resolve(name, context, next) {
        if (name === 'sharp') throw Object.assign(new Error('Cannot find package sharp'), { code: 'ERR_MODULE_NOT_FOUND' });
        return next(name, context);
      }\`));
      const { loadImageFolder } = await import(process.argv[1]);
      await loadImageFolder(process.argv[2]).catch((error) => console.log(error.code + ' ' + error.message));`;
    const module = projectPath('dist/data/image-folder.js');
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code, module, images]);
    expect(stdout).to.match(/^ERR_MISSING_PACKAGE .*npm install sharp \(Cannot find package sharp\)/);
  });

  it('100 JPEGs of CIFAR-10 have the bytes that Pillow decoded', async function () {
    const archive = sharedFile('cifar10/cifar10_jpeg_test_100.tar');
    const records = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    if (archive === null || records === null) this.skip();
    execFileSync('tar', ['xf', archive, '-C', scratch]);
    const known = new Map<string, number>();
    const bin = readFileSync(records);
    for (let at = 0; at < bin.length; at += 3073)
      known.set(bin.toString('latin1', at + 1, at + 3073), bin[at]!);
    const data = await loadImageFolder(join(scratch, 'test'), { lazy: false });
    expect([data.numSamples, data.classNames!.length]).to.deep.equal([100, 10]);
    const pixels = Buffer.from(data.inputs[0]!.data as Uint8Array);
    for (let i = 0; i < 100; i++) {
      // The classes of CIFAR-10 are in alphabetical order.
      expect(known.get(pixels.toString('latin1', 3072 * i, 3072 * (i + 1)))).to.equal(data.targets!.data[i]);
    }
  });
});
