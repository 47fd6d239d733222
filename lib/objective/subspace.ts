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

  /** `pointsAtOnce`: each on one thread, where the model can run beside itself. */
  constructor(
    objective: ObjectiveHandle,
    { origin, buffers = null, directions, bufferDirections = [] }: Span,
    precision: ReducedPrecision | null,
    pointsAtOnce: number,
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
          pointsAtOnce,
        ),
      ),
    );
    this.precision = precision;
  }

  get pointsAtOnce(): number {
    return callSync((native) => native.pointsOf(this.handle)).atOnce;
  }
  /** What the tensors of a forward pass took at the most; known of a span without directions, when it was evaluated. */
  get pointBytes(): number {
    return callSync((native) => native.pointsOf(this.handle)).pointBytes;
  }
}
