import type { Direction } from '../../directions/direction.js';
import type { ParameterInfo } from '../../model/model.js';
import { disposeAll } from '../../model/parameter-vector.js';
import type { Objective } from '../../objective/objective.js';
import type { Computed, LossSurface } from '../../results.js';
import { checkOptions, isInteger, isOneOf, isPositive } from '../../validate.js';
import { surfaceOn } from '../surface.js';
import { eachSlice, eachTensor, norm, scale } from './groups.js';
import { presetAxis, presetChecks, rawAxes, type PresetOptions } from './preset-axes.js';

export interface LossLandscapesSurfaceOptions extends PresetOptions {
  /** Along each axis; default 20. */
  readonly steps?: number;
  /** In units of ‖θ‖; default 1. */
  readonly distance?: number;
  /** Default `filter`. */
  readonly normalization?: 'none' | 'layer' | 'filter' | 'model';
}

function normalizeAsLossLandscapes(
  parameters: readonly ParameterInfo[],
  d: Float64Array,
  w: Float64Array,
  normalization: string,
): void {
  if (normalization === 'layer')
    eachTensor(parameters, d, w, (dt, wt) => {
      scale(dt, norm(wt) / norm(dt));
    });
  if (normalization === 'model')
    eachTensor(parameters, d, w, (dt) => {
      scale(dt, norm(w) / norm(d));
    });
  // Of a vector each entry is a filter: sign(d)·|w| is left.
  if (normalization === 'filter')
    eachTensor(parameters, d, w, (dt, wt, parameter) => {
      eachSlice(parameter, dt, wt, (ds, ws) => {
        scale(ds, norm(ws) / norm(ds));
      });
    });
}

/**
 * The surface that the package loss-landscapes (github.com/marcellodebernardi/loss-landscapes, `random_plane`) computes
 * from the same directions, peculiarities included: see `recipe.notes` of the result. x runs along the first direction.
 */
export async function lossLandscapesSurface(
  objective: Objective,
  options: LossLandscapesSurfaceOptions = {},
): Promise<Computed<LossSurface>> {
  checkOptions('lossLandscapesSurface', options, {
    ...presetChecks,
    steps: isInteger(1),
    distance: isPositive,
    normalization: isOneOf('none', 'layer', 'filter', 'model'),
  });
  const { steps = 20, distance = 1, normalization = 'filter' } = options;
  const { model } = objective;
  const raw = await rawAxes(model, options, 'unit-uniform');
  using theta = options.at === undefined ? await model.theta() : null;
  const w = await (options.at?.theta ?? theta!).toArray();
  const axes: Direction[] = [];
  try {
    for (const [i, values] of raw.values.entries()) {
      normalizeAsLossLandscapes(model.parameters, values, w, normalization);
      scale(values, norm(w) / norm(values));
      const label = `direction ${i + 1} (${normalization}, then ‖θ‖; loss-landscapes)`;
      axes.push(await presetAxis(model, values, raw, label, normalization, 2, options.at));
    }
    const unit = distance / steps;
    const nominal = Float64Array.from({ length: steps }, (_, i) => (i - steps / 2) * unit);
    const coefficients = Float64Array.from({ length: 2 * steps * steps }, (_, k) => {
      const [i, j] = [(k >> 1) % steps, Math.floor((k >> 1) / steps)];
      return k % 2 === 0 ? nominal[i]! : nominal[j]! + (i % 2 === 0 ? unit : 0);
    });
    const notes = [
      ...(options.axes === undefined
        ? [
            'Directions are drawn from U[0, 1], so their mean is 0.5; the second is made orthogonal before normalising.',
          ]
        : []),
      'Whatever the normalisation, each direction is at last scaled to the norm of the whole model.',
      'Coordinates are nominal: where the index along the first direction is even, the second coordinate is one step larger.',
      ...(normalization === 'filter'
        ? ['In biases and norm parameters every entry counts as a filter.']
        : []),
    ];
    return await surfaceOn(
      objective,
      {
        axes: [axes[0]!, axes[1]!],
        update: 'add',
        x: nominal,
        y: nominal,
        directions: axes,
        coefficients,
        recipe: { name: 'loss-landscapes', notes: Object.freeze(notes) },
      },
      options,
    );
  } finally {
    disposeAll(axes);
  }
}
