import { basename, extname } from 'node:path';
import { loadResult, surfaceTopology, type SurfaceTopologyOptions } from '../../index.js';
import type { CommandSpec } from '../command.js';
import { topologyOptions } from '../options/output-options.js';
import { take } from '../options/table.js';
import { Output } from '../output.js';
import { refuseOptions } from '../refuse-options.js';
import { summarize } from '../summary.js';
import { loadOptions } from './saved-results.js';

export const runTopology: CommandSpec['run'] = async ({ values }) => {
  refuseOptions(values, ['value'], 'for figures of landscapes, and the topology is that of the loss');
  const path = values.surface as string;
  const surface = await loadResult(path, 'loss-surface', loadOptions(path, values));
  const output = new Output(values, `${basename(path, extname(path))}-topology`);
  output.requireFigures(['surface-topology']);
  const topology = surfaceTopology(surface, take<SurfaceTopologyOptions>(values, topologyOptions));
  await output.within(async () => {
    await output.save(topology);
    output.print(topology, summarize(topology));
    await output.finish([]);
  });
};
