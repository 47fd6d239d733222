import { adamStep } from '../../directions/adam.js';
import { Direction } from '../../directions/direction.js';
import { frozenParameters } from '../../directions/freeze.js';
import type { ParameterInfo } from '../../model/model.js';
import { disposeAll } from '../../model/parameter-vector.js';
import type { Objective } from '../../objective/objective.js';
import type { Computed, LossSurface } from '../../results.js';
import { checkOptions, isBoolean, isInteger, isOneOf, isPositive } from '../../validate.js';
import { surfaceOn } from '../surface.js';
import { eachSlice, eachTensor, multiply, norm, scale } from './groups.js';
import { presetAxis, presetChecks, rawAxes, type PresetOptions } from './preset-axes.js';

export interface LlaSurfaceOptions extends PresetOptions {
  /** Along each axis; default 40. */
  readonly steps?: number;
  /** Default 1. */
  readonly distance?: number;
  /** Default `none`. */
  readonly normalization?: 'none' | 'weight' | 'layer' | 'filter' | 'model';
  /** Default 2. */
  readonly order?: 1 | 2;
  /** LLA's `raa`: k > 0 leaves all parameter tensors from the k-th on where they are, k < 0 the first |k|. */
  readonly freeze?: number;
  /** `adam`: LLA's `adameq`, on axes that are Adam's moments. Default `add`. */
  readonly update?: 'add' | 'adam';
  /** LLA's `b_sqrt`: divide by √b (default) or by b. */
  readonly squareRoot?: boolean;
}

/** Sums of signed entries instead of |x|. */
function signedNorm(values: Float64Array, order: 1 | 2): number {
  return order === 1 ? values.reduce((sum, x) => sum + x, 0) : norm(values);
}

function normalizeAsLla(
  parameters: readonly ParameterInfo[],
  d: Float64Array,
  w: Float64Array,
  normalization: string,
  order: 1 | 2,
): void {
  if (normalization === 'weight') multiply(d, w);
  if (normalization === 'layer')
    eachTensor(parameters, d, w, (dt, wt) => {
      scale(dt, signedNorm(wt, order) / signedNorm(dt, order));
    });
  // Tensor after tensor, by the norm of a whole that is half rescaled already, which is always of order 2.
  if (normalization === 'model')
    eachTensor(parameters, d, w, (dt) => {
      scale(dt, signedNorm(w, order) / norm(d));
    });
  if (normalization === 'filter')
    eachTensor(parameters, d, w, (dt, wt, parameter) => {
      if (parameter.shape.length === 1) scale(dt, norm(wt, order) / norm(dt, order));
      else
        eachSlice(parameter, dt, wt, (ds, ws) => {
          scale(ds, signedNorm(ws, order) / (signedNorm(ds, order) + 1e-10));
        });
    });
}

/**
 * The surface that the program LLA (github.com/GabdullinN/loss-landscape-analysis, `random_plane`) computes from the same
 * directions, peculiarities included: see `recipe.notes` of the result. x runs along the first direction. Its own
 * in-place steps drift by rounding, which is not reproduced.
 */
export async function llaSurface(
  objective: Objective,
  options: LlaSurfaceOptions = {},
): Promise<Computed<LossSurface>> {
  checkOptions('llaSurface', options, {
    ...presetChecks,
    steps: isInteger(1),
    distance: isPositive,
    normalization: isOneOf('none', 'weight', 'layer', 'filter', 'model'),
    order: isOneOf(1, 2),
    freeze: isInteger(-1e9, 1e9),
    update: isOneOf('add', 'adam'),
    squareRoot: isBoolean,
  });
  const { steps = 40, distance = 1, normalization = 'none', order = 2, update = 'add' } = options;
  const { model } = objective;
  const raw = await rawAxes(model, options, 'unit-uniform');
  using theta = options.at === undefined ? await model.theta() : null;
  const w = await (options.at?.theta ?? theta!).toArray();
  const axes: Direction[] = [];
  const own: { dispose(): void }[] = [];
  const unit = distance / steps;
  try {
    for (const [i, values] of raw.values.entries()) {
      normalizeAsLla(model.parameters, values, w, normalization, order);
      const label = `direction ${i + 1} (${normalization === 'none' ? 'as drawn' : `${normalization}, LLA`})`;
      // The Adam equation takes the axes divided by the number of steps.
      if (update === 'adam') scale(values, unit);
      axes.push(await presetAxis(model, values, raw, label, normalization, order, options.at));
    }
    const recipe = { name: 'lla', notes: Object.freeze(notesOf(options)) } as const;
    const pair = [axes[0]!, axes[1]!] as const;
    if (update === 'adam') {
      const step = await adamStep(pair[0].vector, pair[1].vector, 1e-6);
      own.push(step);
      const { x, y, coefficients } = adamGrid(steps, options.squareRoot ?? true);
      const directions = [new Direction(step, pair[0].description)];
      return await surfaceOn(
        objective,
        { axes: pair, update, x, y, directions, coefficients, recipe },
        options,
      );
    }
    const moving = await freezeAsLla(pair, options.freeze ?? 0, distance / 2, own);
    const nominal = Float64Array.from({ length: steps }, (_, i) => (i - steps / 2) * unit);
    const coefficients = Float64Array.from({ length: moving.length * steps * steps }, (_, k) => {
      const [p, axis] = [Math.floor(k / moving.length), k % moving.length];
      const [i, j] = [p % steps, Math.floor(p / steps)];
      if (axis === 2) return 1;
      return axis === 0 ? nominal[i]! : nominal[j]! + (i % 2 === 0 ? unit : 0);
    });
    return await surfaceOn(
      objective,
      { axes: pair, update, x: nominal, y: nominal, directions: moving, coefficients, recipe },
      options,
    );
  } finally {
    disposeAll([...axes, ...own]);
  }
}

