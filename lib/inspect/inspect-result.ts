import { extname } from 'node:path';
import type { DatasetFormat } from '../data/dataset-format.js';
import { withHdf5 } from '../io/hdf5.js';
import type { FileStart } from '../io/read-file.js';
import { zipMemberNames } from '../model/file-kind.js';
import { quoted, type Findings } from './inspection.js';

/** A file of results of lossatlas or tomgoldstein/loss-landscape; null for others. Its values are not read. */
export async function inspectResult(
  path: string,
  format: DatasetFormat | null,
  start: FileStart,
): Promise<Findings | null> {
  switch (format) {
    case 'npz':
      return (await zipMemberNames(path)).includes('lossatlas.npy') ? own(path, 'NumPy') : null;
    case 'hdf5':
      return inspectHdf5(path);
    default:
      return inspectText(path, start);
  }
}

async function inspectHdf5(path: string): Promise<Findings | null> {
  const { isOwn, names } = await withHdf5(path, (file) => ({
    isOwn: file.has('lossatlas'),
    names: file.names(),
  }));
  if (isOwn) return own(path, 'HDF5');
  const has = (name: string) => names.includes(name);
  if (has('proj_xcoord') && has('proj_ycoord')) {
    return theirs('a projected training path', [`const path = await loadProjection(${quoted(path)});`]);
  }
  const values = ['train_loss', 'test_loss', 'min_eig'].filter(has);
  if (!has('xcoordinates') || values.length === 0) return null;
  const kind = has('ycoordinates') ? 'loss-surface' : 'loss-line';
  const calls = values.map((name) =>
    name === 'min_eig'
      ? `const map = await loadResult(${quoted(path)}, 'eigenvalue-map');`
      : `const result = await loadResult(${quoted(path)}, '${kind}', { split: '${name.replace('_loss', '')}' });`,
  );
  const what = `${has('ycoordinates') ? 'a surface' : 'a line'} with ${values.join(', ')}`;
  return theirs(what, calls);
}

function inspectText(path: string, { bytes }: FileStart): Findings | null {
  const text = bytes.toString('latin1', 0, 512);
  const extension = extname(path).toLowerCase();
  const kind = /^(?:# )?\{\s*"kind": ?"([a-z-]+)"/.exec(text)?.[1];
  if (kind !== undefined && text.startsWith('#')) return own(path, 'CSV', kind);
  if (kind !== undefined) return own(path, 'JSON', kind);
  return extension === '.vtp' && text.includes('Name="lossatlas"') ? own(path, 'VTK', 'loss-surface') : null;
}

function own(path: string, format: string, kind = ''): Findings {
  return {
    kind: 'result',
    what: `a result of lossatlas${kind === '' ? '' : ` (${kind})`}`,
    format,
    advice: [`lossatlas plot ${path}`, `const result = await loadResult(${quoted(path)});`],
  };
}

function theirs(what: string, advice: readonly string[]): Findings {
  return { kind: 'result', what: `${what}, of tomgoldstein/loss-landscape`, format: 'HDF5', advice };
}
