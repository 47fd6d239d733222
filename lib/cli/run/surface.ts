import {
  li2018Surface,
  llaSurface,
  lossLandscapesSurface,
  lossSurface,
  type Li2018SurfaceOptions,
  type LlaSurfaceOptions,
  type LossLandscapesSurfaceOptions,
  type LossSurface,
  type LossSurfaceOptions,
  type Plane,
} from '../../index.js';
import type { Run } from '../analysis.js';
import type { CommandSpec } from '../command.js';
import {
  gridOptions,
  normalizationOptions,
  planeAxisOptions,
  randomOptions,
  recipeOptions,
  searchOptions,
} from '../options/landscape-options.js';
import { flagName, numberOf, take, type OptionTable } from '../options/table.js';
import { atOption, type Setting } from '../setting.js';
import { refuseOptions } from '../refuse-options.js';
import { openPlane } from './axes.js';
import { runLandscape } from './run-landscape.js';

/** Options of the grid, apart from where it is kept. */
export function gridOf(run: Run): LossSurfaceOptions {
  return { ...take<LossSurfaceOptions>(run.values, gridOptions, ['resume']), ...run.analysis };
}

/** Points along x and y. */
export function sizeOf({ values }: Run, standard = 25): readonly [number, number] {
  const x = numberOf(values, 'points', standard);
  return [x, numberOf(values, 'yPoints', x)];
}

/** Times four points of a plane. */
export async function trialOf(
  { loss }: Setting,
  plane: Plane,
  run: Run,
  at: LossSurfaceOptions,
): Promise<number> {
  await lossSurface(loss, plane, { ...gridOf(run), ...at, points: 2, yPoints: 2 });
  return 5;
}

/** Which options each of the other programs' recipes knows. */
const recipes: Readonly<Record<string, readonly string[]>> = {
  li2018: ['range', 'yRange', 'points', 'yPoints', 'normalization', 'ignoreBiasAndNorm', 'seed'],
  lla: ['steps', 'distance', 'normalization', 'order', 'freeze', 'update', 'squareRoot', 'seed'],
  'loss-landscapes': ['steps', 'distance', 'normalization', 'seed'],
};
const sweepKeys = ['gradientNorm', 'checkCurvature', 'precision', 'explosionCap'];
const recipeTable: OptionTable = {
  ...gridOptions,
  ...randomOptions,
  ...normalizationOptions,
  ...planeAxisOptions,
  ...searchOptions,
  ...recipeOptions,
};

/** Options that a recipe does not know. */
function othersOf(recipe: string): string[] {
  const known = [...recipes[recipe]!, ...sweepKeys];
  return Object.keys(recipeTable).filter((key) => !known.includes(key));
}

async function computeRecipe(
  setting: Setting,
  run: Run,
  resume: { resume?: string },
  few: boolean,
): Promise<LossSurface> {
  const { values, analysis } = run;
  const recipe = values.recipe as string;
  const others = othersOf(recipe);
  const options = {
    ...take<object>(values, recipeTable, others),
    ...atOption(setting),
    ...analysis,
    ...resume,
  };
  switch (recipe) {
    case 'li2018':
      return li2018Surface(setting.loss, {
        ...(options as Li2018SurfaceOptions),
        ...(few ? { points: 2, yPoints: 2 } : {}),
      });
    case 'lla':
      return llaSurface(setting.loss, { ...(options as LlaSurfaceOptions), ...(few ? { steps: 2 } : {}) });
    default:
      return lossLandscapesSurface(setting.loss, {
        ...(options as LossLandscapesSurfaceOptions),
        ...(few ? { steps: 2 } : {}),
      });
  }
}

const isOfOthers = (key: string) => key !== 'recipe';
const isRecipe = ({ values }: Run) => values.recipe !== undefined && values.recipe !== 'lossatlas';

/** Points along the axes, by recipe. */
function surfaceSize(run: Run): readonly [number, number] {
  const { recipe } = run.values;
  if (recipe === 'lla' || recipe === 'loss-landscapes') {
    const steps = numberOf(run.values, 'steps', recipe === 'lla' ? 40 : 20);
    return [steps, steps];
  }
  return sizeOf(run, recipe === 'li2018' ? 51 : 25);
}

export const runSurface: CommandSpec['run'] = async (invocation) =>
  runLandscape(invocation, {
    name: 'surface',
    kind: 'loss-surface',
    open: async (setting, run) => {
      if (isRecipe(run)) {
        const recipe = run.values.recipe as string;
        const refused = othersOf(recipe).filter((key) => key !== 'recipe' && key !== 'resume');
        refuseOptions(
          run.values,
          refused,
          `not of recipe ${recipe}, which has ${recipes[recipe]!.map(flagName).join(', ')}`,
        );
        return null;
      }
      refuseOptions(run.values, Object.keys(recipeOptions).filter(isOfOthers), "of other programs' recipes");
      return openPlane(setting, run);
    },
    numPoints: (_, run) => surfaceSize(run).reduce((product, n) => product * n, 1),
    describe: (plane, run) => {
      const axes =
        plane === null
          ? `recipe of ${run.values.recipe as string}`
          : plane.axes.map((axis) => axis.description.label).join(' and ');
      return `${surfaceSize(run).join(' × ')} points, ${axes}`;
    },
    compute: async (setting, plane, run, resume) =>
      plane === null
        ? computeRecipe(setting, run, resume, false)
        : lossSurface(setting.loss, plane, { ...gridOf(run), ...atOf(setting, plane), ...resume }),
    trial: async (setting, plane, run) => {
      if (plane !== null) return trialOf(setting, plane, run, atOf(setting, plane));
      await computeRecipe(setting, run, {}, true);
      return 5;
    },
  });

/** A plane that has an origin says it itself. */
function atOf(setting: Setting, plane: Plane): LossSurfaceOptions {
  return plane.origin === null ? atOption(setting) : {};
}
