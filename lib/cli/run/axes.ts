import {
  adamPlane,
  customDirection,
  customPlane,
  gradientDirection,
  hessian,
  hessianDirection,
  hessianPlane,
  loadMoments,
  loadPlane,
  loadVector,
  LossAtlasError,
  randomDirection,
  randomPlane,
  savePlane,
  type AdamPlaneOptions,
  type Direction,
  type HessianDirectionOptions,
  type HessianPlaneOptions,
  type LoadMomentsOptions,
  type NormalizationOptions,
  type Plane,
  type RandomPlaneOptions,
} from '../../index.js';
import type { Run } from '../analysis.js';
import { keepingProducts, productsPath } from '../keep-products.js';
import {
  normalizationOptions,
  planeAxisOptions,
  randomOptions,
  searchOptions,
} from '../options/landscape-options.js';
import { solutionOptions } from '../options/setting-options.js';
import { take, type Values } from '../options/table.js';
import { refuseOptions } from '../refuse-options.js';
import { atOption, type Setting } from '../setting.js';

const searchKeys = Object.keys(searchOptions);
type Owners = Readonly<Record<string, readonly string[]>>;

/** What each kind of direction takes besides its normalisation. */
const lineOwn: Owners = {
  random: ['law', 'seed'],
  gradient: [],
  hessian: ['seed', ...searchKeys],
  file: ['vector'],
};
const planeOwn: Owners = {
  random: ['law', 'seed', 'orthogonal'],
  hessian: ['seed', 'which', ...searchKeys],
  adam: ['moments', 'momentsKey', 'update', 'epsilon'],
  gradient: ['law', 'seed', 'orthogonal'],
  file: ['vectors', 'orthogonal'],
};

/** Options of other kinds than the chosen one would do nothing. Throws ERR_INVALID_OPTION. */
function refuseOthers(values: Values, option: string, chosen: string, owners: Owners): void {
  for (const [kind, keys] of Object.entries(owners))
    refuseOptions(
      values,
      keys.filter((key) => !owners[chosen]!.includes(key)),
      `for ${option} '${kind}', not '${chosen}'`,
    );
}

/** The direction of a line, as `--axis` names it. */
export async function openDirection(setting: Setting, run: Run): Promise<Direction> {
  const { values, resources, analysis } = run;
  const { model, loss } = setting;
  const normalization = { ...take<NormalizationOptions>(values, normalizationOptions), ...atOption(setting) };
  const axis = (values.axis as string | undefined) ?? 'random';
  refuseOthers(values, 'axis', axis, lineOwn);
  switch (axis) {
    case 'gradient':
      return resources.keep(await gradientDirection(loss, normalization));
    case 'hessian': {
      using operator = hessian(loss, atOption(setting));
      const search = take<HessianDirectionOptions>(values, { ...searchOptions, seed: randomOptions.seed });
      return resources.keep(
        await keepingProducts(operator, productsPath(run, 'axes'), async (recorded) =>
          hessianDirection(recorded, { ...search, ...normalization, ...analysis }),
        ),
      );
    }
    case 'file': {
      const path = required(values, 'vector', "axis 'file'");
      using loaded = await loadVector(model, path);
      return resources.keep(await customDirection(loaded, { label: path, ...normalization }));
    }
    default:
      return resources.keep(
        await randomDirection(model, {
          ...take<RandomPlaneOptions>(values, randomOptions),
          ...normalization,
        }),
      );
  }
}

/** The plane of a surface, as `--axes` or `--plane` name it; written to `--save-plane`. */
export async function openPlane(setting: Setting, run: Run): Promise<Plane> {
  const { values, resources } = run;
  const saved = values.plane as string | undefined;
  if (saved !== undefined) {
    const made = ['axes', ...Object.keys(normalizationOptions), ...Object.values(planeOwn).flat()];
    refuseOptions(values, made, 'for new axes, and a saved plane has its own');
  } else refuseOthers(values, 'axes', (values.axes as string | undefined) ?? 'random', planeOwn);
  const plane = resources.keep(
    saved === undefined ? await makePlane(setting, run) : await loadPlane(saved, setting.model),
  );
  if (plane.origin !== null && saved !== undefined)
    refuseOptions(
      values,
      ['weights', 'randomWeights'],
      `not for '${saved}', which keeps the weights that it was made at`,
    );
  if (values.savePlane !== undefined && values.dryRun !== true)
    await savePlane(values.savePlane as string, plane);
  return plane;
}

async function makePlane(setting: Setting, run: Run): Promise<Plane> {
  const { values, analysis } = run;
  const { model, loss } = setting;
  const at = atOption(setting);
  const normalization = { ...take<NormalizationOptions>(values, normalizationOptions), ...at };
  const orthogonal = take<{ orthogonal?: boolean }>(values, { orthogonal: planeAxisOptions.orthogonal });
  const random = take<RandomPlaneOptions>(values, randomOptions);
  switch (values.axes ?? 'random') {
    case 'hessian': {
      using operator = hessian(loss, at);
      const { which } = planeAxisOptions;
      const search = take<HessianPlaneOptions>(values, { ...searchOptions, which, seed: randomOptions.seed });
      return await keepingProducts(operator, productsPath(run, 'axes'), async (recorded) =>
        hessianPlane(recorded, { ...search, ...normalization, ...analysis }),
      );
    }
    case 'adam': {
      const path = required(values, 'moments', "axes 'adam'");
      using moments = await loadMoments(
        model,
        path,
        take<LoadMomentsOptions>(values, {
          momentsKey: planeAxisOptions.momentsKey,
          unknown: solutionOptions.unknown,
        }),
      );
      const { update, epsilon } = planeAxisOptions;
      return await adamPlane(moments, {
        ...take<AdamPlaneOptions>(values, { update, epsilon }),
        ...normalization,
      });
    }
    case 'gradient': {
      using gradient = await gradientDirection(loss, { ...at, normalization: 'none', ignore: [] });
      using beside = await model.randomVector(random.law ?? 'gaussian', random.seed ?? 0);
      const labels = ['gradient', `random direction, seed ${random.seed ?? 0}`] as const;
      // As random planes have it: unlike the gradient, a random direction means nothing as it was drawn.
      const usual: NormalizationOptions = { normalization: 'filter', ignore: ['bias', 'norm'] };
      return await customPlane(gradient.vector, beside, {
        labels,
        ...usual,
        ...normalization,
        ...orthogonal,
      });
    }
    case 'file': {
      const [first, second, ...rest] = required(values, 'vectors', "axes 'file'").split(',');
      if (first === undefined || second === undefined || rest.length > 0)
        throw new LossAtlasError('ERR_INVALID_OPTION', "Option 'vectors' must be two files, with a comma.");
      using a = await loadVector(model, first);
      using b = await loadVector(model, second);
      return await customPlane(a, b, { labels: [first, second], ...normalization, ...orthogonal });
    }
    default:
      return await randomPlane(model, { ...random, ...normalization, ...orthogonal });
  }
}

export function required(values: Values, key: string, what: string): string {
  const value = values[key];
  if (typeof value === 'string') return value;
  throw new LossAtlasError('ERR_INVALID_OPTION', `Option '${key}' is missing, which ${what} needs.`);
}
