/** Where a viewer looks from. */
export interface ViewerView {
  /** Degrees. */
  readonly azimuth: number;
  /** Degrees, 5 … 85. */
  readonly elevation: number;
  /** 1 shows the whole box. */
  readonly zoom: number;
}

export const initialView: ViewerView = { azimuth: -55, elevation: 32, zoom: 1 };

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

/** The view turned by degrees and zoomed by a factor. */
export function turned(view: ViewerView, azimuth: number, elevation: number, zoom = 1): ViewerView {
  return {
    azimuth: ((((view.azimuth + azimuth + 180) % 360) + 360) % 360) - 180,
    elevation: clamp(view.elevation + elevation, 5, 85),
    zoom: clamp(view.zoom * zoom, 0.5, 6),
  };
}

/** The views of all viewers: one for all while they are linked. */
export class Views {
  readonly #views: ViewerView[];
  #isLinked = false;
  #last = 0;

  constructor(
    count: number,
    private readonly onChange: (viewer: number) => void,
  ) {
    this.#views = Array.from({ length: count }, () => initialView);
  }

  get(viewer: number): ViewerView {
    return this.#views[viewer]!;
  }

  set(viewer: number, view: ViewerView): void {
    this.#last = viewer;
    for (let i = 0; i < this.#views.length; i++) {
      if (i !== viewer && !this.#isLinked) continue;
      this.#views[i] = view;
      this.onChange(i);
    }
  }

  /** Linking takes over the view that was turned last. */
  link(isLinked: boolean): void {
    const isNew = isLinked && !this.#isLinked;
    this.#isLinked = isLinked;
    if (isNew && this.#views.length > 0) this.set(this.#last, this.get(this.#last));
  }
}
