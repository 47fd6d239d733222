import { colorMapNames } from '../plot/color-scale.js';
import type { Result } from '../io/result-format.js';
import type { LossSurface } from '../results.js';
import { defaultScale } from './default-scale.js';
import { escapeHtml, tag, textTag } from './html.js';

/** A surface to turn: a result (`part` 0), or one of an atlas. */
export interface ShownSurface {
  readonly result: number;
  readonly part: number;
  readonly title: string;
  readonly surface: LossSurface;
}

/** The surfaces of results under their titles. */
export function surfacesOf(entries: readonly { result: Result; title: string }[]): ShownSurface[] {
  return entries.flatMap(({ result, title }, index): ShownSurface[] => {
    if (result.kind === 'loss-surface') return [{ result: index, part: 0, title, surface: result }];
    if (result.kind !== 'landscape-atlas') return [];
    return result.surfaces.map((surface, part) => ({
      result: index,
      part,
      title: result.titles[part] ?? title,
      surface,
    }));
  });
}

const help =
  'Drag to turn, or use the arrow keys; + and − zoom, so does the wheel once the surface has the focus; 0 goes back. ' +
  'Point at the surface, tap it, or press Shift and an arrow key to read the values at a point of the grid. On a touch ' +
  'screen two fingers tilt and zoom.';

/** All surfaces with their common controls. */
export function viewersSection(surfaces: readonly ShownSurface[]): string {
  return tag(
    'section',
    { id: 'surfaces', 'aria-labelledby': 'surfaces-title' },
    textTag('h2', surfaces.length === 1 ? 'Surface' : 'Surfaces', { id: 'surfaces-title' }),
    tag('noscript', {}, textTag('p', 'Turning the surfaces takes JavaScript. Their contours are below.')),
    toolbar(surfaces),
    tag(
      'details',
      { class: 'help' },
      textTag('summary', 'Mouse, keys and fingers'),
      textTag('p', help, { id: 'viewer-help', class: 'words' }),
    ),
    tag('div', { class: surfaces.length === 1 ? 'viewers single' : 'viewers' }, ...surfaces.map(viewer)),
  );
}

function toolbar(surfaces: readonly ShownSurface[]): string {
  const scale = defaultScale(surfaces.map(({ surface }) => surface));
  const single = surfaces.length === 1;
  return tag(
    'form',
    { class: 'toolbar', 'aria-label': 'How the surfaces are shown' },
    choice('value', 'Value', valueNames(surfaces)),
    choice(
      'scale',
      'Scale',
      [
        ['linear', 'linear'],
        ['log', 'logarithmic'],
      ],
      scale,
    ),
    choice(
      'colorMap',
      'Colours',
      colorMapNames.map((name) => [name, name]),
    ),
    tag(
      'label',
      {},
      'Cap ',
      tag('input', { type: 'range', name: 'cap', min: 1, max: 1000, value: 1000, step: 1 }),
      tag('output', { class: 'cap-value' }),
    ),
    box('mesh', 'mesh', true),
    box('floor', 'contours on the floor', true),
    box('drape', 'contours on the surface', false),
    single ? '' : box('linked', 'linked cameras', true),
    single ? '' : box('shared', 'one value scale for all', false),
  );
}

function valueNames(surfaces: readonly ShownSurface[]): [string, string][] {
  const has = (test: (surface: LossSurface) => boolean) => surfaces.some(({ surface }) => test(surface));
  const metrics = new Set(surfaces.flatMap(({ surface }) => Object.keys(surface.metrics)));
  return [
    ['loss', 'loss'],
    ...(has(({ accuracy }) => accuracy !== null) ? [['accuracy', 'accuracy'] as [string, string]] : []),
    ...(has(({ gradientNorm }) => gradientNorm !== null)
      ? [['gradient-norm', 'gradient norm'] as [string, string]]
      : []),
    ...[...metrics].map((name): [string, string] => [name, name]),
  ];
}

function choice(
  name: string,
  label: string,
  values: readonly (readonly [string, string])[],
  selected?: string,
): string {
  const options = values.map(([value, words]) =>
    textTag('option', words, { value, selected: value === selected }),
  );
  return tag(
    'label',
    {},
    `${label} `,
    // Browsers would else restore what was chosen before a reload, beside other controls.
    tag('select', { name, autocomplete: 'off' }, ...options),
  );
}

function box(name: string, label: string, checked: boolean): string {
  return tag(
    'label',
    {},
    tag('input', { type: 'checkbox', name, checked, autocomplete: 'off' }),
    ` ${escapeHtml(label)}`,
  );
}

const buttons: readonly (readonly [turn: string, sign: string, label: string])[] = [
  ['left', '←', 'Turn left'],
  ['right', '→', 'Turn right'],
  ['up', '↑', 'Look from higher up'],
  ['down', '↓', 'Look from further down'],
  ['in', '+', 'Zoom in'],
  ['out', '−', 'Zoom out'],
  ['reset', '⟲', 'Back to the first view'],
];

function viewer({ result, part, title }: ShownSurface): string {
  const turns = buttons.map(([turn, sign, label]) =>
    textTag('button', sign, { type: 'button', 'data-turn': turn, 'aria-label': label, title: label }),
  );
  const stage = {
    class: 'stage',
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'surface that can be turned',
    'aria-label': title,
    'aria-describedby': 'viewer-help',
  };
  return tag(
    'figure',
    { class: 'viewer', 'data-result': result, 'data-part': part },
    textTag('figcaption', title),
    tag('div', stage),
    textTag('output', 'Point at the surface to read its values.', { class: 'readout' }),
    tag('p', { class: 'notes' }),
    tag(
      'div',
      { class: 'buttons' },
      ...turns,
      textTag('button', 'PNG', { type: 'button', 'data-action': 'png', title: 'Download this view' }),
    ),
    tag('div', { class: 'on-paper' }),
  );
}
