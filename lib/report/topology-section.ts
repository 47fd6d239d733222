import type { SurfaceTopology } from '../results.js';
import { drawings } from './drawing.js';
import { provenanceTable } from './provenance.js';
import { closed, dataTable, type Cell } from './tables.js';

export function topologySection(topology: SurfaceTopology): string {
  const minima = topology.branches.map(({ x, y, loss, saddleLoss, persistence, share, isAtEdge }): Cell[] => [
    x,
    y,
    loss,
    saddleLoss,
    persistence,
    100 * share,
    isAtEdge ? 'edge of the grid' : '',
  ]);
  const loops = topology.loops.map(({ x, y, birth, death, persistence }): Cell[] => [
    x,
    y,
    birth,
    death,
    persistence,
  ]);
  return [
    drawings(topology, {}),
    dataTable('Minima', ['α', 'β', 'loss', 'joins at loss', 'persistence', 'share, %', ''], minima),
    closed(
      `Loops (${loops.length})`,
      dataTable('Loops', ['closes at α', 'β', 'at loss', 'filled at loss', 'persistence'], loops),
    ),
    provenanceTable(topology.provenance),
  ].join('');
}
