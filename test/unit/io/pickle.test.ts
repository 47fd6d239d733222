import { expect } from 'chai';

import { LossAtlasError } from '../../../dist/errors.js';
import { pythonGlobals } from '../../../dist/io/pickle-globals.js';
import { unpickle, type PickleValue } from '../../../dist/io/pickle.js';
import { mutate, randomOf } from './mutate.js';

/** A pickle from texts (latin1), bytes and numbers as single bytes. */
function pickle(...parts: readonly (string | number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.of(part);
      return typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part);
    }),
  );
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function read(bytes: Uint8Array): PickleValue {
  return unpickle(bytes, { source: 'x.pkl', globals: pythonGlobals() }).value;
}

function refuses(bytes: Uint8Array, message: RegExp): void {
  expect(() => read(bytes))
    .to.throw(LossAtlasError, message)
    .with.property('code', 'ERR_CHECKPOINT');
}

// pickle.dumps({'a': [1, 2.5, -3, 2**70, None, True, b'xy', 'größe'], 'set': {1}, 7: {'b': ()}}, protocol)
const samples: Record<number, string> = {
  2: '80027d71002858010000006171015d7102284b014740040000000000004afdffffff8a090000000000000000404e88635f636f646563730a656e636f64650a710358020000007879710458060000006c6174696e31710586710652710758070000006772c3b6c39f6571086558030000007365747109635f5f6275696c74696e5f5f0a7365740a710a5d710b4b016185710c52710d4b077d710e580100000062710f2973752e',
  3: '80037d71002858010000006171015d7102284b014740040000000000004afdffffff8a090000000000000000404e8843027879710358070000006772c3b6c39f6571046558030000007365747105636275696c74696e730a7365740a71065d71074b01618571085271094b077d710a580100000062710b2973752e',
  4: '8004954f000000000000007d94288c0161945d94284b014740040000000000004afdffffff8a090000000000000000404e8843027879948c076772c3b6c39f6594658c03736574948f94284b01904b077d948c0162942973752e',
  5: '8005954f000000000000007d94288c0161945d94284b014740040000000000004afdffffff8a090000000000000000404e8843027879948c076772c3b6c39f6594658c03736574948f94284b01904b077d948c0162942973752e',
};

const expected = new Map<PickleValue, PickleValue>([
  ['a', [1, 2.5, -3, 2n ** 70n, null, true, Uint8Array.of(120, 121), 'größe']],
  ['set', new Set([1])],
  [7, new Map([['b', []]])],
]);

