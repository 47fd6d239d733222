import { unzipSync, zipSync } from 'fflate';
import { below, blind, pick, type Mutation, type Random } from './blind.js';

const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** Every opcode of Python's pickles. */
const opcodes = [
  ...Buffer.from(
    '(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu}])BC\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b',
    'latin1',
  ),
  ...[0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98],
];

/** Sequences that a hostile pickle would have. */
const gadgets = [
  'cposix\nsystem\n(X\x02\0\0\0lstR',
  'cbuiltins\neval\n',
  'ccollections\nOrderedDict\n)R',
  '(lp0\nh\0a',
  '}}s',
  'h\0',
  'j\xff\xff\xff\x7f',
  '\x8b\xff\xff\xff\x7f',
  'X\xff\xff\xff\xff',
  '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f',
  '((((((((',
  '2222',
  'ctorch._utils\n_rebuild_tensor_v2\n',
  'cnumpy.core.multiarray\n_reconstruct\n',
  '(X\x07\0\0\0storageQ',
  'J\0\0\0\x7f',
  'J\xff\xff\xff\xff',
];

/** Opcodes and arguments changed, put in and taken out. */
export function pickleEdits(bytes: Uint8Array, random: Random): Uint8Array {
  let copy: Uint8Array = Uint8Array.from(bytes);
  for (let count = 1 + below(random, 3); count > 0 && copy.length > 0; count--) {
    const at = below(random, copy.length);
    const head = copy.subarray(0, at);
    switch (below(random, 4)) {
      case 0:
        copy[at] = pick(random, opcodes);
        break;
      case 1:
        copy = Buffer.concat([head, Buffer.of(pick(random, opcodes)), copy.subarray(at)]);
        break;
      case 2:
        copy = Buffer.concat([head, Buffer.from(pick(random, gadgets), 'latin1'), copy.subarray(at)]);
        break;
      default:
        copy = blind(copy, random);
    }
  }
  return copy;
}

const words = [
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  '18446744073709551616',
  'null',
  '"x"',
  '[]',
  '{}',
  'true',
  '-0',
];
const dtypes = [
  'F64',
  'F32',
  'F16',
  'BF16',
  'I64',
  'BOOL',
  'U8',
  'F8_E4M3',
  '<f8',
  '>i2',
  '|O',
  '|b1',
  '<c16',
];

/** Numbers, names and brackets of a text changed. */
export function textEdits(bytes: Uint8Array, random: Random): Uint8Array {
  let text = latin(bytes);
  for (let count = 1 + below(random, 3); count > 0; count--) {
    const tokens = [...text.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|"[^"]*"|'[^']*'|[[\]{}():,]/g)];
    if (tokens.length === 0) break;
    const token = pick(random, tokens);
    const others = [
      pick(random, words),
      `"${pick(random, dtypes)}"`,
      `'${pick(random, dtypes)}'`,
      '',
      pick(random, tokens)[0],
    ];
    text = text.slice(0, token.index) + pick(random, others) + text.slice(token.index + token[0].length);
  }
  return Buffer.from(text, 'latin1');
}

/** The header behind a length of 64 bits, mended. */
export function safetensorsEdits(bytes: Uint8Array, random: Random): Uint8Array {
  const length = Number(Buffer.from(bytes).readBigUInt64LE(0));
  const header = textEdits(bytes.subarray(8, 8 + length), random);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, bytes.subarray(8 + length)]);
}

/** The header of an .npy file, its length mended. */
export function npyEdits(bytes: Uint8Array, random: Random): Uint8Array {
  const end = 10 + Buffer.from(bytes).readUInt16LE(8);
  const header = textEdits(bytes.subarray(10, end), random);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length & 0xffff);
  return Buffer.concat([bytes.subarray(0, 8), length, header, bytes.subarray(end)]);
}

const codeWords = [
  ...[
    '(',
    ')',
    '[',
    ']',
    '((((((((',
    '[[[[[[[[',
    '- - - - - - - -',
    'not not not ',
    '**',
    '.',
    ',',
    ':',
    '\n',
    '  ',
  ],
  ...[
    'torch.from_file("/etc/passwd", False, 10)',
    'torch.save(x, "/tmp/x")',
    'self',
    'x',
    '__torch__',
    'None',
  ],
  ...['Tensor', 'List[Tensor]', 'Dict[str, Tensor]', 'Optional[Tensor]', 'int', 'float', 'Tuple[int, int]'],
  ...[
    'if True:\n',
    'while True:\n    pass\n',
    'for i in range(10):\n',
    'return',
    'class A(Module):\n',
    'def forward(self',
  ],
  ...[
    'CONSTANTS.c0',
    'ops.prim',
    'uninitialized(Tensor)',
    'unchecked_cast(Tensor, x)',
    'annotate(List[int], [])',
  ],
  ...['9223372036854775808', '1e999', '"', "'", '#', '\\', '->', 'fork', 'torch.jit', '\0', '\xff'],
];

/** Words of TorchScript's source text changed, moved and put in. */
export function codeEdits(bytes: Uint8Array, random: Random): Uint8Array {
  let text = latin(bytes);
  for (let count = 1 + below(random, 3); count > 0; count--) {
    const words = [...text.matchAll(/\w+|[^\w\s]|\n *(?=\S)/g)];
    if (words.length === 0) break;
    const word = pick(random, words);
    const other = random() < 0.6 ? pick(random, words)[0] : pick(random, codeWords);
    const kept = random() < 0.5 ? word[0] : '';
    text = text.slice(0, word.index) + kept + other + text.slice(word.index + word[0].length);
  }
  return Buffer.from(text, 'latin1');
}

function contentEdits(name: string): Mutation {
  if (name.endsWith('.pkl')) return pickleEdits;
  if (name.endsWith('.py')) return codeEdits;
  if (name.endsWith('.json')) return textEdits;
  return name.endsWith('.npy') ? npyEdits : blind;
}

/** Contents of members changed, left out or named otherwise, all checksums mended. */
function repacked(bytes: Uint8Array, random: Random): Uint8Array {
  const members: [string, Uint8Array][] = Object.entries(unzipSync(bytes));
  // The pickle, source text and the program are where most of the reader is.
  const favoured = members.flatMap(([name], i) => (/data\.pkl$|\.py$|\.json$/.test(name) ? [i] : []));
  const at = favoured.length > 0 && random() < 0.7 ? pick(random, favoured) : below(random, members.length);
  const [name, content] = members[at]!;
  const kind = random();
  if (kind < 0.8) members[at] = [name, contentEdits(name)(content, random)];
  else if (kind < 0.9) members.splice(at, 1);
  else members[at] = [latin(blind(Buffer.from(name), random)), content];
  return zipSync(Object.fromEntries(members), { level: random() < 0.7 ? 0 : 6 });
}

/** A field of the directory, of a member's header or of the end records changed. */
function recordEdits(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const signatures = ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07'];
  const text = latin(copy);
  const signature = pick(random, signatures);
  const places = [...text.matchAll(new RegExp(signature, 'g'))].map(({ index }) => index);
  if (places.length === 0) return blind(bytes, random);
  const at = pick(random, places);
  const field = copy.subarray(at + 4, at + 60);
  field.set(blind(field, random).subarray(0, field.length));
  return copy;
}

export const zipEdits: Mutation = (bytes, random) =>
  random() < 0.75 ? repacked(bytes, random) : recordEdits(bytes, random);
