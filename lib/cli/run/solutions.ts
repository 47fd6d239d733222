import {
  LossAtlasError,
  lossSurface,
  projectTrajectory,
  threePointPlane,
  trajectoryPlane,
  type LossSurfaceOptions,
  type Plane,
  type Solution,
} from '../../index.js';
import type { Run } from '../analysis.js';
import { checkpointPaths } from '../checkpoint-paths.js';
import type { CommandSpec } from '../command.js';
import { openSolution } from '../setting.js';
import { runLandscape, type LandscapeCommand } from './run-landscape.js';
import { gridOf, sizeOf, trialOf } from './surface.js';

/** A plane through solutions. */
interface Path {
  readonly plane: Plane;
  readonly solutions: readonly Solution[];
}

/** What a grid through solutions has in common: a range that shows them all. */
const shared: Pick<LandscapeCommand<Path>, 'numPoints' | 'describe' | 'trial'> = {
  numPoints: (_, run) => sizeOf(run).reduce((product, n) => product * n, 1),
  describe: ({ solutions }, run) =>
    `${sizeOf(run).join(' × ')} points on the plane of ${solutions.length} checkpoints`,
  trial: async (setting, { plane }, run) => trialOf(setting, plane, run, rangeOf(run, [[0, 1]])),
};

/** Around points of the plane with a fifth of their extent on either side; unless the ranges were given. */
function rangeOf({ values }: Run, points: readonly (readonly [number, number])[]): LossSurfaceOptions {
  const around = (axis: 0 | 1): readonly [number, number] => {
    const all = points.map((point) => point[axis]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const margin = 0.2 * (high - low || 1);
    return [low - margin, high + margin];
  };
  return {
    ...(values.range === undefined ? { range: around(0) } : {}),
    ...(values.yRange === undefined ? { yRange: around(1) } : {}),
  };
}

export const runThreePoint: CommandSpec['run'] = async (invocation) =>
  runLandscape<Path>(invocation, {
    ...shared,
    name: 'three-point',
    kind: 'loss-surface',
    open: async ({ model }, { values, resources }) => {
      const open = async (key: string) => openSolution(resources, model, values[key] as string, values);
      const solutions = [await open('a'), await open('b'), await open('c')] as const;
      return { plane: resources.keep(await threePointPlane(...solutions)), solutions };
    },
    compute: async ({ loss }, { plane }, run, resume) => {
      const points = plane.solutions.map(({ coordinates: [x, y] }) => [x!, y!] as const);
      return lossSurface(loss, plane, { ...gridOf(run), ...rangeOf(run, points), ...resume });
    },
  });

export const runTrajectory: CommandSpec['run'] = async (invocation) => {
  // Projected before the surface, whose range it decides.
  const projected = new WeakMap<Plane, Awaited<ReturnType<typeof projectTrajectory>>>();
  await runLandscape<Path>(invocation, {
    ...shared,
    name: 'trajectory-plane',
    kind: 'loss-surface',
    open: async ({ model }, { values, resources }) => {
      const solutions: Solution[] = [];
      for (const path of await checkpointPaths(values.checkpoints as string[]))
        solutions.push(await openSolution(resources, model, path, values));
      if (solutions.length < 3)
        throw new LossAtlasError(
          'ERR_INVALID_OPTION',
          `A path needs at least three checkpoints, not ${solutions.length}.`,
        );
      return { plane: resources.keep(await trajectoryPlane(solutions)), solutions };
    },
    compute: async ({ loss }, { plane, solutions }, run, resume) => {
      const path = await projectTrajectory(loss, plane, solutions, run.analysis);
      projected.set(plane, path);
      const points = Array.from(path.x, (x, i) => [x, path.y[i]!] as const);
      return lossSurface(loss, plane, { ...gridOf(run), ...rangeOf(run, points), ...resume });
    },
    companions: async (_, { plane }, { output }) => {
      const trajectory = projected.get(plane)!;
      await output.save(trajectory, 'path');
      return { trajectory };
    },
  });
};
