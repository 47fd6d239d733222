import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { cleanEnvironment, projectRoot, useScratchFolder } from './helpers.js';

const script = join(projectRoot, 'scripts/libtorch/download.py');
const wheelName = 'thing-1.0-py3-none-any.whl';
const content = Buffer.alloc(200_000, 'wheel');

describe('scripts/libtorch/download.py', () => {
  const scratch = useScratchFolder();
  let server: Server;
  /** The Range header of each request for the wheel. */
  let ranges: (string | undefined)[];
  let cutFirst: boolean;
  let knowsRanges: boolean;
  let checksum: string;

  before(function () {
    if (spawnSync('python3', ['-m', 'pip', '--version']).status !== 0) this.skip();
  });

  beforeEach(async () => {
    ranges = [];
    cutFirst = false;
    knowsRanges = true;
    checksum = createHash('sha256').update(content).digest('hex');
    server = createServer((request, response) => {
      if (request.url === '/simple/thing/') {
        response.setHeader('Content-Type', 'text/html');
        response.end(`<a href="/files/${wheelName}#sha256=${checksum}">${wheelName}</a>`);
        return;
      }
      if (request.url !== `/files/${wheelName}`) {
        response.writeHead(404).end();
        return;
      }
      ranges.push(request.headers.range);
      const start = knowsRanges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
      const rest = content.subarray(start);
      response.writeHead(start > 0 ? 206 : 200, { 'Content-Length': rest.length });
      if (cutFirst && ranges.length === 1) {
        response.write(rest.subarray(0, 50_000));
        // What was written has to arrive before the connection breaks.
        setTimeout(() => response.destroy(), 200);
      } else {
        response.end(rest);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
  });

  async function download(name = 'thing'): Promise<{ code: number | null; output: string }> {
    const { port } = server.address() as AddressInfo;
    const env = cleanEnvironment({
      PIP_CONFIG_FILE: '/dev/null',
      PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`,
      PIP_EXTRA_INDEX_URL: '',
      PIP_FIND_LINKS: '',
      no_proxy: '127.0.0.1',
    });
    const child = spawn('python3', [script, scratch(), name, '==1.0'], { env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }

  const wheel = () => readFileSync(join(scratch(), wheelName));

  it('downloads what the index offers, and says the size', async () => {
    const { code, output } = await download();
    expect(output.trim()).to.equal(`size ${content.length}`);
    expect(code).to.equal(0);
    expect(wheel().equals(content)).to.equal(true);
    expect(readdirSync(scratch())).to.deep.equal([wheelName]);
  });

  it('continues after a connection that broke', async () => {
    cutFirst = true;
    expect((await download()).code).to.equal(0);
    expect(ranges).to.have.length(2);
    expect(ranges[1]).to.match(/^bytes=[1-9]\d*-$/);
    expect(wheel().equals(content)).to.equal(true);
  });

  it('continues a file that an interrupted process left', async () => {
    writeFileSync(join(scratch(), `${wheelName}.part`), content.subarray(0, 123_456));
    expect((await download()).code).to.equal(0);
    expect(ranges).to.deep.equal(['bytes=123456-']);
    expect(wheel().equals(content)).to.equal(true);
  });

  it('begins again where the server knows no ranges', async () => {
    knowsRanges = false;
    writeFileSync(join(scratch(), `${wheelName}.part`), content.subarray(0, 123_456));
    expect((await download()).code).to.equal(0);
    expect(wheel().equals(content)).to.equal(true);
  });

  it('deletes a file whose checksum is wrong', async () => {
    checksum = '0'.repeat(64);
    const { code, output } = await download();
    expect(code).to.equal(1);
    expect(output).to.include('checksum');
    expect(readdirSync(scratch())).to.deep.equal([]);
  });

  it('leaves to pip what the index does not have', async () => {
    const { code } = await download('missing');
    expect(code).to.equal(3);
    expect(readdirSync(scratch())).to.deep.equal([]);
  });
});
