import { optimizerFacts } from '../plot/describe.js';
import { formatNumber } from '../plot/number-format.js';
import { pathName } from '../plot/connection.js';
import type { ConnectionPath, ModeConnection, PathBarrier } from '../results.js';
import { connectionPlanes } from './connection-figures.js';
import { defaultScale } from './default-scale.js';
import { drawings } from './drawing.js';
import { textTag } from './html.js';
import { provenanceTable } from './provenance.js';
import { closed, dataTable, factsTable, type Cell } from './tables.js';

export function connectionSection(connection: ModeConnection): string {
  const { paths, training, distance, seed, provenance } = connection;
  const surfaces = connectionPlanes(connection).map(({ surface }) => surface);
  const scale = defaultScale(surfaces);
  const datasets = paths[0]?.evaluations.map(({ data }) => data) ?? [];
  const head = [
    'path',
    'barrier',
    'at t',
    'above the worse end',
    'largest loss',
    'at t',
    'length / distance',
  ];
  const accuracyHead = ['path', 'barrier, points', 'at t', 'lowest, %', 'at t'];
  const barriers = datasets.flatMap((data, k) => {
    const rows = paths.map((path): Cell[] => [
      pathName(path),
      ...barrierCells(path.evaluations[k]!.barrier),
      path.length / distance,
    ]);
    const shares = paths.flatMap((path): Cell[][] => {
      const { accuracyBarrier: barrier } = path.evaluations[k]!;
      if (barrier === null) return [];
      return [[pathName(path), 100 * barrier.height, barrier.t, 100 * barrier.worst, barrier.worstAt]];
    });
    return [
      dataTable(`Loss of ${data}`, head, rows),
      shares.length === 0 ? '' : dataTable(`Accuracy of ${data}`, accuracyHead, shares),
    ];
  });
  const facts: [string, Cell][] = [
    ['from (t = 0)', connection.from],
    ['to (t = 1)', connection.to],
    ['distance ‖w2 − w1‖', distance],
    ['seed', String(seed)],
  ];
  if (training !== null) {
    const { optimizer, schedule, steps, batchSize } = training;
    facts.push(
      ['steps of each curve', String(steps)],
      ['samples a step', String(batchSize)],
      ['optimizer', optimizerFacts(optimizer, schedule).join(', ')],
      ['decay of weights, of the point on the curve', optimizer.weightDecay],
    );
  }
  return [
    ...paths.map(divergence),
    drawings(connection, surfaces.length === 0 ? {} : { scale }),
    ...barriers,
    factsTable('Ends and training', facts),
    ...paths.map(planePart),
    closed(`Values (${connection.t.length} points)`, valuesTable(connection)),
    provenanceTable(provenance),
  ].join('');
}

function barrierCells({ height, t, aboveWorseEnd, worst, worstAt }: PathBarrier): Cell[] {
  return [height, t, aboveWorseEnd, worst, worstAt];
}

function divergence(path: ConnectionPath): string {
  const divergedAt = path.training?.divergedAt ?? null;
  if (divergedAt === null) return '';
  return textTag('p', `The training of the ${pathName(path)} diverged at step ${divergedAt}.`);
}

function planePart(path: ConnectionPath): string {
  const { plane, numBends } = path;
  if (plane === null) return '';
  const farthest = plane.distance.reduce((most, value) => Math.max(most, value), 0);
  const words =
    numBends === 1
      ? ''
      : textTag(
          'p',
          `The plane goes through both minima and the middle bend; the path is projected onto it, from at most ${formatNumber(farthest)}.`,
        );
  const rows = plane.solutions.map(({ label, coordinates }): Cell[] => [
    label,
    coordinates[0]!,
    coordinates[1]!,
  ]);
  return closed(`Plane of the ${pathName(path)}`, words, dataTable('Points', ['point', 'α', 'β'], rows));
}

function valuesTable({ t, paths }: ModeConnection): string {
  const columns = paths.flatMap((path) =>
    path.evaluations.flatMap(({ data, loss, accuracy }) => [
      { name: `${pathName(path)}, ${data}: loss`, values: loss },
      ...(accuracy === null
        ? []
        : [
            { name: `${pathName(path)}, ${data}: accuracy, %`, values: accuracy.map((share) => 100 * share) },
          ]),
    ]),
  );
  const rows = Array.from(t, (at, i): Cell[] => [at, ...columns.map(({ values }) => values[i]!)]);
  return dataTable('Values', ['t', ...columns.map(({ name }) => name)], rows);
}