describe('pickle', () => {
  for (const [protocol, hex] of Object.entries(samples)) {
    it(`reads protocol ${protocol} as Python wrote it`, () => {
      expect(read(Buffer.from(hex, 'hex'))).to.deep.equal(expected);
    });
  }

  it('reads the integers and strings that Python 2 wrote', () => {
    const bytes = pickle(0x80, 2, '(I01\nI-12345678901\nL5L\nF0.5\nU', 3, 'abcT', uint32(2), 'x\xe9t.');
    expect(read(bytes)).to.deep.equal([true, -12345678901, 5, 0.5, 'abc', 'x\u00e9']);
  });

  it('says where the pickle ends', () => {
    const bytes = pickle(0x80, 2, 'K', 1, '.', 0x80, 2, 'K', 2, '.');
    const first = unpickle(bytes, { source: 'x', globals: new Map() });
    expect(first).to.deep.equal({ value: 1, end: 5 });
    expect(unpickle(bytes, { source: 'x', globals: new Map(), start: 5 })).to.deep.equal({
      value: 2,
      end: 10,
    });
  });

  it('keeps __proto__ and constructor as keys of a Map', () => {
    const value = read(
      pickle(
        0x80,
        2,
        '}(X',
        uint32(9),
        '__proto__}X',
        uint32(1),
        'aNs',
        'X',
        uint32(11),
        'constructorK',
        1,
        'u.',
      ),
    );
    expect(value).to.be.instanceOf(Map);
    expect([...(value as Map<string, unknown>).keys()]).to.deep.equal(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).a).to.equal(undefined);
  });

  it('refuses globals by name, however they are written, and says what to do', () => {
    const advice = /'os\.system', which is not read.*torch\.save\(model\.state_dict\(\), path\)/;
    refuses(pickle(0x80, 2, 'cos\nsystem\nX', uint32(2), 'ls', 0x85, 'R.'), advice);
    refuses(pickle(0x80, 4, 0x8c, 2, 'os', 0x8c, 6, 'system', 0x93, '.'), advice);
    for (const name of [
      'builtins eval',
      'builtins getattr',
      'torch load',
      '__proto__ x',
      'collections namedtuple',
    ]) {
      refuses(pickle(0x80, 2, `c${name.replace(' ', '\n')}\n.`), new RegExp(name.replace(' ', '.')));
    }
    refuses(pickle(0x80, 2, `c${'m'.repeat(5000)}\nx\n.`), /'m{97}…'/);
  });

  it('calls nothing but what the allow-list constructs', () => {
    refuses(pickle(0x80, 2, 'cbuiltins\nlist\n)R.'), /calls 'builtins\.list', which is not supported/);
    refuses(pickle(0x80, 2, 'X', uint32(1), 'a)R.'), /calls what is no function/);
    refuses(pickle(0x80, 2, '(ios\nsystem\n.'), /unsupported opcode 0x69 at byte 3/);
    refuses(pickle(0x80, 2, 'K', 1, 'Q.'), /persistent id where none belongs/);
    refuses(pickle(0x80, 2, 'K', 1, 'Nb.'), /sets the state of what has none/);
    refuses(pickle(0x80, 2, 0x82, 1, '.'), /unsupported opcode 0x82/);
  });

  it('checks lengths against the file before it allocates', () => {
    const huge = uint64(2n ** 62n);
    for (const code of [0x8d, 0x8e, 0x96]) refuses(pickle(0x80, 4, code, huge, 'abc.'), /truncated/);
    for (const code of ['X', 'T', 'B', 0x8b])
      refuses(pickle(0x80, 2, code, uint32(0xffffffff), '.'), /truncated/);
    refuses(pickle(0x80, 2, 0x8b, uint32(300), new Uint8Array(300), '.'), /an integer of 300 bytes/);
  });

  it('refuses what nests too deep, contains itself, or repeats its data without end', () => {
    refuses(pickle(0x80, 2, '('.repeat(100_000), '.'), /nests deeper than 256/);
    refuses(pickle(0x80, 2, ')', Buffer.alloc(100_000, 0x85), '.'), /nests deeper than 256/);
    refuses(pickle(0x80, 2, ']q', 0, 'h', 0, 'a.'), /contains a value that contains itself/);
    refuses(pickle(0x80, 2, '}q', 0, 'K', 1, 'h', 0, 's.'), /contains itself/);
    // A dict of 1000 pairs, copied by five bytes each time.
    const pairs = pickle('(', 'K\x01K\x02\x86'.repeat(1000));
    const copies = 'h\x01h\x00\x85R0'.repeat(200_000);
    const bomb = pickle(0x80, 2, pairs, 'lq\x000', 'ccollections\nOrderedDict\nq\x010', copies, 'N.');
    refuses(bomb, /repeats its data too often/);
  });

  it('bounds what a small file becomes', () => {
    refuses(pickle(0x80, 2, '(', Buffer.alloc(2_100_000, ')'), 'l.'), /more than 2000000 objects/);
    refuses(pickle(0x80, 4, 'N', Buffer.alloc(2_100_000, 0x94), '.'), /remembers more than 2000000 values/);
    refuses(pickle(0x80, 2, Buffer.alloc(21_000_000, 'N'), '.'), /more than 20000000 steps/);
  });

  it('reads shared values once: doubling lists do not explode', () => {
    // 200 times: a list of the last list, twice.
    const value = read(pickle(0x80, 2, ']', '2\x86'.repeat(200), '.'));
    expect(value).to.have.length(2);
  });

  it('names what is wrong with a damaged pickle', () => {
    refuses(new Uint8Array(0), /x\.pkl: the pickle is truncated\./);
    refuses(pickle('.'), /its stack is empty/);
    refuses(pickle(0x80, 9, 'N.'), /protocol 9/);
    refuses(pickle(0x80, 2, 'h', 5, '.'), /no memo 5/);
    refuses(pickle(0x80, 2, 'u.'), /has no mark|what is no dict|stack is empty/);
    refuses(pickle(0x80, 2, 'NNa.'), /appends to what is no list/);
    refuses(pickle(0x80, 2, 'NK', 1, 'K', 1, 's.'), /what is no dict/);
    refuses(pickle(0x80, 2, 'Ix\n.'), /'x' for an integer/);
    refuses(pickle(0x80, 2, 'F0x\n.'), /'0x' for a number/);
    expect(read(pickle(0x80, 2, 'F-inf\n.'))).to.equal(-Infinity);
  });

  it('throws only LossAtlasError on 3000 mutated pickles', () => {
    const random = randomOf(5);
    const files = Object.values(samples).map((hex) => Buffer.from(hex, 'hex'));
    for (let run = 0; run < 3000; run++) {
      const bytes = mutate(files[run % files.length]!, random);
      try {
        read(bytes);
      } catch (error) {
        expect(error, Buffer.from(bytes).toString('hex')).to.be.instanceOf(LossAtlasError);
      }
    }
  });
});