/** What moves: frozen tensors stay at the corner where LLA's walk starts, which is a third, constant direction. */
async function freezeAsLla(
  axes: readonly [Direction, Direction],
  freeze: number,
  half: number,
  own: { dispose(): void }[],
): Promise<readonly Direction[]> {
  const { model } = axes[0].vector;
  // An index beyond the list is ignored.
  const isIgnored = freeze === 0 || Math.abs(freeze) >= model.parameters.length;
  const frozen = new Set(isIgnored ? [] : frozenParameters(model.parameters, freeze));
  if (frozen.size === 0) return axes;
  const corner = new Float64Array(model.size);
  const out: Direction[] = [];
  for (const { vector, description } of axes) {
    const values = await vector.toArray();
    for (const [i, { offset, numel }] of model.parameters.entries()) {
      if (!frozen.has(i)) continue;
      for (let k = offset; k < offset + numel; k++) corner[k]! -= half * values[k]!;
      values.fill(0, offset, offset + numel);
    }
    const moving = await model.vector(values);
    own.push(moving);
    out.push(new Direction(moving, description));
  }
  const start = await model.vector(corner);
  own.push(start);
  return [...out, new Direction(start, axes[0].description)];
}

/** k = a/√b or a/b; after the first row of a the walk forgets to take one step back. */
function adamGrid(steps: number, squareRoot: boolean) {
  const x = Float64Array.from({ length: steps }, (_, i) => -1 + (2 * i) / steps);
  const y = Float64Array.from({ length: steps }, (_, j) => (squareRoot ? 0.1 : -1) + (2 * j) / steps);
  const k = (i: number, j: number) => x[i]! / (squareRoot ? Math.sqrt(y[j]!) : y[j]!);
  const lost = new Float64Array(steps);
  for (let i = 1; i < steps; i++) lost[i] = lost[i - 1]! + k(i - 1, steps - 1);
  const coefficients = Float64Array.from({ length: steps * steps }, (_, p) => {
    const [i, j] = [p % steps, Math.floor(p / steps)];
    return k(i, j) - lost[i]!;
  });
  return { x, y, coefficients };
}

function notesOf({ axes, update, normalization, order, freeze, steps = 40 }: LlaSurfaceOptions): string[] {
  const notes: string[] = [];
  if (axes === undefined)
    notes.push(
      'Directions are drawn from U[0, 1], so their mean is 0.5; the second is made orthogonal before normalising.',
    );
  if (order === 1 && normalization !== undefined && normalization !== 'none' && normalization !== 'weight')
    notes.push('Order 1 means sums of signed entries, not of |x|.');
  if (normalization === 'model')
    notes.push('The norm of the whole is taken again after each tensor that was rescaled.');
  if (update === 'adam') {
    notes.push('From the second value of a on, the last step of each value before is subtracted twice.');
  } else {
    notes.push(
      'Coordinates are nominal: where the index along the first direction is even, the second coordinate is one step larger.',
      steps % 2 === 0
        ? 'The model itself lies at nominal (0, 0) or one step before it.'
        : 'No point is the model itself (odd number of steps).',
    );
    if (freeze !== undefined && freeze !== 0)
      notes.push(
        'Frozen tensors stay at the corner of the plane, not at the model: no point is the model itself.',
      );
  }
  return notes;
}
