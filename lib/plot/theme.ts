/** Fonts and colours of all figures. Verdana has nearly the widths of DejaVu Sans, which layout counts on. */
export const theme = {
  fontFamily: "'DejaVu Sans', Verdana, sans-serif",
  titleSize: 15,
  labelSize: 13,
  tickSize: 12,
  noteSize: 11,
  minSize: 8,

  background: '#ffffff',
  text: '#222222',
  muted: '#666670',
  warning: '#9a3412',
  axis: '#33333a',
  grid: '#e4e4e8',

  floor: '#f3f3f5',
  wallLeft: '#ececf0',
  wallRight: '#e7e7ec',
  wallEdge: '#a0a0a8',

  primary: '#1f4e96',
  primaryFill: '#d3deef',
  secondary: '#c2410c',
  mark: '#e5352b',
  path: '#d1246b',

  hatchBackground: '#dcdce0',
  hatchLine: '#8c8c96',
} as const;

/** Sizes of what stands at axes and colour bars. */
export interface TextSizes {
  readonly label: number;
  readonly tick: number;
  readonly note: number;
}

export const fullSizes: TextSizes = { label: theme.labelSize, tick: theme.tickSize, note: theme.noteSize };

/** In small multiples. */
export const panelSizes: TextSizes = { label: 11, tick: 9.5, note: 9.5 };
