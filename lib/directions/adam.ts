import { LossAtlasError } from '../errors.js';
import { ParameterVector } from '../model/parameter-vector.js';
import { call } from '../native/call.js';
import { checkOptions, isOneOf, isPositive } from '../validate.js';
import {
  makeDirection,
  normalizationChecks,
  type Direction,
  type NormalizationOptions,
} from './direction.js';
import { Plane, secondAxis } from './plane.js';

/** Adam's state: running means of the gradient and of its square. */
export interface AdamMoments {
  readonly expAvg: ParameterVector;
  readonly expAvgSq: ParameterVector;
}

export interface AdamPlaneOptions extends NormalizationOptions {
  /** `add` (default): θ* + x·m1 + y·m2. `adam`: θ* + (x/√y)·m1/(√m2 + ε), Adam's own step (LLA's adameq). */
  readonly update?: 'add' | 'adam';
  /** ε; default 1e-6 (LLA). */
  readonly epsilon?: number;
}

/**
 * The first and second moments of Adam as axes (Gabdullin 2024, arXiv 2412.10146, section 2.1), not normalised by
 * default. Moments come from `loadMoments`, or are any two vectors.
 */
export async function adamPlane(moments: AdamMoments, options: AdamPlaneOptions = {}): Promise<Plane> {
  checkOptions('adamPlane', options, {
    ...normalizationChecks,
    update: isOneOf('add', 'adam'),
    epsilon: isPositive,
  });
  const { update = 'add', epsilon = 1e-6, ...rest } = options;
  const moment = async (vector: ParameterVector, label: string): Promise<Direction> =>
    makeDirection(vector, { kind: 'adam-moment', label, options: rest, defaultNormalization: 'none' });
  const first = await moment(moments.expAvg, 'first Adam moment');
  const parts = { origin: options.at ?? null };
  const second = async () => moment(moments.expAvgSq, 'second Adam moment');
  const plane = await secondAxis(first, second, parts);
  if (update === 'add') return plane;
  try {
    const step = await adamStep(plane.axes[0].vector, plane.axes[1].vector, epsilon);
    return new Plane(plane.axes, { ...parts, adamStep: step });
  } catch (error) {
    plane.dispose();
    throw error;
  }
}

/** m1 / (√m2 + ε). Throws ERR_DIRECTION where m2 is negative. */
export async function adamStep(
  first: ParameterVector,
  second: ParameterVector,
  epsilon: number,
): Promise<ParameterVector> {
  const step = new ParameterVector(
    await call((native) => native.adamDirection(first.handle, second.handle, epsilon)),
    first.space,
  );
  if (Number.isFinite(await step.norm())) return step;
  step.dispose();
  throw new LossAtlasError(
    'ERR_DIRECTION',
    "Adam's equation wants a second moment without negative entries (exp_avg_sq of Adam's state); this one has some.",
  );
}
