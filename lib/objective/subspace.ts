import type { BufferState } from '../model/buffer-state.js';
import type { ParameterVector } from '../model/parameter-vector.js';
import type { ObjectiveHandle, SubspaceHandle } from '../native/addon.js';
import { callSync, NativeResource } from '../native/call.js';

/** Points origin + Σᵢ aᵢ·directions[i]; running statistics likewise where they are given. */
export interface Span {
  readonly origin: ParameterVector;
  /** Buffers at the origin; null: the model's own. */
  readonly buffers?: BufferState | null;
  readonly directions: readonly ParameterVector[];
  /** None, or one a direction. */
  readonly bufferDirections?: readonly BufferState[];
}

/** What products of a forward pass are computed in where that is less than the model's own type. */
export type ReducedPrecision = 'bf16' | 'tf32';

/** A span for one objective: keeps what its points share, from one evaluation to the next. */
export class Subspace extends NativeResource<SubspaceHandle> {
  readonly precision: ReducedPrecision | null;

  /**
   * `sideBySide`: several points at once, each on one thread, where the native core finds that it pays; the calls must bring
   * enough of them to keep all threads busy.
   */
  constructor(
    objective: ObjectiveHandle,
    { origin, buffers = null, directions, bufferDirections = [] }: Span,
    precision: ReducedPrecision | null,
    sideBySide: boolean,
  ) {
    super(
      callSync((native) =>
        native.makeSubspace(
          objective,
          origin.handle,
          buffers?.handle ?? null,
          directions.map((d) => d.handle),
          bufferDirections.map((b) => b.handle),
          precision ?? 'full',
          sideBySide,
        ),
      ),
    );
    this.precision = precision;
  }

  /** 1 until its first points were computed. */
  get pointsAtOnce(): number {
    return callSync((native) => native.pointsAtOnce(this.handle));
  }
}
