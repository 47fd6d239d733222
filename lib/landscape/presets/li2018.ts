import type { Direction } from '../../directions/direction.js';
import type { ParameterInfo } from '../../model/model.js';
import { disposeAll } from '../../model/parameter-vector.js';
import type { Objective } from '../../objective/objective.js';
import type { Computed, LossSurface } from '../../results.js';
import { checkOptions, isBoolean, isInteger, isOneOf, isRange } from '../../validate.js';
import { gridCoefficients, surfaceOn } from '../surface.js';
import { coordinates } from '../sweep.js';
import { eachSlice, eachTensor, multiply, norm, scale } from './groups.js';
import { presetAxis, presetChecks, rawAxes, type PresetOptions } from './preset-axes.js';

export interface Li2018SurfaceOptions extends PresetOptions {
  /** Default [−1, 1]. */
  readonly range?: readonly [number, number];
  readonly yRange?: readonly [number, number];
  /** Default 51. */
  readonly points?: number;
  readonly yPoints?: number;
  /** Default `filter`. */
  readonly normalization?: 'filter' | 'layer' | 'weight';
  /** Zero for tensors of one dimension (`biasbn`; default true); false: the model's own entries in both directions. */
  readonly ignoreBiasAndNorm?: boolean;
}

function normalizeAsLi(
  parameters: readonly ParameterInfo[],
  direction: Float64Array,
  reference: Float64Array,
  normalization: string,
  ignore: boolean,
): void {
  eachTensor(parameters, direction, reference, (d, w, parameter) => {
    if (parameter.shape.length <= 1) {
      if (ignore) d.fill(0);
      else d.set(w);
    } else if (normalization === 'weight') multiply(d, w);
    else if (normalization === 'layer') scale(d, norm(w) / norm(d));
    else
      eachSlice(parameter, d, w, (ds, ws) => {
        scale(ds, norm(ws) / (norm(ds) + 1e-10));
      });
  });
}

/**
 * The surface that Li et al. 2018 (arXiv 1712.09913; github.com/tomgoldstein/loss-landscape) compute from the same
 * directions: Gaussian, filter-normalised, biases and norm parameters left out, not made orthogonal.
 */
export async function li2018Surface(
  objective: Objective,
  options: Li2018SurfaceOptions = {},
): Promise<Computed<LossSurface>> {
  checkOptions('li2018Surface', options, {
    ...presetChecks,
    range: isRange,
    yRange: isRange,
    points: isInteger(1),
    yPoints: isInteger(1),
    normalization: isOneOf('filter', 'layer', 'weight'),
    ignoreBiasAndNorm: isBoolean,
  });
  const { range = [-1, 1], points = 51, normalization = 'filter', ignoreBiasAndNorm = true } = options;
  const { model } = objective;
  const raw = await rawAxes(model, options, 'gaussian');
  using theta = options.at === undefined ? await model.theta() : null;
  const w = await (options.at?.theta ?? theta!).toArray();
  const axes: Direction[] = [];
  try {
    for (const [i, values] of raw.values.entries()) {
      normalizeAsLi(model.parameters, values, w, normalization, ignoreBiasAndNorm);
      const label = `direction ${i + 1} (${normalization}-normalised, Li et al. 2018)`;
      axes.push(await presetAxis(model, values, raw, label, normalization, 2, options.at));
    }
    const x = coordinates(range, points);
    const y = coordinates(options.yRange ?? range, options.yPoints ?? points);
    const notes = [
      'The directions are not made orthogonal: their cosine is among the checks.',
      ...(ignoreBiasAndNorm
        ? []
        : ['Biases and norm parameters of both directions are those of the model, whatever was drawn.']),
    ];
    return await surfaceOn(
      objective,
      {
        axes: [axes[0]!, axes[1]!],
        update: 'add',
        x,
        y,
        directions: axes,
        coefficients: gridCoefficients(x, y),
        recipe: { name: 'li2018', notes: Object.freeze(notes) },
      },
      options,
    );
  } finally {
    disposeAll(axes);
  }
}
