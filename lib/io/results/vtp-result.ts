import type { LossSurface } from '../../results.js';
import { LossAtlasError } from '../../errors.js';
import { parseJson } from '../json.js';
import type { ResultKind, ResultOf } from '../result-format.js';
import { joinResult, splitResult } from '../result-parts.js';
import { cellMeans, drawnHeights, quads, type VtpHeights } from './vtp-geometry.js';
import { binaryArray, readArrays, textArray } from './vtk-xml.js';

const metadataName = 'lossatlas';

/**
 * A surface for ParaView, as h52vtp.py of tomgoldstein/loss-landscape makes it: a point (x, y, z) a grid point with the
 * array `zvalue`, a quad a cell with `averaged zvalue`. `loss`, accuracy and metrics are further arrays of points, exact.
 */
export function surfaceToVtp(surface: LossSurface, heights: VtpHeights): string {
  const { metadata, arrays } = splitResult(surface, (key, shape) => (shape.length === 2 ? key : null));
  const { x, y, loss } = surface;
  const { zvalue, z } = drawnHeights(loss, heights);
  const points = Float64Array.from({ length: 3 * loss.length }, (_, i) => {
    const k = Math.floor(i / 3);
    return [x[k % x.length]!, y[Math.floor(k / x.length)]!, z[k]!][i % 3]!;
  });
  const { connectivity, offsets } = quads(x.length, y.length);
  const none = ['connectivity', 'offsets'].map((name) => binaryArray(name, new BigInt64Array(0)));
  const empty = ['Verts', 'Lines', 'Strips'].map((name) => element(name, none));
  const piece =
    `<Piece NumberOfPoints="${loss.length}" NumberOfVerts="0" NumberOfLines="0" NumberOfStrips="0" ` +
    `NumberOfPolys="${offsets.length}">`;
  const lines = [
    '<?xml version="1.0"?>',
    '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
    '<PolyData>',
    element('FieldData', [textArray(metadataName, JSON.stringify(metadata))]),
    piece,
    element('PointData Scalars="zvalue"', [
      binaryArray('zvalue', zvalue),
      ...[...arrays].map(([name, { data }]) => binaryArray(name, data)),
    ]),
    element('CellData Scalars="averaged zvalue"', [
      binaryArray('averaged zvalue', cellMeans(zvalue, x.length, y.length)),
    ]),
    element('Points', [binaryArray('Points', points, 3)]),
    ...empty,
    element('Polys', [binaryArray('connectivity', connectivity), binaryArray('offsets', offsets)]),
    '</Piece>',
    '</PolyData>',
    '</VTKFile>',
  ];
  return `${lines.join('\n')}\n`;
}

/** The inverse of `surfaceToVtp`. `source` names the file in messages. Throws ERR_INVALID_DATA. */
export function surfaceFromVtp<K extends ResultKind>(bytes: Buffer, source: string, kind?: K): ResultOf<K> {
  const arrays = readArrays(bytes.toString('latin1'), source);
  const text = arrays.get(metadataName)?.();
  if (text === undefined) {
    const message =
      `${source} is no result: it has no array '${metadataName}' as saveResult writes it. ` +
      'A .vtp of another program was made from a file of values: load that one.';
    throw new LossAtlasError('ERR_INVALID_DATA', message);
  }
  const [json = ''] = Buffer.from(text).toString('utf8').split('\0', 1);
  const metadata = parseJson(json, `${source}, '${metadataName}'`);
  const arrayOf = (name: string) => {
    const values = arrays.get(name)?.();
    return values === undefined || values.length % 8 !== 0 ? null : new Float64Array(values.buffer);
  };
  return joinResult(metadata, arrayOf, source, kind);
}

function element(tag: string, children: readonly string[]): string {
  return [`<${tag}>`, ...children, `</${tag.split(' ')[0]!}>`].join('\n');
}
