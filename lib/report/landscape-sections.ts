import type {
  AxisDescription,
  EigenvalueMap,
  EigenvalueSearch,
  ExplosionTable,
  LandscapeAtlas,
  LandscapeValues,
  LossLine,
  LossSurface,
  Trajectory,
} from '../results.js';
import { defaultScale } from './default-scale.js';
import { drawings } from './drawing.js';
import { tag, textTag } from './html.js';
import { provenanceTable } from './provenance.js';
import { selfChecks } from './self-checks.js';
import { closed, dataTable, factsTable, type Cell } from './tables.js';

export function lineSection(line: LossLine): string {
  const scale = defaultScale([line]);
  const names = ['t', 'loss', ...(line.accuracy === null ? [] : ['accuracy, %'])];
  const rows = Array.from(line.coordinates, (t, i): Cell[] => [
    t,
    line.loss[i]!,
    ...(line.accuracy === null ? [] : [100 * line.accuracy[i]!]),
  ]);
  return [
    drawings(line, { scale }),
    selfChecks(line),
    aboutAxes([line.axis]),
    recipeNotes(line),
    closed(`Values (${line.loss.length} points)`, dataTable('Values', names, rows)),
    provenanceTable(line.provenance),
  ].join('');
}

/** All but the surface itself, which stands with the others; `trajectory` is a path on the same plane. */
export function surfaceSection(
  surface: LossSurface,
  place: { readonly result: number; readonly title: string },
  trajectory?: Trajectory,
): string {
  const scale = defaultScale([surface]);
  const size = { width: 680, height: 600, figures: ['contour'] } as const;
  const accuracy =
    surface.accuracy === null
      ? ''
      : closed('Contours of the accuracy', drawings(surface, { ...size, value: 'accuracy' }));
  return [
    drawings(surface, { ...size, scale, trajectory }),
    accuracy,
    selfChecks(surface),
    aboutAxes(surface.axes),
    recipeNotes(surface),
    valuesPart(surface, { ...place, part: 0 }),
    provenanceTable(surface.provenance),
  ].join('');
}

export function atlasSection(
  atlas: LandscapeAtlas,
  place: { readonly result: number; readonly title: string },
): string {
  const scale = defaultScale(atlas.surfaces);
  const figures = atlas.spread === null ? (['contour'] as const) : (['contour', 'spread'] as const);
  const parts = atlas.surfaces.map((surface, part) => {
    const title = atlas.titles[part] ?? `Surface ${part + 1}`;
    return closed(
      title,
      selfChecks(surface),
      aboutAxes(surface.axes),
      recipeNotes(surface),
      valuesPart(surface, { ...place, part, title }),
      provenanceTable(surface.provenance),
    );
  });
  return [drawings(atlas, { figures, scale }), ...parts].join('');
}

export function explosionSection(table: ExplosionTable): string {
  const rows = table.rows.map(({ mode, axes, normalization, surface }): Cell[] => [
    mode,
    axes,
    normalization,
    surface.explosion?.verdict ?? null,
    surface.explosion?.maxToCenterRatio ?? null,
    surface.explosion === null ? null : 100 * surface.explosion.shareAboveCap,
  ]);
  const head = [
    'mode',
    'axes',
    'normalisation',
    'explodes',
    'largest loss / loss of the model',
    'above the cap, %',
  ];
  return [
    drawings(table, { figures: ['table'] }),
    closed('Surfaces', drawings(table, { figures: ['contour'], scale: 'log' })),
    closed('Numbers', dataTable('Value explosion', head, rows)),
    provenanceTable(table.rows[0]!.surface.provenance),
  ].join('');
}

export function mapSection(map: EigenvalueMap): string {
  const rows = Array.from(map.smallest, (low, k): Cell[] => [
    map.x[k % map.x.length]!,
    map.y[Math.floor(k / map.x.length)]!,
    low,
    map.largest[k]!,
  ]);
  return [
    drawings(map),
    aboutAxes(map.axes),
    map.search === null ? '' : searchPart(map.search),
    closed(`Values (${rows.length} points)`, dataTable('Values', ['α', 'β', 'λ min', 'λ max'], rows)),
    provenanceTable(map.provenance),
  ].join('');
}

function searchPart({ tolerance, totalProducts, numNotConverged, cold }: EigenvalueSearch): string {
  const facts: [string, Cell][] = [
    ['residual, relative to the largest', tolerance],
    ['products with the Hessian', String(totalProducts)],
    ['points that did not converge', String(numNotConverged)],
    ...(cold === null
      ? []
      : [
          ['products from the neighbour, as a share of those from random vectors', cold.share] as [
            string,
            Cell,
          ],
        ]),
  ];
  return closed('How they were found', factsTable('Search', facts));
}

export function trajectorySection(path: Trajectory): string {
  const head = ['solution', 'α', 'β', 'distance from the plane', 'loss', 'loss of the projection'];
  const rows = path.labels.map((label, i): Cell[] => [
    label,
    path.x[i]!,
    path.y[i]!,
    path.distance[i]!,
    path.loss[i]!,
    path.projectedLoss[i]!,
    ...(path.accuracy === null ? [] : [100 * path.accuracy[i]!]),
  ]);
  const names = path.accuracy === null ? head : [...head, 'accuracy, %'];
  const variance = path.explainedVariance;
  const words =
    variance === null
      ? ''
      : textTag(
          'p',
          `The axes hold ${Array.from(variance, (share) => `${(100 * share).toFixed(1)} %`).join(' and ')} of the path's variance.`,
        );
  return words + dataTable('Solutions on the way', names, rows) + provenanceTable(path.provenance);
}

function aboutAxes(axes: readonly AxisDescription[]): string {
  const rows = axes.map((axis, i): Cell[] => [
    ['α', 'β'][i]!,
    axis.label,
    axis.normalization,
    axis.eigenvalue,
    axis.norm,
    axis.relativeNorm,
    axis.seed === null ? null : String(axis.seed),
    [...axis.ignored, ...axis.frozen].join(', ') || 'nothing',
  ]);
  const head = ['axis', 'direction', 'normalised by', 'eigenvalue', '‖d‖', '‖d‖ / ‖θ‖', 'seed', 'left out'];
  return closed('Directions', dataTable('Directions', head, rows));
}

function recipeNotes({ recipe }: LandscapeValues): string {
  if (recipe.notes.length === 0 && (recipe.name === 'lossatlas' || recipe.name === 'unknown')) return '';
  const notes = recipe.notes.map((note) => textTag('li', note));
  return closed(`Recipe of ${recipe.name}`, tag('ul', {}, ...notes));
}

/** The viewer fills the table when it is opened. */
function valuesPart(
  { loss }: LossSurface,
  place: { readonly result: number; readonly part: number; readonly title: string },
): string {
  return tag(
    'details',
    { class: 'values', 'data-result': place.result, 'data-part': place.part, 'data-title': place.title },
    textTag('summary', `Values (${loss.length} points)`),
    textTag('button', 'Download CSV', { type: 'button', 'data-action': 'csv' }),
    tag('div', { class: 'table scroll' }),
  );
}
