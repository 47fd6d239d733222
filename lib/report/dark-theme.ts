import { theme } from '../plot/theme.js';

/** What the colours of figures become on a dark page; those of the data stay. */
const dark: Readonly<Record<string, string>> = {
  [theme.text]: '#e6e6ea',
  [theme.muted]: '#a3a3ad',
  [theme.warning]: '#ffb38a',
  [theme.axis]: '#c4c4cc',
  [theme.grid]: '#33353d',
  [theme.floor]: '#2a2c33',
  [theme.wallLeft]: '#25272d',
  [theme.wallRight]: '#212329',
  [theme.wallEdge]: '#5c5e68',
  [theme.primary]: '#7fb2ff',
  [theme.primaryFill]: '#243a5c',
  [theme.secondary]: '#ff9a62',
  [theme.mark]: '#ff6b61',
  [theme.path]: '#ff77ad',
  [theme.hatchBackground]: '#3a3c44',
  [theme.hatchLine]: '#777985',
  // Axes of surfaces, and the curves that the theme does not name.
  '#55555c': '#b4b4bd',
  '#15803d': '#5fd38a',
  '#6d28d9': '#b794ff',
};

const background = '#17181c';

/** What of white is background, and not a mark on top of the data. */
const whites = [
  '>rect:first-child',
  ' .walls .grid',
  ' [class^=axis-] g',
  ' .mark-labels',
  ' .annotations rect',
] as const;

/** Style rules that turn figures dark under `scope`; style wins over the attributes of SVG. */
export function darkFigureRules(scope: string): string {
  const white = whites.flatMap((place) =>
    ['fill', 'stroke'].map(
      (name) => `${scope} svg${place}[${name}="${theme.background}"]{${name}:${background}}`,
    ),
  );
  const others = Object.entries(dark).flatMap(([light, color]) =>
    ['fill', 'stroke'].map(
      (name) => `${scope} svg[${name}="${light}"],${scope} svg [${name}="${light}"]{${name}:${color}}`,
    ),
  );
  return [...white, ...others].join('');
}
