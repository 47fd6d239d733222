import { expect } from 'chai';
import { unzipSync, zipSync } from 'fflate';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel } from '../../dist/index.js';
import { rejects } from '../support/errors.js';
import { fixture } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

const code = 'linear1/code/__torch__/torch/nn/modules/linear.py';
const space = '__torch__.torch.nn.modules.linear';

describe('hostile TorchScript', () => {
  expectNoLiveHandles();
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossatlas-hostile-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  type Members = Record<string, Uint8Array>;
  const saved = (change: (members: Members) => void): string => {
    const members = unzipSync(readFileSync(fixture('linear1.pt')));
    change(members);
    const path = join(folder, 'model.pt');
    writeFileSync(path, zipSync(members, { level: 0 }));
    return path;
  };
  /** Lines at the beginning of forward, and definitions behind the class. */
  const withCode = (lines: string, after = '') =>
    saved((members) => {
      const text = Buffer.from(members[code]!).toString();
      members[code] = Buffer.from(text.replace(/-> Tensor:\n/, (line) => line + lines) + after);
    });
  const refused = async (path: string, message: RegExp) =>
    rejects(async () => loadModel(path), 'ERR_MODEL_LOAD', message);

  it('is still a model when it is packed anew', async () => {
    using model = await loadModel(saved(() => undefined));
    expect(model.size).to.equal(5);
    expect(model.forwardArguments).to.deep.equal([{ name: 'input', type: 'Tensor', optional: false }]);
    expect(model.forwardResult).to.equal('Tensor');
  });

  it('never gets to read or write files', async () => {
    const read = '    q = torch.from_file("/etc/passwd", False, 8)\n    input = torch.add(input, q)\n';
    await refused(withCode(read), /aten::from_file/);
    await refused(withCode('    torch.save(input, "/tmp/x")\n'), /aten::save/);
  });

  it('runs no code while it is loaded', async () => {
    const method = `  def __setstate__(self: ${space}.Linear, state: Tensor) -> NoneType:\n    return None\n`;
    await refused(withCode('', method), /__setstate__.*never run/);
  });

  it('cannot overflow the stack by brackets, operators, blocks or definitions', async () => {
    await refused(withCode(`    q = ${'('.repeat(1e5)}input${')'.repeat(1e5)}\n`), /nests deeper/);
    await refused(withCode(`    q = input${' + input'.repeat(1e5)}\n`), /nests deeper/);
    await refused(withCode(`    q = ${'-'.repeat(1e5)}input\n`), /nests deeper/);
    await refused(withCode(`    q = input${'.T'.repeat(1e5)}\n`), /nests deeper/);
    const blocks = Array.from({ length: 500 }, (_, i) => `${' '.repeat(4 + 2 * i)}if True:\n`).join('');
    await refused(withCode(blocks), /nests deeper/);
    const chain = Array.from({ length: 3000 }, (_, i) =>
      i === 0
        ? 'def f0(x: int) -> int:\n  return x\n'
        : `def f${i}(x: int) -> int:\n  return ${space}.f${i - 1}(x)\n`,
    ).join('');
    await refused(withCode(`    q = ${space}.f2999(1)\n`, chain), /build on each other deeper/);
  });

  it('cannot double itself at every level', async () => {
    const levels = Array.from({ length: 41 }, (_, i) => {
      const sum = i === 0 ? 'torch.add(x, x)' : `torch.add(${space}.f${i - 1}(x), ${space}.f${i - 1}(x))`;
      return `def f${i}(x: int) -> int:\n  return ${sum}\n`;
    }).join('');
    await refused(withCode(`    q = ${space}.f40(1)\n    input = torch.add(input, q)\n`, levels), /so often/);
  });

  it('has tensors within their storages only', async () => {
    const short = saved((members) => {
      members['linear1/data/0'] = members['linear1/data/0']!.subarray(0, 8);
    });
    await refused(short, /has 8 bytes, too few/);
  });

  it('refers to nothing but tensors, containers and its own classes', async () => {
    const rename = (to: string) =>
      saved((members) => {
        const pickle = Buffer.from(members['linear1/data.pkl']!).toString('latin1');
        members['linear1/data.pkl'] = Buffer.from(
          pickle.replace(/c__torch__\.torch\.nn\.modules\.linear\nLinear\n/, to),
          'latin1',
        );
      });
    await refused(rename('cos\nsystem\n'), /'os\.system'/);
    await refused(rename('c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n'), /torch\.classes/);
  });

  it('shows libtorch the same members as us', async () => {
    const path = saved((members) => {
      members['linear1/DATA.pkl'] = members['linear1/data.pkl']!;
    });
    await refused(path, /twice/);
    const other = saved((members) => {
      members['other/data.pkl'] = members['linear1/data.pkl']!;
    });
    await refused(other, /lies outside/);
    writeFileSync(path, Buffer.concat([readFileSync(fixture('linear1.pt')), Buffer.from('more')]));
    await refused(path, /follows the end/);
  });
});
