import { LossAtlasError } from '../../errors.js';
import { MemorySource } from '../byte-source.js';
import { parseJson } from '../json.js';
import { readNpy, type NpyArray } from '../npy.js';
import { writeNpz } from '../npz.js';
import type { Result, ResultKind, ResultOf } from '../result-format.js';
import { joinResult, splitResult } from '../result-parts.js';
import { ZipArchive } from '../zip.js';

/** UTF-8 bytes of JSON: NumPy has no text that every version reads without pickles. */
const metadataName = 'lossatlas';

/** A result as .npz: an array a field, and `lossatlas`, the rest as JSON. */
export function resultToNpz(result: Result): Uint8Array {
  const { metadata, arrays } = splitResult(result);
  const text = Uint8Array.from(Buffer.from(JSON.stringify(metadata)));
  const members: [string, NpyArray][] = [[metadataName, { dtype: 'u1', shape: [text.length], data: text }]];
  for (const [name, array] of arrays) members.push([name, { dtype: 'f8', ...array }]);
  return writeNpz(Object.fromEntries(members));
}

/** The inverse of `resultToNpz`. `source` names the file in messages. Throws ERR_INVALID_DATA. */
export function resultFromNpz<K extends ResultKind>(
  bytes: Uint8Array,
  source: string,
  kind?: K,
): ResultOf<K> {
  const archive = new ZipArchive(new MemorySource(bytes), source, { maxRatio: 3 });
  const read = (name: string) => {
    const member = `${name}.npy`;
    return archive.members.has(member) ? readNpy(archive.read(member), `${source}, '${member}'`) : null;
  };
  const text = read(metadataName);
  if (text?.dtype !== 'u1') {
    const message =
      `${source} is no result: it has no member '${metadataName}.npy' as saveResult writes it. ` +
      'Arrays of another program are read by readNpz or loadNpz.';
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  const metadata = parseJson(Buffer.from(text.data).toString('utf8'), `${source}, '${metadataName}'`);
  const arrayOf = (name: string) => {
    const array = read(name);
    return array?.dtype === 'f8' ? array.data : null;
  };
  return joinResult(metadata, arrayOf, source, kind);
}
