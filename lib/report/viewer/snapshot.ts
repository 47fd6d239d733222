import { defaultCaption } from '../../plot/describe.js';
import { drawingNotes } from '../../plot/field.js';
import { hatchPattern, layoutFigure } from '../../plot/figure.js';
import { drawSurfacePanel } from '../../plot/surface-panel.js';
import { element, text } from '../../plot/svg.js';
import { fullSizes, theme } from '../../plot/theme.js';
import { prefixIds } from '../svg-ids.js';
import type { SurfaceViewer } from './surface-viewer.js';

/** What the viewer shows as a figure for paper, from the same direction. */
export function printFigure(viewer: SurfaceViewer, title: string, prefix: string): string {
  const panel = viewer.panel();
  if (panel === null) return '';
  const notes = drawingNotes(panel.noun, [panel.drawn]);
  const caption = defaultCaption(viewer.surface);
  const figure = layoutFigure({ width: 760, height: 600, title, caption, notes });
  const hatch = panel.drawn.numHidden > 0 ? hatchPattern : '';
  const { content } = drawSurfacePanel(figure.box, { ...panel, hasBar: true, sizes: fullSizes });
  return prefixIds(figure.finish([hatch, ...content]), prefix);
}

/** What the viewer shows now, as a PNG of twice its size on white. */
export async function snapshot(viewer: SurfaceViewer, title: string): Promise<Blob> {
  const { behind, ahead, width, height } = viewer.layers();
  const head = 30;
  const picture = element('image', { href: viewer.canvas.toDataURL(), width, height });
  const svg = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height: height + head,
      viewBox: `0 0 ${width} ${height + head}`,
      'font-family': theme.fontFamily,
      'font-size': theme.tickSize,
      fill: theme.text,
    },
    element('rect', { width, height: height + head, fill: theme.background }),
    text(title, [width / 2, 20], {
      'text-anchor': 'middle',
      'font-size': theme.titleSize,
      'font-weight': 'bold',
    }),
    // An inner document clips what a zoomed view has beyond its edges.
    element('svg', { y: head, width, height }, behind, picture, ahead),
  );
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 2 * width;
  canvas.height = 2 * (height + head);
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob === null ? reject(new Error('no PNG')) : resolve(blob)), 'image/png'),
  );
}
