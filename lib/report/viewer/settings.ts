import type { ColorMap } from '../../plot/color-scale.js';
import type { ScaleKind } from '../../plot/value-scale.js';

/** What all viewers of a page have in common. */
export interface Settings {
  /** `loss`, `accuracy`, `gradient-norm` or the name of a metric. */
  readonly value: string;
  readonly scale: ScaleKind;
  /** Position of the cap's slider, 0 … 1; 1 is no cap. */
  readonly cap: number;
  readonly colorMap: ColorMap;
  readonly mesh: boolean;
  readonly floor: boolean;
  readonly drape: boolean;
  /** One range of values and colours for all. */
  readonly shared: boolean;
  readonly linked: boolean;
}

/** The settings as the controls show them. */
export function readSettings(form: HTMLFormElement): Settings {
  const field = (name: string) => form.elements.namedItem(name);
  const text = (name: string) => (field(name) as HTMLInputElement | HTMLSelectElement | null)?.value ?? '';
  // A page with a single surface has no controls for several.
  const isChecked = (name: string) => (field(name) as HTMLInputElement | null)?.checked ?? false;
  return {
    value: text('value'),
    scale: text('scale') as ScaleKind,
    cap: Number(text('cap')) / 1000,
    colorMap: text('colorMap') as ColorMap,
    mesh: isChecked('mesh'),
    floor: isChecked('floor'),
    drape: isChecked('drape'),
    shared: isChecked('shared'),
    linked: isChecked('linked'),
  };
}
