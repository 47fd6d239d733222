import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fixture, projectPath } from '../support/fixtures.js';

type Raw = Record<string, (...args: unknown[]) => unknown>;
const require = createRequire(import.meta.url);
const raw = (require('bindings') as (options: object) => Raw)({
  bindings: 'lossatlas',
  module_root: projectPath('.'),
});

/** Frees whatever handles a call returned. */
function dispose(result: unknown): void {
  for (const item of Array.isArray(result) ? (result as unknown[]) : [result]) {
    const nested: unknown[] = typeof item === 'object' && item !== null ? Object.values(item) : [];
    for (const candidate of [item, ...nested]) {
      try {
        raw.dispose!(candidate);
      } catch {
        // No handle.
      }
    }
  }
}

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    dispose(await work());
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
  return 'no error';
}

describe('raw addon', () => {
  it('exports exactly what lib/native/addon.ts types', () => {
    const source = readFileSync(projectPath('lib/native/addon.ts'), 'utf8');
    const body = source.slice(source.indexOf('export interface Addon {'));
    const typed = Array.from(body.matchAll(/^ {2}(\w+)\(/gm), (match) => match[1]!);
    // `bindings` adds the file's path.
    expect(
      Object.keys(raw)
        .filter((key) => key !== 'path')
        .sort(),
    ).to.deep.equal(typed.sort());
  });

  it('survives every wrong argument with ERR_INVALID_ARGUMENT or another typed error', async () => {
    const model = await raw.loadModel!(fixture('mlp.pt'), 'cpu', null, false, false);
    const vector = await raw.modelParameters!(model);
    const junk = [
      undefined,
      null,
      1,
      NaN,
      -1,
      2 ** 60,
      'x',
      {},
      [],
      [{}],
      new Float64Array(3),
      new Float64Array(92),
      new Uint16Array(3),
      true,
      () => 1,
      Symbol('s'),
      1n,
      vector,
      model,
      [vector],
    ];
    const quiet = new Set(['info', 'liveHandles', 'path']);
    const codes = new Set<unknown>();
    let state = 1;
    const pick = () => junk[(state = (state * 48271) % 2147483647) % junk.length];
    for (const [name, fn] of Object.entries(raw)) {
      // loadModel with random strings is tested elsewhere; dispose and numThreads would really act.
      if (quiet.has(name) || name === 'dispose' || name === 'numThreads') continue;
      for (let i = 0; i < 300; i++) {
        const args = Array.from({ length: i % 8 }, pick);
        codes.add(await codeOf(() => fn(...args)));
      }
    }
    for (const code of codes) expect(String(code)).to.match(/^ERR_|no error/);
    expect(await codeOf(() => raw.dispose!({}))).to.equal('ERR_INVALID_ARGUMENT');
    expect(await codeOf(() => raw.describeModel!(vector))).to.equal('ERR_INVALID_ARGUMENT');
    expect(await codeOf(() => raw.numThreads!(-1))).to.equal('ERR_INVALID_ARGUMENT');
    raw.dispose!(model);
    raw.dispose!(vector);
    expect(raw.liveHandles!()).to.equal(0);
  });
});
