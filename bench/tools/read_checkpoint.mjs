// Reads a checkpoint into memory again and again: <file> <way> <repetitions>. Answers in JSON with the milliseconds of
// each read, by how many bytes the first one made the process grow at most, and a checksum of all values.
import { crc32 } from 'node:zlib';
import { readCheckpoint } from '../../dist/index.js';

const [path = '', way = '', repetitions = ''] = process.argv.slice(2);
const options = way === 'checked' ? { checksums: true } : {};
const { gc } = globalThis;
if (!gc) throw new Error('needs --expose-gc');

/** @type {number[]} */
const milliseconds = [];
let grown = 0;
let crc = 0;
for (let i = 0; i < Number(repetitions); i++) {
  gc();
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const checkpoint = await readCheckpoint(path, options);
  const tensors = checkpoint.stateDict();
  if (way === 'one-by-one') for (const tensor of tensors.values()) void tensor.data;
  else await checkpoint.load();
  milliseconds.push(performance.now() - begin);
  if (i > 0) continue;
  grown = process.resourceUsage().maxRSS * 1024 - before;
  for (const name of [...tensors.keys()].sort()) {
    const data = tensors.get(name)?.data;
    if (data) crc = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc);
  }
}
console.log(JSON.stringify({ milliseconds, grown, crc, version: process.version }));
